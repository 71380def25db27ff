"""What an environment needs besides deployments: listeners told, old things given up, drift seen.

A control plane runs one `Upkeep` for each environment that it delivers to, on one machine as on a
server. Nothing here acts on what runs. Several servers may look after the same environment: what
one has done, the others find done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from fairway.control.listening import Listening
from fairway.delivery.notify.outbox import Outbox
from fairway.delivery.notify.sink import SecretOf
from fairway.delivery.port import DeliveryEvent
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.delivery.store.forgetting import forget_old
from fairway.errors import FairwayError
from fairway.model.environments import Environment
from fairway.model.notify import Notification
from fairway.plan.release import Release
from fairway.plan.releases import app_of
from fairway.targets.contract import Drift, Target

INTERVAL = 2.0
"""Between looks whether there is something to do, in seconds."""
DRIFT_INTERVAL = 60.0
_CONFIRMED_AFTER = 5.0
"""What is gone again after so many seconds was a replica that restarts, and no drift."""
_ALL = 100_000
"""More releases than any retention keeps."""
_log = logging.getLogger(__name__)


def _nobody(_event: DeliveryEvent) -> None:
    """Nobody here wants to know."""


def _nothing() -> None:
    """There is nothing else to give up."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What is looked after.

    `told` hears every event as it comes; `tidy` is called after a deployment has ended and
    retention has forgotten old releases, to remove what only those needed.
    """

    app: str
    environment: str
    store: DeliveryStore
    target: Target
    secret_of: SecretOf
    clock: Callable[[], float]
    told: Callable[[DeliveryEvent], None] = _nobody
    tidy: Callable[[], object] = _nothing
    drift_interval: float = DRIFT_INTERVAL
    confirmed_after: float = _CONFIRMED_AFTER


class Upkeep:
    """Looks after one environment, from `start` to `stop`."""

    def __init__(self, charge: Charge) -> None:
        self._charge = charge
        self._store = charge.store
        outbox = Outbox(charge.store.database, charge.store.events)
        place = (charge.app, charge.environment)
        self.listening = Listening(place, outbox, charge.secret_of, charge.clock)
        self.drift: tuple[Drift, ...] = ()
        self._release: Release | None = None
        self._passed_on = 0
        self._tidied = ""
        self._looked_at = 0.0
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """From here on listeners miss nothing."""
        self._passed_on = await asyncio.to_thread(self._store.events.last)
        await self._follow_listeners()
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Leave it to itself."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        await self.listening.stop()

    async def once(self) -> None:
        """Everything that is due now."""
        await self._follow_listeners()
        await self._pass_on()
        await self._tidy()
        if self._charge.clock() - self._looked_at >= self._charge.drift_interval:
            await self.look_for_drift()

    async def look_for_drift(self) -> tuple[Drift, ...]:
        """What differs for longer than a moment, told once; nothing while a deployment changes it.

        Returns what is new.
        """
        self._looked_at = self._charge.clock()
        if await self._changing():
            return ()
        found = await self._charge.target.drift()
        if set(found) - set(self.drift):
            await asyncio.sleep(self._charge.confirmed_after)
            again = await self._charge.target.drift()
            found = tuple(each for each in found if each in again)
        if await self._changing():
            return ()
        self.drift = found
        return await asyncio.to_thread(self._store.drifts.note, found, self._charge.clock())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self.once()
            except (FairwayError, OSError) as error:  # a database away, a full disk: told, outlived
                _log.warning("%s waits: %s", self._charge.environment, error)
            except Exception:  # noqa: BLE001 - a defect in one chore must not end all of them, unseen
                _log.exception("%s: upkeep failed by a defect", self._charge.environment)

    async def _follow_listeners(self) -> None:
        listeners, first = await asyncio.to_thread(self._listeners)
        await self.listening.follow(listeners, first=first)

    def _listeners(self) -> tuple[tuple[Notification, ...], bool]:
        """Who is declared, and whether that came with the first deployment."""
        declared = self._declared()
        succeeded = self._store.deployments.list(status="succeeded", limit=2)
        return (declared.notify if declared else ()), len(succeeded.deployments) < 2

    def _declared(self) -> Environment | None:
        """The environment as the release in force declares it, before that the newest one."""
        releases = self._store.releases
        number = releases.in_force()
        if number and (self._release is None or self._release.number != number):
            self._release = releases.get(number)
        newest = () if number else releases.list(limit=1)
        release = newest[0] if newest else self._release
        return app_of(release.content).environments[self._charge.environment] if release else None

    async def _pass_on(self) -> None:
        for event in await asyncio.to_thread(self._store.events.after, self._passed_on):
            self._passed_on = event.id
            self._charge.told(event)

    async def _tidy(self) -> None:
        """Once after each deployment, and once in the beginning."""
        page = await asyncio.to_thread(self._store.deployments.list, limit=1)
        for newest in page.deployments:
            if newest.over and newest.id != self._tidied:
                await asyncio.to_thread(self._forget)
                self._tidied = newest.id

    def _forget(self) -> None:
        declared = self._declared()
        if declared is not None:
            self._store.releases.clean_up(declared.retention)
        forget_old(self._store.database)
        self._charge.tidy()

    async def _changing(self) -> bool:
        """Whether a deployment is under way, or there never was one: then nothing is settled."""
        return await asyncio.to_thread(
            lambda: (
                bool(self._store.deployments.unfinished()) or not self._store.releases.in_force()
            )
        )


def artifacts_in_use(store: DeliveryStore) -> frozenset[str]:
    """The digests of everything that a kept release may be started from."""
    kept = store.releases.list(limit=_ALL)
    services = (service for release in kept for service in release.content.services.values())
    return frozenset(service.artifact for service in services if service.artifact)
