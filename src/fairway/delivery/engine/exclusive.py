"""One engine at a time on an SQLite file: a lock that ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from fairway.errors import Conflict, Unavailable


class ExclusiveLock:
    """A lock file beside the database. It names its holder, for whoever comes second."""

    def __init__(self, path: Path, holder: str) -> None:
        self._path = path
        self._holder = holder
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises Conflict that names the holder."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(
                "engine-lock",
                f"the engine's lock cannot be opened: {error}",
                where=str(self._path),
                remedy="make the folder writable",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise _taken(self._path, holder) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{self._holder} (process {os.getpid()})\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next one in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _taken(path: Path, holder: str) -> Conflict:
    return Conflict(
        "engine-running",
        f"another delivery engine works here: {holder or 'it has not said which'}",
        where=str(path),
        remedy="stop it first, or keep the environment in a PostgreSQL, which several can share",
    )
