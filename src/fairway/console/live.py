"""Live pages: fragments of HTML, rendered here, pushed whenever they have changed.

A page's template marks an element with `data-live="/address"`; the route behind it returns
`live(page, fragments)`. Each fragment has one root element with an id; the browser (`console.js`)
morphs it onto the element with that id, so that focus, scroll position and open details stay. A
stream ends with its session and with the system.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

from fastapi.responses import StreamingResponse

from fairway.api.events import MEDIA_TYPE, Message, encode, server_sent
from fairway.console.page import Page
from fairway.errors import FairwayError

SECONDS = 1.0
Fragments = Callable[[], Awaitable[Iterable[str]]]
"""Renders what a page shows now; every text has one root element with an id."""


def live(page: Page, fragments: Fragments, every: float = SECONDS) -> StreamingResponse:
    """A stream of what has changed, looked at every so many seconds."""
    return stream(page, _changed(page, fragments, every))


def stream(page: Page, messages: AsyncIterator[Message]) -> StreamingResponse:
    """A stream of messages: `fragment` (HTML to morph by its id), `append` ({to, html}), or any
    other name, which the browser dispatches as the event `live:NAME` on the marked element.
    """
    body = _until_stopped(page, server_sent(messages, page.site.offer.heartbeat))
    return StreamingResponse(body, media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})


async def _changed(page: Page, fragments: Fragments, every: float) -> AsyncIterator[Message]:
    seen: dict[int, str] = {}
    troubled = ""
    while await page.site.sessions.alive(page.session):
        trouble = ""
        try:
            for index, html in enumerate(await fragments()):
                if seen.get(index) != html:
                    seen[index] = html
                    yield Message(None, "fragment", html)
        except FairwayError as error:  # told on the page; the next look may succeed
            trouble = str(error)
        if trouble != troubled:
            troubled = trouble
            yield Message(None, "trouble", trouble)
        await asyncio.sleep(every)
    yield Message(None, "ended", "")


async def _until_stopped(page: Page, chunks: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """End with the system: the server waits for open streams when it goes."""
    control = page.site.offer.control
    if control is None:
        async for chunk in chunks:
            yield chunk
        return
    stopped = asyncio.ensure_future(control.wait_stopped())
    upcoming: asyncio.Future[bytes] | None = None
    try:
        while not stopped.done():
            upcoming = upcoming or asyncio.ensure_future(_next(chunks))
            either: set[asyncio.Future[Any]] = {stopped, upcoming}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if upcoming.done():
                try:
                    chunk = upcoming.result()
                except StopAsyncIteration:
                    return
                upcoming = None
                yield chunk
        yield encode(Message(None, "stopped", ""))
    finally:
        stopped.cancel()
        if upcoming is not None:
            upcoming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await upcoming
        await chunks.aclose()


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    return await anext(chunks)
