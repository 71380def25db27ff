"""Remembers the hashes of files, so that an unchanged tree is known without reading it again.

One per source folder, used by `artifacts.py`. A file counts as unchanged by its size, inode and
both of its times; one that was changed within the last moments is not remembered, because it could
be changed again without another time.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from fairway.targets.local.layout import write_private
from fairway.targets.local.source_tree import hash_of

_TOO_YOUNG = 2 * 10**9
"""Nanoseconds; some file systems keep times in steps of a second or two."""

Mark = list[int]


class StatCache:
    """The hashes of one folder's files, kept in one file between uses."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _read(path)
        self._seen: dict[str, tuple[Mark, str]] = {}

    def hash_of(self, path: Path, found: os.stat_result) -> str:
        """The SHA-256 of a file, read only if it may have changed."""
        mark = [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]
        known = self._known.get(str(path))
        content = known[1] if known is not None and known[0] == mark else hash_of(path, found)
        if max(found.st_mtime_ns, found.st_ctime_ns) < time.time_ns() - _TOO_YOUNG:
            self._seen[str(path)] = (mark, content)
        return content

    def save(self) -> None:
        """Keep what was seen this time, and only that."""
        write_private(self._path, json.dumps(self._seen).encode())


def _read(path: Path) -> dict[str, tuple[Mark, str]]:
    """A lost or damaged cache costs time, nothing else."""
    try:
        content = json.loads(path.read_bytes())
        return {name: (list(mark), str(found)) for name, (mark, found) in content.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}
