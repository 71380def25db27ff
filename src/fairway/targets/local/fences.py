"""Refuses whoever acts by an old lease: the largest token seen is kept across restarts.

`LocalTarget` asks before every write. A deployment engine that lost its lease without knowing it
comes with a smaller token than the one that took over.
"""

from __future__ import annotations

import json
from pathlib import Path

from fairway.errors import Conflict
from fairway.targets.contract import Fence
from fairway.targets.local.layout import write_private


class FenceFile:
    """The largest token, in a file. Used by the holder of the state folder's lock."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def admit(self, fence: Fence) -> None:
        """Let the holder of the newest lease pass; Conflict for an older one."""
        largest = self._largest()
        if fence.token < largest:
            raise Conflict(
                "stale-fence",
                f"{fence.deployment} acts by lease {fence.token}, but lease {largest} was seen",
                where=fence.deployment,
                remedy="nothing: another engine has taken over",
            )
        if fence.token > largest:
            write_private(self._path, json.dumps({"token": fence.token}).encode(), durable=True)

    def _largest(self) -> int:
        try:
            return int(json.loads(self._path.read_bytes())["token"])
        except FileNotFoundError:
            return 0
