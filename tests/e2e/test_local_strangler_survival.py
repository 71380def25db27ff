"""How a route is divided between a legacy system and a service outlives whatever dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.local_target_rig import Changes, LocalRig
from tests.old_system import OldSystem, old_system
from tests.waiting import eventually

from fairway.targets.contract import Fence, Routing, Split, Wanted

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

FENCE = Fence("d1", 1)
BOTH = {"200 legacy", "200 r2 one"}


@asynccontextmanager
async def half_way(folder: Path, old: OldSystem) -> AsyncIterator[LocalRig]:
    """Half of the requests for axon are for r2, half are left to the legacy system by r1."""
    left: Changes = {"axon": {"public": [{"path": "/axon", "legacy": old.url}]}, "orbit": None}
    rig = LocalRig(folder, changes=left)
    try:
        await rig.start()
        one, two = rig.release(1, changes=left), rig.release(2, changes={"orbit": None})
        await rig.target.apply(one, [Wanted("axon", "r1", 1)], FENCE)
        await rig.target.shift(Routing({"axon": Split({"r1": 100})}), FENCE)
        await rig.target.settle(one, FENCE)
        await rig.target.apply(two, [Wanted("axon", "r2", 1)], FENCE)
        half = {"axon": Split({"r1": 50, "r2": 50}, "r2")}
        await rig.target.shift(Routing(half, "r2", sticky="none"), FENCE)
        yield rig
    finally:
        await rig.close()


async def test_the_control_plane_and_the_only_replica_die(tmp_path: Path) -> None:
    async with old_system() as old, half_way(tmp_path, old) as rig:
        assert set(await rig.ask("axon", 60)) == BOTH
        before = (await rig.target.measure(["axon"]))["axon"]
        await rig.restart()
        assert set(await rig.ask("axon", 60)) == BOTH
        after = (await rig.target.measure(["axon"]))["axon"]
        for version in ("r1", "r2"):
            assert after[version].requests > before[version].requests > 0
        await rig.kill_a_replica("axon", "r2")
        assert {answer[:3] for answer in await rig.ask("axon", 30)} == {"200"}
        await eventually(lambda: rig.healthy("axon", "r2") == 1)

        async def told() -> bool:
            """Every Envoy knows who is healthy again."""
            return set(await rig.ask("axon", 60)) == BOTH

        await eventually(told)
