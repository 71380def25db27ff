"""The journal of the engine does not grow for ever, and loses nothing that is needed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from dbos import DBOS
from tests.delivery_world import World


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


async def _known(deployment: str) -> bool:
    return await asyncio.to_thread(DBOS.get_workflow_status, deployment) is not None
