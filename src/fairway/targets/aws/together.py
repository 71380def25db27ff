"""The same in several regions at once, and nothing is left behind when one of them fails.

`asyncio.gather` alone raises the first error at once and lets the others go on: an old file could
be written after a newer one, and Terraform be run beside the next attempt in the same folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def together(works: Iterable[Awaitable[T]]) -> list[T]:
    """What each gives, in their order; the first one's error once all have ended."""
    found: list[T] = []
    for each in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(each, BaseException):
            raise each
        found.append(each)
    return found
