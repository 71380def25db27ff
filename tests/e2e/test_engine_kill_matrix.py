"""Killed (SIGKILL) at every step boundary of every strategy, a deployment ends as it should.

Each scenario runs once whole, which gives its boundaries; then once for each of them: begun, killed
there, and resumed by a new process on what is left. However it was killed: it has the same end,
every version that was started is stopped or serves, and no user found nobody to answer.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from tests.kill_scenarios import SCENARIOS, Scenario
from tests.kill_zygote import DEPLOYMENT
from tests.waiting import PATIENCE

from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.storage.opening import open_database

ROOT = Path(__file__).parents[2]
IN_MEMORY = Path("/dev/shm")
MATRIX = pytest.mark.matrix


EVERY_TIME = (
    "canary-gated", "canary-wide-bad", "rolling", "rolling-bad", "blue-green", "blue-green-bad",
)  # fmt: skip
"""Both ends of every strategy, and every gate and hook once."""
AT_ONCE = 2


class Zygote:
    """The program that forks a process for each run."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill_zygote"], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(
        self, folder: Path, scenario: Scenario, act: str, kill_at: int | None = None
    ) -> dict[str, Any]:
        job = {"folder": str(folder), "scenario": scenario.name, "act": act, "kill_at": kill_at}
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert not answer["error"], f"{job}: {answer['error']}"
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)


@pytest.fixture(scope="module")
def zygotes() -> Iterator[Queue[Zygote]]:
    """Those that are free: one is taken for each run, and put back."""
    started = [Zygote() for _ in range(AT_ONCE)]
    free: Queue[Zygote] = Queue()
    for each in started:
        free.put(each)
    yield free
    for each in started:
        each.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """In main memory where there is such a place: thousands of commits are synced to it."""
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="fairway-kill-", dir=place) as name:
        yield Path(name)


@pytest.mark.parametrize(
    "name",
    [name if name in EVERY_TIME else pytest.param(name, marks=MATRIX) for name in SCENARIOS],
)
def test_killed_at_every_boundary_it_ends_as_it_should(
    name: str, zygotes: Queue[Zygote], folder: Path
) -> None:
    scenario = SCENARIOS[name]
    prepared = prepared_world(zygotes, folder, scenario)
    boundaries = whole_run(zygotes, prepared, scenario)
    numbers = range(len(boundaries))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(
            pool.map(partial(killed_and_resumed, zygotes, prepared, scenario, boundaries), numbers)
        )


@pytest.mark.parametrize("name", list(SCENARIOS))
@MATRIX
def test_killed_again_and_again_it_still_ends_as_it_should(
    name: str, zygotes: Queue[Zygote], folder: Path
) -> None:
    """Each process gets one boundary further than the one before it."""
    scenario = SCENARIOS[name]
    place = prepared_world(zygotes, folder, scenario)
    killed = run(zygotes, place, scenario, "begin", kill_at=0)["killed"]
    kills = 0
    while killed:
        kills += 1
        killed = run(zygotes, place, scenario, "resume", kill_at=2)["killed"]
    assert kills >= 3
    right_end(place, scenario, f"killed {kills} times")


def run(zygotes: Queue[Zygote], *job: Any, **options: Any) -> dict[str, Any]:
    """By whichever zygote is free."""
    zygote = zygotes.get()
    try:
        return zygote.run(*job, **options)
    finally:
        zygotes.put(zygote)


def prepared_world(zygotes: Queue[Zygote], folder: Path, scenario: Scenario) -> Path:
    """Where the first release serves."""
    prepared = folder / "prepared"
    prepared.mkdir()
    run(zygotes, prepared, scenario, "prepare")
    return prepared


def whole_run(zygotes: Queue[Zygote], prepared: Path, scenario: Scenario) -> list[str]:
    """Without being killed: the boundaries that there are."""
    place = shutil.copytree(prepared, prepared.parent / "whole")
    done = run(zygotes, place, scenario, "begin")
    assert not done["killed"]
    right_end(place, scenario, "not killed")
    assert len(done["boundaries"]) >= 7
    boundaries: list[str] = done["boundaries"]
    return boundaries


def killed_and_resumed(
    zygotes: Queue[Zygote], prepared: Path, scenario: Scenario, boundaries: list[str], number: int
) -> None:
    boundary = boundaries[number]
    place = shutil.copytree(prepared, prepared.parent / f"killed-{number}")
    killed = run(zygotes, place, scenario, "begin", kill_at=number)
    assert killed["killed"], f"{boundary}: it was not killed"
    assert killed["boundaries"][number] == boundary, "the same run has the same boundaries"
    assert not run(zygotes, place, scenario, "resume")["killed"]
    right_end(place, scenario, f"killed at {number}: {boundary}")
    shutil.rmtree(place)


def right_end(folder: Path, scenario: Scenario, when: str) -> None:
    """The status, the traffic, what runs, what is in force, and no failed request."""
    database = open_database(folder / "environment.db")
    try:
        ended = DeliveryStore(database).deployments.get(DEPLOYMENT)
        in_force = DeliveryStore(database).releases.in_force()
    finally:
        database.close()
    world = json.loads((folder / "world.json").read_text())
    assert (ended.status, ended.effect) == (scenario.status, None), f"{when}: {ended.reason}"
    found = {name: it for name, it in world["services"].items() if it["versions"]}
    assert {name: list(it["versions"]) for name, it in found.items()} == {
        name: [version] for name, version in scenario.serving.items()
    }, when
    for name, version in scenario.serving.items():
        assert found[name]["weights"] == {version: 100}, when
        replicas = found[name]["versions"][version]
        assert replicas["healthy"] == replicas["desired"] == (2 if name == "axon" else 1), when
    assert world["settled"]["release"] == in_force == scenario.release, when
    assert world["failed"] == 0, when
