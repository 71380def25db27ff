"""A program that runs deployments in processes of its own, and kills them where it is told.

It is started once: everything is imported, then each run is a fork, which saves the 0.6 seconds
that a new interpreter would take. Each line of standard input is one run:

    {"folder": …, "scenario": …, "act": "prepare" | "begin" | "resume", "kill_at": n | null}

and each is answered by one line: {"killed": …, "boundaries": [names…], "error": …}.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import dbos  # noqa: F401 - imported before the forks
from tests.delivery_world import World, YieldingClock
from tests.kill_scenarios import SCENARIOS, Scenario

DEPLOYMENT = "d2"


class Boundaries:
    """Writes down each boundary, lets people speak there, and kills the process at one of them."""

    def __init__(self, folder: Path, scenario: Scenario, kill_at: int | None) -> None:
        self._file = folder / "boundaries"
        self._scenario = scenario
        self._kill_at = kill_at
        self._count = 0
        self.world: World | None = None
        self.over = False

    def __call__(self, name: str) -> None:
        self._people_speak(name)
        with self._file.open("a") as file:
            file.write(name + "\n")
        if self._count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self._count += 1
        self.over = name.endswith(" over")

    def _people_speak(self, name: str) -> None:
        """Each order is given once, by whichever process comes to its place first."""
        if self.world is None or not name.endswith(": due"):
            return
        deployments = self.world.store.deployments
        found = deployments.get(DEPLOYMENT)
        said = len(deployments.given(DEPLOYMENT))
        for order in self._scenario.says[said:][:1]:
            step = found.effect.step if found.effect is not None else ""
            if (step, found.stage) == (order.step, order.stage):
                self.world.tell(DEPLOYMENT, order.order)


async def run(job: dict[str, Any]) -> None:
    """One deployment, or the rest of one, in this process."""
    folder, scenario = Path(job["folder"]), SCENARIOS[job["scenario"]]
    boundaries = Boundaries(folder, scenario, job["kill_at"])
    world = World(
        folder, boundary=boundaries, name=f"engine-{os.getpid()}", clock=clock(folder), lease=1.0
    )
    await world.engine.start()
    if job["act"] == "prepare":
        await world.deploy("one", **scenario.environment | {"approvals": 0, "hooks": {}})
        return
    boundaries.world = world
    if job["act"] == "begin":
        await world.begin("two", scenario.fault, **scenario.environment)
    await world.ended(DEPLOYMENT)
    while job["act"] == "begin" and not boundaries.over:
        await asyncio.sleep(0.001)


def clock(folder: Path) -> YieldingClock:
    """Time goes on where it was when the process before this one was killed."""
    file = folder / "world.json"
    return YieldingClock(json.loads(file.read_text())["at"]) if file.exists() else YieldingClock()


def forked(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job in a fork; what came of it."""
    folder = Path(job["folder"])
    (folder / "boundaries").write_text("")
    child = os.fork()
    if child == 0:
        end_with(job, folder)
    _, status = os.waitpid(child, 0)
    return {
        "killed": os.WIFSIGNALED(status),
        "boundaries": (folder / "boundaries").read_text().splitlines(),
        "error": (folder / "error").read_text() if os.WEXITSTATUS(status) else "",
    }


def end_with(job: dict[str, Any], folder: Path) -> None:
    """Never returns: a child that did would read its parent's input."""
    try:
        asyncio.run(run(job))
    except BaseException:  # noqa: BLE001 - it is reported, whatever it is
        (folder / "error").write_text(traceback.format_exc())
        os._exit(1)
    os._exit(0)


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(forked(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
