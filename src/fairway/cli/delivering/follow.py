"""Following a deployment until it ends, waits for a person, or nobody wants to look any more.

`deploy`, `rollback` and `follow` call `follow` with a view that fits the terminal. Following only
looks: whatever happens here, the deployment goes on where it runs. A control plane that is gone for
a moment (it is being restarted, the network is) is waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Delivery, DeliveryEvent, Watching
from fairway.delivery.words import waits_for
from fairway.errors import Unavailable

_LOOK_SECONDS = 0.5
_GONE_SECONDS = 20.0
_LAST_WORDS_SECONDS = 2.0


class View(Protocol):
    """Shows a deployment as it goes."""

    def tell(self, event: DeliveryEvent) -> None:
        """Something happened."""
        ...

    def look(self, deployment: Deployment, watching: Watching | None) -> None:
        """How it stands; called about twice a second."""
        ...

    def settle(self) -> None:
        """The following is over: leave the terminal tidy."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """How the following ended: the last look, and whether somebody stopped looking."""

    deployment: Deployment
    watching: Watching | None
    detached: bool = False


@dataclass(frozen=True, slots=True)
class Follower:
    """Follows deployments. `patient`: also while one waits for a person; else that is an end."""

    delivery: Delivery
    view: View
    patient: bool
    clock: Callable[[], float] = time.monotonic

    async def follow(self, deployment: str, detach: asyncio.Event) -> Seen:
        """The last look, when it is over, when it waits (unless patient), or on `detach`."""
        telling = asyncio.create_task(self._tell(deployment))
        try:
            seen = await self._watch(deployment, detach)
            if seen.deployment.over:
                await asyncio.wait({telling}, timeout=_LAST_WORDS_SECONDS)
            return seen
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling
            self.view.settle()

    async def _watch(self, deployment: str, detach: asyncio.Event) -> Seen:
        while True:
            seen = await self._look(deployment)
            self.view.look(seen.deployment, seen.watching)
            if seen.deployment.over or (waits_for(seen.deployment) and not self.patient):
                return seen
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await detach.wait()
                return Seen(seen.deployment, seen.watching, detached=True)

    async def _look(self, deployment: str) -> Seen:
        deadline = self.clock() + _GONE_SECONDS
        while True:
            try:
                found = await self.delivery.deployment(deployment)
                return Seen(found, await self.delivery.watching(found.id))
            except Unavailable:
                if self.clock() >= deadline:
                    raise
                await asyncio.sleep(_LOOK_SECONDS)

    async def _tell(self, deployment: str) -> None:
        """Show every event once, also over a stream that breaks."""
        last = 0
        while True:
            try:
                async for event in self.delivery.events(deployment, after=last):
                    last = event.id
                    self.view.tell(event)
                return
            except Unavailable:
                await asyncio.sleep(_LOOK_SECONDS)
