"""The log files of replicas on disk: bounded in size, their last lines, what a reader missed.

The supervisor rotates, runners quote the last lines in failures, `fairway logs --follow` reads.
Programs hold their log open for appending and know nothing of Fairway, so a file cannot be
renamed away under them: it is copied and then cut to nothing. What a program writes between the
two steps (microseconds) may be lost; nothing else is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.naming import version_of

MAX_BYTES = 10 * 2**20
KEPT = 3
KEPT_VERSIONS = 3
"""Of how many retired versions of a service the logs stay, to see why they were left."""
_TAIL_BYTES = 64 * 2**10


def rotate(path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> bool:
    """Shift `x.log` to `x.log.1`, that to `x.log.2` and so on, when it is larger than allowed."""
    try:
        if path.stat().st_size <= max_bytes:
            return False
    except FileNotFoundError:
        return False
    for number in range(kept - 1, 0, -1):
        older = rotated(path, number)
        if older.exists():
            older.replace(rotated(path, number + 1))
    shutil.copy2(path, rotated(path, 1))
    os.truncate(path, 0)
    return True


def rotated(path: Path, number: int) -> Path:
    """The `number`-th older file of a log, 1 being the youngest."""
    return path.with_name(f"{path.name}.{number}")


def prune(
    folder: Path, service: str, present: Collection[str], kept: int = KEPT_VERSIONS
) -> tuple[str, ...]:
    """Remove the logs of a service's versions that are not `present`, but for the newest few.

    Newest is whose log was written to last. Those of the working tree are no version's, and stay.
    Returns the versions whose logs are gone.
    """
    retired: dict[str, list[Path]] = {}
    for path in folder.glob(f"{service}.*.log*"):
        version = version_of(path.name.partition(".log")[0])
        if version != WORKING_TREE and version not in present:
            retired.setdefault(version, []).append(path)
    by_age = sorted(retired, key=lambda name: max(map(_written, retired[name])), reverse=True)
    for path in (path for version in by_age[kept:] for path in retired[version]):
        path.unlink(missing_ok=True)
    return tuple(by_age[kept:])


def _written(path: Path) -> float:
    """When a log was last written to; one that is gone meanwhile is the oldest."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def cut_away(path: Path, offset: int) -> bytes:
    """What a reader that had got to `offset` has missed of a log that was rotated since."""
    try:
        with rotated(path, 1).open("rb") as older:
            older.seek(offset)
            return older.read()
    except FileNotFoundError:
        return b""


def size(path: Path) -> int:
    """Bytes in a log; none when it does not exist."""
    return path.stat().st_size if path.exists() else 0


def last_lines(path: Path, count: int, since: int = 0) -> tuple[str, ...]:
    """The last lines of a log behind the offset `since`; none when it does not exist."""
    end = size(path)
    if end == 0:
        return ()
    with path.open("rb") as file:
        file.seek(max(since if since <= end else 0, end - _TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return tuple(lines[-count:])
