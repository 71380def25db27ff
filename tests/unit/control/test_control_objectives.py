"""Error budgets that burn are told of once, stand in the warnings, and are over once."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from tests.waiting import eventually

from fairway.control.event_log import EventLog
from fairway.control.objectives import Objectives
from fairway.control.port import Event
from fairway.errors import Unavailable
from fairway.telemetry.config import Objective
from fairway.telemetry.port import SloStatus
from fairway.telemetry.slo import Counted, promises, statuses

NAMES = promises([Objective("orders", "web", availability=99.9)])


class World:
    """Requests, a clock, and the events that come of them."""

    def __init__(self) -> None:
        self.now = 5_000_000.0
        self.requests: list[Counted] = []
        self.away = False
        self.log = EventLog(lambda: self.now)
        self.objectives = Objectives(self.slos, self.log.add, lambda: self.now)

    async def slos(self) -> tuple[SloStatus, ...]:
        if self.away:
            raise Unavailable("no-store", "the store is away")
        return statuses(NAMES, self.requests, self.now)

    def answer(self, requests: int, errors: int = 0) -> None:
        self.requests.append(Counted(self.now - 10, 10, "web", "", requests, errors))

    async def events(self) -> list[Event]:
        self.log.close()
        return [event async for event in self.log.follow(0)]


@pytest.fixture
def world() -> World:
    return World()


async def test_a_burning_budget_is_told_once_and_stands_in_the_status(world: World) -> None:
    world.answer(100)
    await world.objectives.once()
    assert world.objectives.warnings() == ()
    world.answer(100, 30)
    await world.objectives.once()
    await world.objectives.once()
    assert world.objectives.warnings() == (
        "SLO orders: 15 % of 200 requests in 1 h failed (99.9 % promised to succeed), 150 times "
        "what is allowed; the error budget is used up; fairway slo",
    )
    (told,) = await world.events()
    assert (told.kind, told.subject, told.level) == ("slo.burning", "orders", "error")
    assert told.message.startswith("web: 15 % of 200 requests in 1 h failed")


async def test_its_end_is_told_once_things_were_well_for_a_while(world: World) -> None:
    world.answer(100, 30)
    await world.objectives.once()
    world.now += 7 * 3_600
    world.answer(100)
    await world.objectives.once()
    assert world.objectives.warnings() == ()
    _, told = await world.events()
    assert (told.kind, told.subject, told.level) == ("slo.recovered", "orders", "info")
    assert told.message.startswith("web: over after 7 h: 15 % of 200 requests in 30 d")


async def test_a_store_that_is_away_ends_neither_the_watch_nor_an_alert(world: World) -> None:
    world.answer(100, 30)
    world.away = True
    watch = asyncio.create_task(world.objectives.watch(interval=0.01))
    try:
        await asyncio.sleep(0.05)
        world.away = False
        await eventually(lambda: bool(world.objectives.warnings()))
        world.away = True
        await asyncio.sleep(0.05)
        assert world.objectives.warnings()
        assert not watch.done()
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
