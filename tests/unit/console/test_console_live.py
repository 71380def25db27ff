"""Live pages: what has changed is sent, nothing else; streams end when they should."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable

import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse
from tests.unit.api.rig import Rig
from tests.waiting import PATIENCE

from fairway.console.assets import Assets
from fairway.console.door.sessions import Sessions
from fairway.console.live import live
from fairway.console.page import Kept, Page, Site
from fairway.console.rendering import Templates
from fairway.delivery.port import Actor
from fairway.errors import Unavailable

Said = tuple[str, str]


class Shown:
    """A page that shows two texts, and fails on demand."""

    def __init__(self) -> None:
        self.texts = ["one", "two"]
        self.failure: Exception | None = None

    async def __call__(self) -> Iterable[str]:
        if self.failure is not None:
            raise self.failure
        return list(self.texts)


@pytest.fixture
def parts() -> Rig:
    return Rig()


@pytest.fixture
async def page(parts: Rig) -> Page:
    offer = parts.offer()
    sessions = Sessions(offer.door, offer.clock)
    session = await sessions.find(sessions.open(Actor("ada", "admin")))
    assert session is not None
    site = Site(offer, sessions, Templates(Assets()), ())
    return Page(Request({"type": "http", "method": "GET", "headers": []}), site, session)


async def said(response: StreamingResponse) -> AsyncIterator[Said]:
    """The messages of a stream, without heartbeats."""
    async for chunk in response.body_iterator:
        text = chunk if isinstance(chunk, str) else bytes(chunk).decode()
        for block in text.split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
            if lines:
                yield lines["event"], json.loads(lines["data"])


async def test_only_what_changed_is_sent(page: Page) -> None:
    shown = Shown()
    messages = said(live(page, shown, 0.01))
    assert [await anext(messages), await anext(messages)] == [
        ("fragment", "one"),
        ("fragment", "two"),
    ]
    shown.texts[1] = "three"
    assert await anext(messages) == ("fragment", "three")


async def test_trouble_is_told_and_outlived(page: Page) -> None:
    shown = Shown()
    messages = said(live(page, shown, 0.01))
    await anext(messages), await anext(messages)
    shown.failure = Unavailable("away", "nobody answers", remedy="wait")
    assert await anext(messages) == ("trouble", "nobody answers (wait)")
    shown.failure = None
    assert await anext(messages) == ("trouble", "")


async def test_it_ends_with_the_session(page: Page) -> None:
    messages = said(live(page, Shown(), 0.01))
    await anext(messages)
    page.session.ended = True
    assert ("ended", "") in [each async for each in messages]


async def test_it_ends_with_the_system(page: Page, parts: Rig) -> None:
    messages = said(live(page, Shown(), 0.01))
    await anext(messages)
    await parts.control.stop()
    async with asyncio.timeout(PATIENCE):
        assert [each async for each in messages][-1] == ("stopped", "")


async def test_an_answer_is_shared_for_a_while_and_errors_are_not() -> None:
    kept, asked = Kept(), []

    async def ask() -> int:
        asked.append(1)
        if len(asked) == 1:
            raise Unavailable("away", "not yet")
        return len(asked)

    with pytest.raises(Unavailable):
        await kept.get("x", 60, ask)
    assert await asyncio.gather(*(kept.get("x", 60, ask) for _ in range(5))) == [2] * 5
    assert await kept.get("x", 0, ask) == 3
