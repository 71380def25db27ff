"""Does the kernel allow as many file watchers as the mesh needs? Asked before an Envoy starts.

Envoy takes one inotify instance per file that it watches and aborts when there is none left. Linux
allows a user 128 of them unless told otherwise: enough for about 16 services.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fairway.errors import Unavailable
from fairway.targets.local.mesh.render.document import BOOTSTRAP

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_SPARE = 8
"""Left for what else runs: the reload of changed files, an editor."""


def needed(files_of_each: Iterable[Iterable[str]]) -> int:
    """How many watchers Envoys with these files take: one for each, but none for a bootstrap."""
    return sum(1 for files in files_of_each for name in files if name != BOOTSTRAP)


def check(watchers: int, limit: Path = LIMIT) -> None:
    """Unavailable when the kernel allows fewer; without that file (macOS) there is no limit."""
    if not limit.exists():
        return
    allowed = int(limit.read_text())
    if watchers + _SPARE > allowed:
        raise Unavailable(
            "too-few-file-watchers",
            f"the mesh needs {watchers} file watchers, and the kernel allows a user {allowed}",
            where=str(limit),
            remedy="raise it: sudo sysctl fs.inotify.max_user_instances=1024",
        )
