"""One environment that the engine delivers to, and everything that it needs there.

`wiring` makes it; the engine's parts read it. Time comes in here, so that a test's clock decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fairway.delivery.deployment import Deployment
from fairway.delivery.hooks import Surroundings
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.plan.release import Release
from fairway.targets.contract import Target

T = TypeVar("T")


def in_this_folder(_service: str | None) -> Surroundings:
    """Hooks without a service's variables, where Fairway was started."""
    return Surroundings(Path.cwd())


@dataclass(frozen=True, slots=True)
class Place:
    """An environment by its name, with its store and its target.

    `surroundings` says where the hooks of a service (None: of the app) run.
    """

    environment: str
    store: DeliveryStore
    target: Target
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    surroundings: Callable[[str | None], Surroundings] = field(default=in_this_folder)

    async def asked(self, question: Callable[[], T]) -> T:
        """The store's answer, without holding up the event loop."""
        return await asyncio.to_thread(question)

    async def release(self, number: int) -> Release:
        """A kept release; NotFound."""
        return await self.asked(lambda: self.store.releases.get(number))

    async def release_of(self, deployment: Deployment, *, back: bool) -> Release:
        """What is brought, or what is gone back to; a first deployment has only the former."""
        number = deployment.base if back and deployment.base else deployment.release
        return await self.release(number)
