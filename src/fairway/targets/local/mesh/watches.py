"""Does the kernel allow as many file watchers as the mesh needs? Asked before an Envoy starts.

Envoy takes one inotify instance per file that it watches and aborts when there is none left. Linux
allows a user 128 of them unless told otherwise, and editors take some: enough for about 16
services. Whether they are there is found out by taking them for a moment.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable

from fairway.errors import Unavailable
from fairway_runtime.agent.files import (
    BOOTSTRAP,
)

LIMIT = "fs.inotify.max_user_instances"


def needed(files_of_each: Iterable[Iterable[str]]) -> int:
    """How many watchers Envoys with these files take: one for each, but none for a bootstrap."""
    return sum(1 for files in files_of_each for name in files if name != BOOTSTRAP)


def available(wanted: int) -> int:
    """How many of `wanted` watchers can be had now; all of them where there is no inotify."""
    try:
        take = ctypes.CDLL(None).inotify_init1
    except AttributeError:  # macOS watches files by other means
        return wanted
    taken: list[int] = []
    try:
        while len(taken) < wanted and (descriptor := take(os.O_CLOEXEC)) >= 0:
            taken.append(descriptor)
        return len(taken)
    finally:
        for descriptor in taken:
            os.close(descriptor)


def check(watchers: int, available: Callable[[int], int] = available) -> None:
    """Unavailable, with the setting to raise, when fewer than `watchers` can be had."""
    found = available(watchers)
    if found < watchers:
        raise Unavailable(
            "too-few-file-watchers",
            f"the mesh needs {watchers} file watchers, and only {found} are left for this user",
            where=LIMIT,
            remedy=f"raise the limit: sudo sysctl {LIMIT}=1024",
        )
