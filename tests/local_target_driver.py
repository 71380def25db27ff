"""A control plane that dies in the middle: does one thing to the target and is killed meanwhile.

`python -m tests.local_target_driver FOLDER METHOD DELAY` in a folder where r1 runs; it dies `DELAY`
seconds after the call began.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.local_target_rig import LocalRig

from fairway.targets.contract import Fence, Routing, Split, Wanted

LEASE = Fence("d2", 2)


async def die_while(folder: Path, method: str, delay: float) -> None:
    rig = LocalRig(folder, empty=False)
    await rig.start()
    asyncio.get_running_loop().call_later(delay, os.kill, os.getpid(), signal.SIGKILL)
    await steps(rig)[method]()
    await asyncio.sleep(delay)


def steps(rig: LocalRig) -> dict[str, Callable[[], Awaitable[None]]]:
    """The calls of a deployment of release 2, in their order."""
    two = rig.release(2, axon="two")
    to_two = Routing({"axon": Split({"r1": 0, "r2": 100}, "r2")}, "r2")
    return {
        "apply": lambda: rig.target.apply(two, [Wanted("axon", "r2", 2)], LEASE),
        "govern": lambda: rig.target.govern(two, LEASE),
        "shift": lambda: rig.target.shift(to_two, LEASE),
        "retire": lambda: rig.target.retire([("axon", "r1")], LEASE),
        "settle": lambda: rig.target.settle(two, LEASE),
    }


if __name__ == "__main__":
    asyncio.run(die_while(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
