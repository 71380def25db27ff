"""The lock of a state folder: one supervising process at a time.

Taken by whoever runs a system, for as long as it runs. The kernel drops it when the holder dies,
however it dies, so a lock is never stale; the file tells people who the holder is.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from fairway.errors import Conflict

_ATTEMPTS, _PAUSE = 5, 0.02
"""`held_by` takes the lock for an instant to see whether it can: that is not a holder."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: process id, since when (seconds since the epoch), and as what."""

    pid: int
    since: float
    command: str


@contextmanager
def hold(path: Path, holder: Holder) -> Iterator[None]:
    """Hold the lock for the duration of a `with` block; Conflict when someone else does.

    The file is removed on release, while still locked: nobody can be waiting on a dead file,
    because whoever gets the lock checks that the path still leads to the file that it locked.
    """
    descriptor = _acquire(path)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(asdict(holder)).encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def held_by(path: Path) -> Holder | None:
    """Who holds the lock now; None when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_holder(descriptor)
    finally:
        os.close(descriptor)
    return None


def _acquire(path: Path) -> int:
    attempts = 0
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read_holder(descriptor)
            os.close(descriptor)
            attempts += 1
            if attempts >= _ATTEMPTS:
                raise _taken(path, holder) from None
            time.sleep(_PAUSE)
            continue
        if _leads_to(path, descriptor):
            return descriptor
        os.close(descriptor)


def _leads_to(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _read_holder(descriptor: int) -> Holder:
    text = os.pread(descriptor, 4096, 0)
    try:
        return Holder(**json.loads(text))
    except (ValueError, TypeError):  # the holder has locked it and not yet written who it is
        return Holder(pid=0, since=0.0, command="starting")


def _taken(path: Path, holder: Holder) -> Conflict:
    return Conflict(
        "already-running",
        f"this app is already running here: process {holder.pid} ({holder.command})",
        where=str(path),
        remedy="`fairway status` shows it, `fairway down` stops it",
    )
