"""The program by which ECS asks the app for its health: put where the app's container finds it.

The check runs inside the app's container, and a small image has neither a shell nor a client of
HTTP. The agent calls this before the sidecar is healthy, and the app starts only after that.
"""

from __future__ import annotations

from pathlib import Path

from fairway_runtime.agent.telling import tell
from fairway_runtime.agent.writing import write

_PLACE = "bin/busybox"
"""BusyBox refuses to run under a name that does not begin with its own."""


def hand_out_probe(program: Path, folder: Path) -> None:
    """Copy a static BusyBox below `folder`, executable; without one the check finds nothing."""
    try:
        content = program.read_bytes()
    except OSError as error:
        tell("WARNING", "no program for health checks", path=program, reason=str(error))
        return
    write(folder / _PLACE, content, mode=0o755)
    (folder / _PLACE).parent.chmod(0o755)
