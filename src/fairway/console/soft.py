"""Parts of a page that may be missing: telemetry is off, a file cannot be read just now."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from fairway.errors import FairwayError

Answer = TypeVar("Answer")


class Asking:
    """Asks for parts; one that cannot be had does not take the page down, but is told of."""

    def __init__(self) -> None:
        self.troubles: dict[str, None] = {}

    async def __call__(self, asked: Awaitable[Answer], otherwise: Answer) -> Answer:
        """The answer, or `otherwise` after an error."""
        try:
            return await asked
        except FairwayError as error:
            self.troubles[str(error)] = None
            return otherwise
