"""The journal of the engine does not grow for ever, and loses nothing that is needed."""

from __future__ import annotations

import asyncio
import inspect
import time
from pathlib import Path

import pytest
from dbos import DBOS
from dbos._sys_db import SystemDatabase
from tests.delivery_world import World

from fairway.delivery.engine.durable import Durable
from fairway.errors import Conflict


async def test_old_journals_go_and_what_is_under_way_stays(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        over = (await world.deploy("one")).id
        under_way = await world.begin("two", approvals=1)
        await world.step(under_way, "await_approval")
        durable = world.engine._journal()
        await asyncio.to_thread(durable.forget, time.time() - 60)
        assert await _known(over)
        await asyncio.to_thread(durable.forget, time.time() + 60)
        assert not await _known(over)
        assert await _known(under_way)
        world.tell(under_way, "approve")
        assert (await world.ended(under_way)).status == "succeeded"


async def test_to_stop_twice_takes_nothing_from_the_next_engine(tmp_path: Path) -> None:
    async with World(tmp_path / "a") as world:
        await world.deploy("one")
        first = world.engine._journal()
    first.stop()
    async with World(tmp_path / "b") as world:
        assert (await world.deploy("one")).status == "succeeded"
        await asyncio.to_thread(first.stop)
        other = Durable(tmp_path / "journal.db", "other", lambda _deployment, _steps: "")
        with pytest.raises(Conflict, match="runs a delivery engine already"):
            other.start()
        other.stop()
        assert (await world.deploy("two")).status == "succeeded"


def test_dbos_still_has_the_private_call_that_a_recovery_needs() -> None:
    """An upgrade of DBOS that changes it must fail here, and not at the first crash."""
    call = inspect.signature(SystemDatabase.reenqueue_for_recovery)
    call.bind("self", "a deployment", ["an executor"], "a queue")
    assert hasattr(DBOS, "_sys_db")


async def _known(deployment: str) -> bool:
    return await asyncio.to_thread(DBOS.get_workflow_status, deployment) is not None
