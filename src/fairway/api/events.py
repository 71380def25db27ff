"""Events as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

`app` streams `ControlPlane.events` through it. A comment line goes out whenever nothing happened
for `heartbeat` seconds, so that both sides notice a dead connection. `Last-Event-ID` resumes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict

from fairway.control.port import Event

HEARTBEAT_SECONDS = 10.0
_HEARTBEAT = b": heartbeat\n\n"


async def server_sent(
    events: AsyncIterator[Event], heartbeat: float = HEARTBEAT_SECONDS
) -> AsyncIterator[bytes]:
    """The wire form of `events`, with heartbeats, ending when they end."""
    yield _HEARTBEAT  # the client learns at once that the stream is open
    upcoming: asyncio.Task[Event] | None = None
    try:
        while True:
            upcoming = upcoming or asyncio.ensure_future(_next(events))
            done, _ = await asyncio.wait({upcoming}, timeout=heartbeat)
            if not done:
                yield _HEARTBEAT
                continue
            try:
                event = upcoming.result()
            except StopAsyncIteration:
                return
            upcoming = None
            yield encode(event)
    finally:
        if upcoming is not None:
            upcoming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await upcoming


def encode(event: Event) -> bytes:
    """One event as a message with id, event type and JSON data."""
    data = json.dumps(asdict(event), ensure_ascii=False)
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode()


async def _next(events: AsyncIterator[Event]) -> Event:
    return await anext(events)
