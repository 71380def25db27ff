"""Waiting for what comes by itself, for as long as a busy machine may need.

Where all is well nobody waits so long; where it is not, the failure only comes later. So no test
needs a shorter time of its own: how fast something is, `bench/` measures.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE = 60.0
"""Seconds."""


def until(condition: Callable[[], Any], every: float = 0.05) -> Any:
    """What `condition` returns once that is true; AssertionError if it never is."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"it never came: {condition.__doc__ or condition}"
        time.sleep(every)
    return found


async def eventually(condition: Callable[[], bool | Awaitable[bool]], every: float = 0.02) -> None:
    """Return once `condition` is true, which may be asynchronous; AssertionError if it never is."""
    deadline = time.monotonic() + PATIENCE
    while not await _met(condition):
        assert time.monotonic() < deadline, f"it never came: {condition.__doc__ or condition}"
        await asyncio.sleep(every)


async def _met(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    met = condition()
    return await met if inspect.isawaitable(met) else met
