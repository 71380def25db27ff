"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Routes stream through it. A comment line goes out whenever nothing happened for `heartbeat` seconds,
so that both sides notice a dead connection. `Last-Event-ID` resumes after the last numbered
message; live numbers (`progress`) have no number, because an old one is worth nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Query
from fastapi.responses import StreamingResponse

from fairway.api.offer import HEARTBEAT_SECONDS, OfferHere
from fairway.control.port import Event
from fairway.delivery.port import DeliveryEvent, Watching

PROGRESS_SECONDS = 0.5
"""Between looks at the live numbers of a deployment."""
_HEARTBEAT = b": heartbeat\n\n"
MEDIA_TYPE = "text/event-stream"
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events whose data is JSON.", "content": {MEDIA_TYPE: {}}}
}
LastEventId = Annotated[int | None, Header(ge=0, le=2**53, description="Resume after this event.")]
After = Annotated[int | None, Query(ge=0, le=2**53, description="The same as Last-Event-ID.")]
Quiet = Annotated[
    float | None,
    Query(ge=0, le=3600, description="End the stream after so many seconds without an event."),
]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream; `id` is None for what cannot be resumed after."""

    id: int | None
    event: str
    data: Any


class Following:
    """How a caller wants to follow events; the parameters of every route that streams."""

    def __init__(
        self,
        offer: OfferHere,
        after: After = None,
        last_event_id: LastEventId = None,
        quiet: Quiet = None,
    ) -> None:
        self.start = last_event_id if last_event_id is not None else after
        self._quiet = quiet
        self._heartbeat = offer.heartbeat

    def stream(self, messages: AsyncIterator[Message]) -> StreamingResponse:
        """The answer: messages until they end, or fall silent for long enough."""
        stream = server_sent(messages, self._heartbeat, self._quiet)
        headers = {"cache-control": "no-store"}
        return StreamingResponse(stream, media_type=MEDIA_TYPE, headers=headers)


HowToFollow = Annotated[Following, Depends()]


async def server_sent(
    messages: AsyncIterator[Message],
    heartbeat: float = HEARTBEAT_SECONDS,
    quiet: float | None = None,
) -> AsyncGenerator[bytes, None]:
    """The wire form of `messages`, with heartbeats, ending when they end."""
    yield _HEARTBEAT  # the client learns at once that the stream is open
    upcoming: asyncio.Task[Message] | None = None
    silent = 0.0
    try:
        while True:
            upcoming = upcoming or asyncio.ensure_future(_next(messages))
            wait = heartbeat if quiet is None else min(heartbeat, quiet - silent)
            done, _ = await asyncio.wait({upcoming}, timeout=wait)
            if not done:
                silent += wait
                if quiet is not None and silent >= quiet:
                    return
                yield _HEARTBEAT
                continue
            try:
                message = upcoming.result()
            except StopAsyncIteration:
                return
            upcoming, silent = None, 0.0
            yield encode(message)
    finally:
        await _cancel(upcoming)


def encode(message: Message) -> bytes:
    """One message with id, event type and JSON data."""
    number = "" if message.id is None else f"id: {message.id}\n"
    data = json.dumps(message.data, ensure_ascii=False)
    return f"{number}event: {message.event}\ndata: {data}\n\n".encode()


async def of_system(events: AsyncIterator[Event]) -> AsyncIterator[Message]:
    """What happens in the system, as messages."""
    async for event in events:
        yield Message(event.id, event.kind, asdict(event))


async def of_delivery(events: AsyncIterator[DeliveryEvent]) -> AsyncIterator[Message]:
    """What happens in an environment, as messages."""
    async for event in events:
        yield Message(event.id, event.type, asdict(event))


async def with_progress(
    events: AsyncIterator[Message], watching: Callable[[], Awaitable[Watching | None]]
) -> AsyncIterator[Message]:
    """The events of one deployment with its live numbers in between; ends with the events."""
    upcoming = asyncio.ensure_future(_next(events))
    seen: Watching | None = None
    try:
        while True:
            done, _ = await asyncio.wait({upcoming}, timeout=PROGRESS_SECONDS)
            if done:
                try:
                    yield upcoming.result()
                except StopAsyncIteration:
                    return
                upcoming = asyncio.ensure_future(_next(events))
            now = await watching()
            if now is not None and now != seen:
                seen = now
                yield Message(None, "progress", asdict(now))
    finally:
        await _cancel(upcoming)


async def _cancel(upcoming: asyncio.Task[Message] | None) -> None:
    if upcoming is not None:
        upcoming.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration):
            await upcoming


async def _next(messages: AsyncIterator[Message]) -> Message:
    return await anext(messages)
