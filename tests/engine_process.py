"""A process with an engine on a shared PostgreSQL, for tests that have several and kill them.

    python -m tests.engine_process URL FOLDER NAME

Each line of standard input is asked of it, and answered by one line of JSON:

    {"do": "deploy", "version": …, "fault": …}      submitted: its id
    {"do": "stop"}                                  the engine is stopped, the process ends

It writes each boundary that it passes to FOLDER/NAME.log. When the environment variable SIGNAL_AT
is in a boundary's name, it sends itself the signal of SIGNAL there, once. SLEEP_IN=d2 has it stand
still in the middle of the first shift of that deployment, and writes down if that was refused.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.delivery_world import QUICK, RATE, RealClock, World

from fairway.errors import Conflict
from fairway.storage.opening import namespace_of, open_database
from fairway.targets.contract import Fence, Routing
from fairway.targets.memory import MemoryTarget

LEASE = float(os.environ.get("LEASE", "3"))


class Log:
    """Passes every boundary on to a file, and dies or stands still at one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._signal_at = os.environ.get("SIGNAL_AT", "")

    def __call__(self, boundary: str) -> None:
        with self._file.open("a") as file:
            file.write(boundary + "\n")
        if self._signal_at and self._signal_at in boundary:
            self._signal_at = ""
            os.kill(os.getpid(), int(os.environ["SIGNAL"]))


class SleepyTarget(MemoryTarget):
    """One whose caller is stopped after it was asked to shift, and before it does so."""

    def __init__(self, log: Path, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._log = log
        self._sleep_in = os.environ.get("SLEEP_IN", "")

    async def shift(self, routing: Routing, fence: Fence) -> None:
        asleep = fence.deployment == self._sleep_in
        if asleep:
            self._sleep_in = ""
            os.kill(os.getpid(), signal.SIGSTOP)
        try:
            await super().shift(routing, fence)
        except Conflict as error:
            with self._log.open("a") as file:
                file.write(f"refused: {error.code}\n")
            raise


async def main(url: str, folder: Path, name: str) -> None:
    log = folder / f"{name}.log"
    clock = RealClock()
    world = World(
        folder, database=open_database(url, namespace_of("shop", "prod")), journal=url,
        name=f"{name}-{os.getpid()}", clock=clock, lease=LEASE, boundary=Log(log),
        target=SleepyTarget(log, clock, rate=RATE, file=folder / "world.json"),
    )  # fmt: skip
    async with world:
        answer({"started": True})
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            if asked["do"] == "stop":
                break
            answer({"id": await begun(world, asked)})
    answer({"stopped": True})


async def begun(world: World, asked: dict[str, Any]) -> str:
    return await world.begin(asked["version"], asked.get("fault", ""), strategy=QUICK)


def answer(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
