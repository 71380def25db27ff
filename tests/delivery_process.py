"""A control plane in a process of its own, which dies (SIGKILL) where it is told.

    python -m tests.delivery_process FOLDER KILL_AT [CHANGE]

It starts, or adopts what the one before it left, deploys CHANGE (the fields of a `Change`, as JSON)
or goes on with the latest deployment, and when that is over says on its last line how it ended, and
leaves everything running. Every boundary that the engine passes is added to FOLDER/boundaries.
KILL_AT is the end of a boundary's name; empty: nowhere.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.delivery_rig import Change, DeliveryRig

from fairway.control.delivering import LocalDelivering
from fairway.control.plane import LocalControlPlane
from fairway.targets.local.blueprint import Blueprint

ROOT = Path(__file__).parents[1]
PATIENCE = 90.0


@dataclass(frozen=True)
class End:
    """How a deployment ended, and what was there then: healthy replicas by version, of axon.

    `old` and `new` are the versions of axon that it was about.
    """

    status: str
    reason: str
    old: str
    new: str
    serves: dict[str, int]
    drift: list[str]
    gateway: str


def run(folder: Path, kill_at: str = "", change: dict[str, Any] | None = None) -> End | None:
    """Such a process, until it ends by itself; None when it was killed where it should be."""
    wanted = [] if change is None else [json.dumps(change)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.delivery_process", str(folder), kill_at, *wanted],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    return End(**json.loads(done.stdout.splitlines()[-1]))


def boundaries(folder: Path) -> list[str]:
    """Those that were passed since this was asked last, without the deployment's id."""
    file = folder / "boundaries"
    names = [line.split(" ", 1)[1] for line in file.read_text().splitlines()]
    file.unlink()
    return names


class Boundaries:
    """Writes down each boundary, and kills the process at one of them."""

    def __init__(self, file: Path, kill_at: str) -> None:
        self._file = file
        self._kill_at = kill_at

    def __call__(self, name: str) -> None:
        with self._file.open("a") as file:
            file.write(name + "\n")
        if self._kill_at and name.endswith(f" {self._kill_at}"):
            os.kill(os.getpid(), signal.SIGKILL)


class MortalPlane(LocalControlPlane):
    """A control plane whose engine tells of its boundaries."""

    def __init__(self, blueprint: Blueprint, boundaries: Boundaries) -> None:
        super().__init__(blueprint)
        self._boundaries = boundaries

    def _new_delivering(self) -> LocalDelivering:
        delivering = super()._new_delivering()
        delivering._engine._boundary = self._boundaries
        return delivering


async def main(folder: Path, kill_at: str, change: Change | None) -> None:
    passed = Boundaries(folder / "boundaries", kill_at)
    rig = DeliveryRig(folder, Change(), lambda blueprint: MortalPlane(blueprint, passed))
    try:
        await rig.start()
        if change is None:
            begun = (await rig.delivery.deployments(limit=1)).deployments[0]
        else:
            begun = await rig.begin(change)
        print(json.dumps(asdict(await end(rig, begun.id))))
    finally:
        await rig.plane.abandon()


async def end(rig: DeliveryRig, deployment: str) -> End:
    ended = await rig.ended(await rig.delivery.deployment(deployment))
    move = next(move for move in ended.plan.moves if move.service == "axon")
    observed = await rig.plane.target.observe()
    return End(
        ended.status, ended.reason, move.before or "", move.after or "",
        {version.name: version.healthy for version in observed.services["axon"]},
        [f"{each.subject}: {each.found}" for each in await rig.delivery.drift()], rig.gateway,
    )  # fmt: skip


if __name__ == "__main__":
    place, where, *rest = sys.argv[1:]
    wanted = Change(**json.loads(rest[0])) if rest else None
    asyncio.run(main(Path(place), where, wanted))
