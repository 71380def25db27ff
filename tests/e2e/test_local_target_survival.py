"""The control plane is killed (SIGKILL) while it does something; the next one finishes it."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from tests.e2e.test_local_target_rollout import BOTH, deployed
from tests.local_target_driver import steps
from tests.local_target_rig import LocalRig
from tests.steady_load import steady_load

from fairway.errors import Conflict
from fairway.targets.contract import Fence

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

ROOT = Path(__file__).parents[2]
ORDER = ("apply", "govern", "shift", "retire", "settle")


@pytest.mark.parametrize(
    ("method", "delay"),
    [
        ("apply", 0.02),
        ("shift", 0.01),
        ("retire", 0.1),
        pytest.param("apply", 0.25, marks=pytest.mark.matrix),
        pytest.param("retire", 0.5, marks=pytest.mark.matrix),
    ],
)
async def test_whoever_comes_next_finishes_it_and_no_request_is_lost(
    tmp_path: Path, method: str, delay: float
) -> None:
    rig = LocalRig(tmp_path)
    try:
        await rig.start()
        await deployed(rig, rig.release(1), *BOTH)
        gateway = rig.gateway
        async with steady_load(f"{gateway}/axon/x", 100) as load:
            for before in ORDER[: ORDER.index(method)]:
                await steps(rig)[before]()
            assert rig.plane is not None
            await rig.plane.abandon()
            assert await _killed(tmp_path, method, delay)
            await rig.start()
            for repeated in ORDER[ORDER.index(method) :]:
                await steps(rig)[repeated]()
                await steps(rig)[repeated]()
        assert load.failed == {}
        assert set(await rig.ask("axon", 4)) == {"200 r2 two"}
        assert [v.name for v in (await rig.target.observe()).services["axon"]] == ["r2"]
        assert await rig.target.drift() == ()
        with pytest.raises(Conflict):
            await rig.target.settle(rig.release(2, axon="two"), Fence("d1", 1))
    finally:
        await rig.close()


async def _killed(folder: Path, method: str, delay: float) -> bool:
    command = [sys.executable, "-m", "tests.local_target_driver", str(folder), method, str(delay)]
    driver = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    return await driver.wait() == -signal.SIGKILL
