"""Measurements of real Envoys: counted exactly, in microseconds where that matters, cheaply."""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from tests.e2e.mesh_rig import Program, Rig, rig
from tests.waiting import PATIENCE, eventually

from fairway.plan.latency import quantile
from fairway.targets.contract import Traffic
from fairway.targets.local.log_files import rotate
from fairway.targets.local.mesh import totals
from fairway.targets.local.mesh.measuring import Meter, MetricSource
from fairway.targets.local.mesh.totals import Totals

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

SLOW = 0.02
"""Seconds for an answer, so that latencies are those of the statistics on every machine."""
SETTLED = 1.2
"""Seconds after which all has been flushed: histograms twice, and the access log."""


@asynccontextmanager
async def measured(tmp_path: Path) -> AsyncIterator[tuple[Rig, Meter, Program, Program]]:
    async with rig(tmp_path) as world:
        canary = (await world.release("orbit"))["orbit"]
        meter = Meter(world.mesh)
        await meter.measure(["orbit"])
        yield world, meter, world.programs["orbit"][0], canary


async def _ask(world: Rig, cohort: str, count: int = 1) -> None:
    headers = {"x-fairway-cohort": cohort}
    for _ in range(count):
        await world.call("rogue", "orbit", "POST", "/dispatch", headers=headers)


async def _read(meter: Meter, **answered: int) -> dict[str, Traffic]:
    """The totals once all these answers are in, with their latencies."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = dict((await meter.measure(["orbit"]))["orbit"])
        latencies = {name: sum(found[name].latency.values()) for name in answered}
        if latencies == answered:
            return found
        assert time.monotonic() < deadline, (latencies, answered)
        await asyncio.sleep(0.1)


async def _counted(meter: Meter, *, requests: int, errors: int) -> None:
    """Wait until r1 has answered so many."""

    async def so_many() -> bool:
        found = (await meter.measure(["orbit"]))["orbit"]["r1"]
        return (found.requests, found.errors) == (requests, errors)

    await eventually(so_many)


async def test_answers_are_counted_by_version_and_denials_are_not(tmp_path: Path) -> None:
    async with measured(tmp_path) as (world, meter, stable, canary):
        stable.delay = canary.delay = SLOW
        await _ask(world, "stable", 7)
        canary.fail_next = 3
        await _ask(world, "r8", 5)
        denied = await world.call("rogue", "orbit", "POST", "/other")
        assert denied.status_code == 403
        found = await _read(meter, r1=7, r8=5)
    counted = {name: (traffic.requests, traffic.errors) for name, traffic in found.items()}
    assert counted == {"r1": (7, 0), "r8": (5, 3)}
    assert {name: sum(t.latency.values()) for name, t in found.items()} == {"r1": 7, "r8": 5}


@pytest.fixture
def fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Latencies are those of the log however busy the machine is."""
    monkeypatch.setattr(totals, "FINE", math.inf)


@pytest.mark.usefixtures("fine")
async def test_fast_answers_are_measured_in_microseconds(tmp_path: Path) -> None:
    async with measured(tmp_path) as (world, meter, _, _):
        await _ask(world, "stable", 80)
        latency = (await _read(meter, r1=80))["r1"].latency
    below = [bucket for bucket in latency if quantile({bucket: 1}, 1.0) not in {None, 500.0}]
    assert len(below) > 3  # whole milliseconds would be one or two buckets
    assert (quantile(latency, 0.5) or 0) > 50


async def test_slow_answers_are_measured_from_statistics(tmp_path: Path) -> None:
    async with measured(tmp_path) as (world, meter, stable, canary):
        stable.delay, canary.delay = SLOW, 0.05
        await _ask(world, "stable", 10)
        await _ask(world, "r8", 10)
        found = await _read(meter, r1=10, r8=10)
        before = found
        await _ask(world, "r8", 10)
        found = await _read(meter, r1=10, r8=20)
    assert meter.totals.of("orbit").fine is False
    assert before["r1"] == found["r1"]
    least = {name: quantile(traffic.latency, 0.0) for name, traffic in found.items()}
    assert least["r1"] == pytest.approx(21_500, rel=0.3)  # a busy machine adds, never takes away
    assert least["r8"] == pytest.approx(51_500, rel=0.2)


async def test_requests_without_an_answer_are_errors_and_ended_streams_are_not(
    tmp_path: Path,
) -> None:
    async with measured(tmp_path) as (world, meter, stable, _):
        async with world.http.stream("GET", world.gateway + "/stream") as stream:
            await anext(stream.aiter_lines())
        stable.delay, before = PATIENCE, len(stable.seen)
        unanswered = asyncio.create_task(_ask(world, "stable"))
        await eventually(lambda: len(stable.seen) > before)
        unanswered.cancel()
        stable.delay = 0
        await _counted(meter, requests=2, errors=1)
        await stable.stop()
        await _ask(world, "stable")
        # The gateway repeats a GET that met a dead replica, twice: each attempt is a failed answer.
        await _counted(meter, requests=5, errors=4)


@pytest.mark.usefixtures("fine")
async def test_totals_survive_envoy_the_control_plane_and_a_rotated_log(tmp_path: Path) -> None:
    async with measured(tmp_path) as (world, meter, _, _):
        await _ask(world, "stable", 5)
        assert (await _read(meter, r1=5))["r1"].requests == 5
        await _ask(world, "stable", 2)
        await asyncio.sleep(SETTLED)
        assert rotate(world.access_log("orbit"), max_bytes=1)
        await _ask(world, "stable", 2)
        kept = json.loads(json.dumps(meter.totals.to_json()))
        successor = Meter(world.mesh, Totals.from_json(kept))
        assert (await _read(successor, r1=9))["r1"].requests == 9
        pid = world.mesh.envoy("orbit").pid
        assert pid is not None
        os.kill(pid, 9)
        psutil.Process(pid).wait(PATIENCE)
        assert (await successor.measure(["orbit"]))["orbit"]["r1"].requests == 9
        assert await world.mesh.heal() == ("orbit",)
        await _ask(world, "stable", 20)
        assert (await _read(successor, r1=29))["r1"].requests == 29


async def test_metrics_of_the_program_are_summed_over_replicas(tmp_path: Path) -> None:
    sources = {"orbit": [MetricSource("bad", 'orders_total{status="bad"}', "orders_total")]}
    async with measured(tmp_path) as (_, meter, stable, canary):
        stable.metrics = 'orders_total{status="bad"} 1\norders_total{status="ok"} 9\n'
        canary.metrics = None
        found = (await meter.measure(["orbit"], sources))["orbit"]
        assert {name: dict(t.ratios) for name, t in found.items()} == {
            "r1": {"bad": (1, 10)},
            "r8": {},
        }
        stable.metrics = 'orders_total{status="bad"} 2\norders_total{status="ok"} 19\n'
        found = (await meter.measure(["orbit"], sources))["orbit"]
        assert found["r1"].ratios == {"bad": (2, 21)}
