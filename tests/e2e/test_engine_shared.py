"""Two engines on one PostgreSQL share the work, and the survivor finishes what the other began."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.delivery_world import RATE
from tests.postgres import POSTGRES
from tests.waiting import PATIENCE

from fairway.delivery.deployment import Deployment
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.storage.opening import namespace_of, open_database

pytestmark = POSTGRES
ROOT = Path(__file__).parents[2]


class EngineProcess:
    """One of the engines."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self._log = log

    async def ask(self, **asked: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
        answered: dict[str, Any] = json.loads(line)
        return answered

    @property
    def boundaries(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    async def reached(self, boundary: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not any(boundary in passed for passed in self.boundaries):
                await asyncio.sleep(0.02)


class Shared:
    """A PostgreSQL, a simulated target in a file, and engines."""

    def __init__(self, url: str, folder: Path, stack: AsyncExitStack) -> None:
        self._url = url
        self._folder = folder
        self._stack = stack
        database = open_database(url, namespace_of("shop", "prod"))
        stack.callback(database.close)
        self.store = DeliveryStore(database)

    async def engine(self, name: str, **environment: str) -> EngineProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.engine_process", self._url, str(self._folder), name,
            cwd=ROOT, stdin=PIPE, stdout=PIPE, env={**os.environ, **environment},
        )  # fmt: skip
        self._stack.push_async_callback(self._end, process)
        engine = EngineProcess(process, self._folder / f"{name}.log")
        assert await engine.answer() == {"started": True}
        return engine

    async def _end(self, process: Process) -> None:
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def ended(self, deployment: str) -> Deployment:
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await asyncio.to_thread(self.store.deployments.get, deployment)
                if found.over:
                    return found
                await asyncio.sleep(0.05)

    async def deploy(self, engine: EngineProcess, version: str, fault: str = "") -> Deployment:
        answered = await engine.ask(do="deploy", version=version, fault=fault)
        return await self.ended(answered["id"])

    @property
    def world(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self._folder / "world.json").read_text())
        return found

    def serves(self, version: str) -> None:
        axon = self.world["services"]["axon"]
        assert axon["weights"] == {version: 100}
        assert {name: it["healthy"] for name, it in axon["versions"].items()} == {version: 2}
        assert self.world["failed"] < 1 / RATE


@pytest.fixture
async def shared(postgres_url: str, tmp_path: Path) -> AsyncIterator[Shared]:
    async with AsyncExitStack() as stack:
        yield Shared(postgres_url, tmp_path, stack)


def performed(*engines: EngineProcess) -> Counter[str]:
    """How often each effect was carried out, by whomever."""
    return Counter(
        boundary for engine in engines for boundary in engine.boundaries if "performed" in boundary
    )


async def test_both_alive_no_deployment_is_run_twice(shared: Shared) -> None:
    one, two = await shared.engine("one", LEASE="20"), await shared.engine("two", LEASE="20")
    for number, engine in enumerate((one, two, one), 1):
        assert (await shared.deploy(engine, f"v{number}")).status == "succeeded"
    assert set(performed(one, two).values()) == {1}
    # Whoever is free first takes what waits: on a busy machine not always the one that was asked.
    took = [{boundary.split()[0] for boundary in engine.boundaries} for engine in (one, two)]
    assert took[0] | took[1] == {"d1", "d2", "d3"}
    assert not took[0] & took[1]
    shared.serves("r3")


@pytest.mark.parametrize(
    ("fault", "status", "serves"), [("", "succeeded", "r2"), ("errors", "rolled_back", "r1")]
)
async def test_killed_in_the_middle_of_a_canary_the_other_finishes_it(
    shared: Shared, fault: str, status: str, serves: str
) -> None:
    dying = await shared.engine("dying", SIGNAL_AT="d2 5 watch: due", SIGNAL=str(signal.SIGKILL))
    survivor = await shared.engine("survivor")
    assert (await shared.deploy(dying, "one")).status == "succeeded"
    ended = await shared.deploy(dying, "two", fault)
    assert dying.process.returncode == -signal.SIGKILL
    assert ended.status == status
    assert next(b for b in survivor.boundaries if b.startswith("d2")) == "d2 5 watch: due"
    assert survivor.boundaries[-1].endswith("over")
    shared.serves(serves)


async def test_a_worker_that_wakes_up_late_cannot_act(shared: Shared) -> None:
    """It stands still between the engine's decision to shift and the target, then goes on."""
    asleep, awake = await shared.engine("asleep", SLEEP_IN="d2"), await shared.engine("awake")
    assert (await shared.deploy(asleep, "one")).status == "succeeded"
    ended = await shared.deploy(asleep, "two")
    assert (ended.status, awake.boundaries[-1]) == ("succeeded", "d2 11 over")
    asleep.process.send_signal(signal.SIGCONT)
    await asleep.reached("refused: stale-fence")
    assert await asyncio.to_thread(shared.store.deployments.get, "d2") == ended
    shared.serves("r2")
    assert (await shared.deploy(asleep, "three")).status == "succeeded"
    assert performed(asleep, awake)["d2 4 shift: performed"] == 1
    shared.serves("r3")


async def test_an_engine_that_stops_hands_over_at_once(shared: Shared) -> None:
    leaving = await shared.engine("leaving", LEASE="20")
    staying = await shared.engine("staying", LEASE="6")
    assert (await shared.deploy(leaving, "one")).status == "succeeded"
    begun = await leaving.ask(do="deploy", version="two")
    await leaving.reached("d2 5 watch: due")
    assert await leaving.ask(do="stop") == {"stopped": True}
    assert await leaving.process.wait() == 0
    assert (await shared.ended(begun["id"])).status == "succeeded"
    assert staying.boundaries[-1].endswith("over")
    assert set(performed(leaving, staying).values()) == {1}
    shared.serves("r2")
