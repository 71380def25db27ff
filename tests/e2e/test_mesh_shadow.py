"""Mirroring: the candidate gets copies of reads, and nobody waits for its answers."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
import websockets
from tests.e2e.mesh_rig import Program, Rig, rig
from tests.waiting import eventually

from fairway.targets.local.mesh.measuring import Meter

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

LONG = 20.0
"""Seconds that a candidate takes for its answer, longer than all that a busy machine needs."""


async def _shadowed(world: Rig, percent: int) -> tuple[Program, Program]:
    canary = (await world.release("orbit", "axon"))["orbit"]
    await world.shift(0, ["orbit", "axon"], mirror=percent)
    return world.programs["orbit"][0], canary


async def _copies(canary: Program, at_least: int) -> list[dict[str, str]]:
    """The copies that have come; nobody waits for them, so they may come a moment later."""
    await eventually(lambda: len(canary.seen) >= at_least)
    await asyncio.sleep(0.1)
    return [seen.headers for seen in canary.seen]


async def test_reads_are_copied_and_marked_as_copies(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        stable, canary = await _shadowed(world, 100)
        headers = {"host": "shop.test", "baggage": "a=b"}
        answer = await world.http.get(world.gateway + "/page?q=1", headers=headers)
        assert answer.text == "orbit"
        (copy,) = await _copies(canary, 1)
        original = stable.seen[0].headers
        assert canary.seen[0].path == stable.seen[0].path
        assert copy["host"] == original["host"] == "shop.test"
        assert (copy["x-fairway-cohort"], copy["x-fairway-shadow"]) == ("r8", "1")
        assert "fairway.cohort=r8" in copy["baggage"].split(",")
        assert original["x-fairway-cohort"] == "stable"
        assert "x-fairway-shadow" not in original


async def test_what_may_change_something_is_never_copied(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        _, canary = await _shadowed(world, 100)
        await world.call("rogue", "orbit", "POST", "/dispatch")
        await world.http.post(world.gateway + "/page")
        await world.http.delete(world.gateway + "/page")
        async with websockets.connect(f"ws://127.0.0.1:{world.ports.gateway}/chat") as socket:
            await socket.send("hello")
            assert await socket.recv() == "orbit:hello"
        assert await _copies(canary, 0) == []
        headers = {"x-fairway-cohort": "stable"}
        await world.call("orbit", "axon", "GET", "/items/1", headers=headers)
        assert len(await _copies(world.programs["axon"][1], 1)) == 1


async def test_a_candidate_that_fails_or_hangs_harms_nobody(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        _, canary = await _shadowed(world, 100)
        canary.always_fail, canary.delay = True, LONG
        began = time.monotonic()
        answers = [await world.http.get(world.gateway + "/page") for _ in range(10)]
        assert time.monotonic() - began < LONG, "somebody waited for a copy"
        assert {(answer.status_code, answer.text) for answer in answers} == {(200, "orbit")}
        assert len(await _copies(canary, 10)) == 10


async def test_copies_are_measured_as_the_candidates(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        _, canary = await _shadowed(world, 100)
        meter = Meter(world.mesh)
        await meter.measure(["orbit"])
        canary.fail_next = 4
        for _ in range(10):
            await world.http.get(world.gateway + "/page")

        async def told() -> bool:
            found = (await meter.measure(["orbit"]))["orbit"]
            said = {n: (t.requests, t.errors, sum(t.latency.values())) for n, t in found.items()}
            return said == {"r1": (10, 0, 10), "r8": (10, 4, 10)}

        await eventually(told)


async def test_only_a_share_is_copied_and_none_once_the_candidate_serves(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        _, canary = await _shadowed(world, 30)
        for _ in range(200):
            await world.http.get(world.gateway + "/page")
        assert 30 <= len(await _copies(canary, 30)) <= 92
        before = len(canary.seen)
        await world.shift(50, ["orbit"], mirror=100)
        answers = [(await world.http.get(world.gateway + "/page")).text for _ in range(20)]
        found = await _copies(canary, before)
        assert len(found) - before == answers.count("orbit-r8")
