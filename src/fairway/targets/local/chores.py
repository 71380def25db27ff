"""What is done again and again while a system runs and outlives its failures; what is done at once.

`LocalSystem` owns one `Chores`, and starts mesh and services with `both`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fairway.errors import FairwayError

Complain = Callable[[str, str], None]
"""Told of a failure: a dotted kind, and words."""


class Chores:
    """Background work of one event loop."""

    def __init__(self, complain: Complain) -> None:
        self._complain = complain
        self._tasks: set[asyncio.Task[None]] = set()

    def repeat(self, work: Callable[[], Awaitable[None]], interval: float, failed: str) -> None:
        """Do something every `interval` seconds from now on; a failure is told once, as `failed`,
        and tried again.
        """
        task = asyncio.create_task(self._again_and_again(work, interval, failed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Do nothing any more."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _again_and_again(
        self, work: Callable[[], Awaitable[None]], interval: float, failed: str
    ) -> None:
        told = ""
        while True:
            await asyncio.sleep(interval)
            try:
                await work()
                told = ""
            except (FairwayError, OSError) as error:
                if str(error) != told:
                    told = str(error)
                    self._complain(failed, told)


async def both(*work: Coroutine[Any, Any, None]) -> None:
    """All at once; the first failure ends the others and is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
