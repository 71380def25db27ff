"""A file that is read again when it changed: keys, policies and secrets rotate without a restart.

Used by `sigv4.keys` and `secrets`. Guarantees: `current()` costs one clock reading most of the
time and a `stat` at most every `interval` seconds; a file that turns bad keeps the last good
value and is reported once per change, because a half-written file must not stop a service.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
Version = tuple[int, int, int]

_log = logging.getLogger("fairway_runtime.watched")


class WatchedFile(Generic[T]):
    """`parse(bytes)` of a file, kept until the file changes (mtime, size or inode).

    The first reading raises what `parse` or the file system raises (OSError, ValueError): a
    service that cannot read its keys must not start.
    """

    def __init__(
        self,
        path: Path,
        parse: Callable[[bytes], T],
        *,
        interval: float = 0.1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._parse = parse
        self._interval = interval
        self._clock = clock
        self._version = self._stat()
        self._value = parse(path.read_bytes())
        self._next_look = clock() + interval
        self._reported = ""

    def current(self) -> T:
        """The value of the newest good content."""
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + self._interval
            self._look()
        return self._value

    def _look(self) -> None:
        try:
            version = self._stat()
            if version == self._version:
                return
            content = self.path.read_bytes()
            self._version = version
            self._value = self._parse(content)
        except FileNotFoundError:
            return  # between unlink and create of a writer that does not rename: look again later
        except (OSError, ValueError) as error:
            # The type only: the text of a parser's error may quote the secret that it failed on.
            self._report(type(error).__name__)
        else:
            self._reported = ""

    def _report(self, problem: str) -> None:
        """Say once what goes on failing: what cannot be read (no free descriptor) is tried again,
        what cannot be understood is not.
        """
        told = f"{problem} {self._version}"
        if told != self._reported:
            self._reported = told
            _log.error(
                "%s changed and cannot be read (%s); the last good content stays in force",
                self.path,
                problem,
            )

    def _stat(self) -> Version:
        found = os.stat(self.path)  # noqa: PTH116 - half the cost of Path.stat on the request path
        return found.st_mtime_ns, found.st_size, found.st_ino
