"""Login codes and sessions: once, not for long, and no longer than the token behind them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from tests.unit.api.rig import MemoryTokens

from fairway.api.statuses import Unauthenticated
from fairway.console.door.sessions import (
    CODE_SECONDS,
    IDLE_SECONDS,
    RECHECK_SECONDS,
    SESSION_SECONDS,
    Notice,
    Sessions,
)
from fairway.delivery.port import Actor

ADA = Actor("ada", "admin")


@dataclass
class Desk:
    """Sessions with a clock that is set by hand."""

    tokens: MemoryTokens = field(default_factory=MemoryTokens)
    now: float = 1000.0

    def __post_init__(self) -> None:
        numbers = itertools.count()
        self.sessions = Sessions(self.tokens, lambda: self.now, lambda: f"secret-{next(numbers)}")


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_code_becomes_a_session_once(desk: Desk) -> None:
    code = desk.sessions.code(ADA)
    session = await desk.sessions.find(desk.sessions.redeem(code))
    assert session is not None
    assert session.actor == ADA
    with pytest.raises(Unauthenticated):
        desk.sessions.redeem(code)


def test_a_code_is_worthless_after_ten_minutes(desk: Desk) -> None:
    code = desk.sessions.code(ADA)
    desk.now += CODE_SECONDS
    with pytest.raises(Unauthenticated):
        desk.sessions.redeem(code)


def test_nobody_gets_in_by_a_code_that_was_never_given(desk: Desk) -> None:
    with pytest.raises(Unauthenticated):
        desk.sessions.redeem("")


async def test_an_unused_session_ends(desk: Desk) -> None:
    cookie = desk.sessions.open(ADA)
    desk.now += IDLE_SECONDS - 1
    assert await desk.sessions.find(cookie), "using it counts"
    desk.now += IDLE_SECONDS - 1
    assert await desk.sessions.find(cookie)
    desk.now += IDLE_SECONDS
    assert await desk.sessions.find(cookie) is None


async def test_a_session_ends_however_much_it_is_used(desk: Desk) -> None:
    cookie = desk.sessions.open(ADA)
    found = await desk.sessions.find(cookie)
    assert found is not None
    end = desk.now + SESSION_SECONDS
    while desk.now < end - 1000:
        desk.now += 1000
        assert await desk.sessions.alive(found), "an open stream is use"
    desk.now = end
    assert not await desk.sessions.alive(found)
    assert await desk.sessions.find(cookie) is None


async def test_logging_out_ends_open_streams_too(desk: Desk) -> None:
    cookie = desk.sessions.open(ADA)
    found = await desk.sessions.find(cookie)
    assert found is not None
    desk.sessions.end(cookie)
    assert not await desk.sessions.alive(found)
    assert await desk.sessions.find(cookie) is None


async def test_a_revoked_token_ends_its_sessions(desk: Desk) -> None:
    cookie = desk.sessions.open(ADA, token="dan")
    await desk.tokens.revoke("dan")
    desk.now += RECHECK_SECONDS
    assert await desk.sessions.find(cookie) is None


async def test_a_changed_role_counts_without_a_new_login(desk: Desk) -> None:
    cookie = desk.sessions.open(Actor("vera", "admin"), token="vera")
    desk.now += RECHECK_SECONDS
    found = await desk.sessions.find(cookie)
    assert found is not None
    assert found.actor.role == "viewer"


async def test_neither_codes_nor_cookies_are_kept_in_clear(desk: Desk) -> None:
    code, cookie = desk.sessions.code(ADA), desk.sessions.open(ADA)
    assert code not in repr(vars(desk.sessions))
    assert cookie not in repr(vars(desk.sessions))


async def test_a_notice_is_said_once(desk: Desk) -> None:
    found = await desk.sessions.find(desk.sessions.open(ADA))
    assert found is not None
    found.notices.append(Notice("ok", "done"))
    assert [each.words for each in found.taken_notices()] == ["done"]
    assert found.taken_notices() == ()


async def test_there_is_an_end_to_how_many_are_kept(desk: Desk) -> None:
    first = desk.sessions.open(ADA)
    for _ in range(1000):
        desk.sessions.open(ADA)
    assert await desk.sessions.find(first) is None
