"""Reloads what runs from the working tree when its files change.

The supervisor owns one `Reloading` and tells it what to do with a service whose files are new.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from fairway.errors import FairwayError
from fairway.targets.local.reload import changed_since, changes

Watched = Mapping[str, tuple[Path, ...]]
"""What a service is reloaded for, by service."""


class Reloading:
    """Watches while it is on. `reload` replaces the replicas of a service."""

    def __init__(self, reload: Callable[[str], Awaitable[None]]) -> None:
        self._replace = reload
        self._watching: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._due: set[str] = set()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def on(self, watched: Watched) -> None:
        """From now on reload a service when its files change."""
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(watched))

    def catch_up(self, watched: Watched, since: Mapping[str, float]) -> None:
        """Reload what was changed after a moment by service (seconds since the epoch)."""
        for name, moment in since.items():
            self._spawn(self._reload_if_changed(name, watched[name], moment))

    def off(self) -> None:
        """From now on reload nothing; a reload under way is finished."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def end(self) -> None:
        """Likewise, and leave a reload under way where it is."""
        tasks = (*self._tasks, *([self._watching] if self._watching else []))
        self.off()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, watched: Watched) -> None:
        async for services in changes(watched):
            for name in services - self._due:
                self._due.add(name)
                self._spawn(self._reload(name))

    async def _reload_if_changed(self, name: str, watched: tuple[Path, ...], since: float) -> None:
        if await asyncio.to_thread(changed_since, watched, since):
            await self._reload(name)

    async def _reload(self, name: str) -> None:
        """A change that comes while the new replicas start is picked up by another reload."""
        async with self._turns[name]:
            self._due.discard(name)
            with contextlib.suppress(FairwayError, OSError):  # its events carry the failure
                await self._replace(name)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
