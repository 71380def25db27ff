"""Deployments on this machine, on real Envoys and processes: how fast, and at what cost to users.

Four promises: a bad release is found and taken back within seconds of its first bad answer, a good
one loses no request at 500 a second with any strategy (also when a replica is killed meanwhile),
an emergency rollback is through in five seconds, and policies are in force within one. The load
comes from a process of its own.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.delivery_rig import Change, DeliveryRig, delivery_rig

from bench.rated_load import Rated, rated_load
from bench.report import Figure

RUNS = 20
SLOW_RATE = 50
"""Requests a second while a bad release is found: 5 % of them are 2.5 a second."""
RATE = 500
EMERGENCIES = 5
POLICY_CHANGES = 5
"""There, and back again."""
STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "rolling, surge 1": {"rolling": {"surge": 1, "bake": "2s"}},
    "rolling, one unavailable": {"rolling": {"surge": 0, "unavailable": 1, "bake": "2s"}},
    "blue/green": {"blue_green": {"bake": "4s"}},
    "canary 5, 25, 50": {"canary": {"steps": [5, 25, 50], "bake": "2s"}},
}
_BENCH = "bench"
_AT_ONCE = {"blue_green": {"bake": "0s"}}
_BY_DEFAULT: Mapping[str, Any] = {"analysis": {}}


@dataclass(frozen=True, slots=True)
class Detection:
    """One bad release: seconds from its first bad answer to weight 0, and what it cost users."""

    seconds: float
    harmed: int


def measure_delivery() -> Sequence[Figure]:
    """All of it on one system, one after another."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="fairway-bench-") as folder:
        async with delivery_rig(Path(folder)) as rig:
            return [
                *_detections([await _detected(rig) for _ in range(RUNS)]),
                *[f for name in STRATEGIES for f in await _lossless(rig, name)],
                *_emergencies([await _emergency(rig, run) for run in range(EMERGENCIES)]),
                await _policies(rig),
            ]


async def _detected(rig: DeliveryRig) -> Detection:
    """Half of its answers are 500, at 5 %; the analysis is that of an app which declares none."""
    strategy = {"canary": {"steps": [5], "bake": "60s"}}
    bad = Change(axon="errors", strategy=strategy, environment=_BY_DEFAULT)
    async with rated_load(_port(rig), "/axon/x", SLOW_RATE) as load:
        begun = await rig.begin(bad)
        await rig.when(begun, lambda found: found.serving == 5)
        await rig.when(begun, lambda found: found.serving == 0)
        back = time.monotonic()
        await rig.ended(begun)
    if load.first_bad is None:
        raise RuntimeError("a bad release was rolled back before it answered anything badly")
    return Detection(back - load.first_bad, load.failed)


async def _lossless(rig: DeliveryRig, name: str) -> list[Figure]:
    """A strategy twice: undisturbed, and with a replica of the old and of the new one killed."""
    whole, killed = await _loaded(rig, name, ""), await _loaded(rig, name, "killed")
    least = 0.98 * RATE
    rate = Figure("delivery", f"{name}: rate", whole.rate, "/s", limit=least, at_least=True)
    return [
        Figure("delivery", f"{name}: requests lost", whole.failed, "", limit=0.0),
        Figure("delivery", f"{name}, replicas killed: lost", killed.failed, "", limit=0.0),
        rate,
        Figure("delivery", f"{name}: p95", 1000 * whole.p95, "ms"),
    ]


async def _loaded(rig: DeliveryRig, name: str, kill: str) -> Rated:
    text = f"{name} {kill}".strip().replace(" ", "-")
    change = Change(axon=text, strategy=STRATEGIES[name], environment=_BY_DEFAULT)
    async with rated_load(_port(rig), "/axon/x", RATE) as load:
        await asyncio.sleep(1)
        begun = await rig.begin(change)
        if kill:
            await rig.when(begun, lambda found: found.serving >= 50)
            rig.kill("axon", f"r{begun.plan.base}")
            await asyncio.sleep(1)
            rig.kill("axon", begun.cohort)
        ended = await rig.ended(begun)
        await asyncio.sleep(1)
    if not kill and ended.status != "succeeded":
        raise RuntimeError(f"a good release was {ended.status}: {ended.reason}")
    return load


async def _emergency(rig: DeliveryRig, run: int) -> float:
    """Seconds from asking for it until the release before serves everything again."""
    good = (await rig.delivery.deployments(status="succeeded", limit=1)).deployments[0].release
    await rig.deploy(Change(axon=f"emergency{run}", strategy=_AT_ONCE))
    asked = time.monotonic()
    ended = await rig.to_release(good, emergency=True, reason="measuring")
    if ended.status != "succeeded":
        raise RuntimeError(f"the emergency rollback was {ended.status}: {ended.reason}")
    return time.monotonic() - asked


async def _policies(rig: DeliveryRig) -> Figure:
    """Seconds under load from asking for other policies until all decide by them."""
    active = (await rig.plane.status()).policy_set or 0
    open_ones = (await rig.plane.policy_set(active)).policies
    closed = open_ones + '@id("closed") forbid(principal, action, resource);\n'
    other = await rig.plane.create_policy_set(closed, author=_BENCH)
    took = []
    async with rated_load(_port(rig), "/axon/x", SLOW_RATE):
        for version in (other.version, active) * POLICY_CHANGES:
            asked = time.monotonic()
            await rig.plane.activate_policy_set(version, author=_BENCH)
            took.append(time.monotonic() - asked)
    return Figure("delivery", "policies in force, slowest", max(took), "s", limit=1.0)


def _detections(found: Sequence[Detection]) -> list[Figure]:
    seconds = sorted(each.seconds for each in found)
    harmed = [each.harmed for each in found]
    late = seconds[max(0, round(0.95 * len(seconds)) - 1)]
    return [
        Figure("delivery", "bad release: first bad answer to 0 %, median",
               statistics.median(seconds), "s", limit=3.0),
        Figure("delivery", "bad release: 95 % of runs", late, "s", limit=5.0),
        Figure("delivery", "bad release: slowest run", seconds[-1], "s"),
        Figure("delivery", "bad release: harmed requests, median",
               statistics.median(harmed), "requests"),
        Figure("delivery", "bad release: harmed requests, most", max(harmed), "requests"),
    ]  # fmt: skip


def _emergencies(seconds: Sequence[float]) -> list[Figure]:
    return [
        Figure("delivery", "emergency rollback, slowest", max(seconds), "s", limit=5.0),
        Figure("delivery", "emergency rollback, median", statistics.median(seconds), "s"),
    ]


def _port(rig: DeliveryRig) -> int:
    return int(rig.gateway.rpartition(":")[2])
