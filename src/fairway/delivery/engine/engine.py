"""The delivery engine of a process: begins deployments, goes on with those that were interrupted.

The control plane owns one and uses it on its event loop. What it guarantees: a deployment that was
submitted ends in one of its terminal states, through crashes and restarts, and is performed by one
engine at a time; `stop` leaves the rest to the next engine. With SQLite there is one engine; with
PostgreSQL several share the work, and the survivors take over from one that falls silent.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fairway.delivery.deployment import Deployment
from fairway.delivery.engine.exclusive import ExclusiveLock
from fairway.delivery.engine.leases import PlaceWorker, Tenure
from fairway.delivery.engine.loop import Boundary, Delivery, Journal, no_boundary
from fairway.delivery.engine.perform import LeaseLost
from fairway.delivery.engine.place import Place
from fairway.errors import FairwayError, NotFound, Unavailable

if TYPE_CHECKING:
    from fairway.delivery.engine.durable import Durable

LEASE = 10.0
"""Seconds of silence after which an engine counts as dead."""
POLLS = 40
"""How often within a lease it looks whether a deployment was put back for it."""
_log = logging.getLogger(__name__)


class Engine:
    """Delivers to some environments. `database` is the journal's: a file, or a PostgreSQL's URL.

    `name` is this process's own and never used again, such as a random id. The journal is opened
    only when there is work, because that takes half a second.
    """

    def __init__(  # noqa: PLR0913 - time and boundaries are for tests
        self,
        places: Sequence[Place],
        database: Path | str,
        name: str,
        *,
        clock: Callable[[], float] = time.time,
        lease: float = LEASE,
        boundary: Boundary = no_boundary,
    ) -> None:
        self._first = tuple(places)
        self._database = database
        self._tenure = Tenure(name, clock, lease)
        self._boundary = boundary
        self._workers: list[PlaceWorker] = []
        self._durable: Durable | None = None
        self._opening = threading.Lock()
        self._stopping = threading.Event()
        self._beating: asyncio.Task[None] | None = None
        self._exclusive = (
            ExclusiveLock(database.with_suffix(".lock"), name)
            if isinstance(database, Path)
            else None
        )

    async def start(self) -> None:
        """Take over what was left unfinished; Conflict when an SQLite file has its engine."""
        if self._exclusive is not None:
            self._exclusive.take()
        try:
            for place in self._first:
                await self.add(place)
        except BaseException:
            await self.stop()
            raise
        self._beating = asyncio.create_task(self._beat())

    async def add(self, place: Place) -> None:
        """Deliver to one more environment, and take over what was left unfinished there."""
        worker = PlaceWorker(place, self._tenure, asyncio.get_running_loop())
        self._workers = [*self._workers, worker]
        await asyncio.to_thread(self._take_over, worker)

    async def submit(self, deployment: Deployment) -> None:
        """Begin a deployment that the store has opened. It was begun already: fine."""
        await asyncio.to_thread(self._submit, deployment.id)

    async def stop(self) -> None:
        """Interrupt what is under way, and leave it to be resumed."""
        self._stopping.set()
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
        for worker in self._workers:
            worker.stop()
        while self._durable is not None and self._durable.active:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(self._close)

    async def idle(self) -> None:
        """Until every deployment in its environments is over, whoever performs it."""
        while await asyncio.to_thread(self._busy):
            await asyncio.sleep(0.05)

    # In threads

    def _submit(self, deployment: str) -> None:
        self._worker_of(deployment)
        self._journal().submit(deployment)

    def _run(self, deployment: str, journal: Journal) -> str:
        """The journal may take nothing but the end for an end: all else is tried again."""
        try:
            worker = self._worker_of(deployment)
            return Delivery(deployment, worker, journal, self._boundary).run()
        except FairwayError as error:
            _log.warning("%s cannot go on for now: %s", deployment, error)
            raise LeaseLost from error
        except Exception as error:
            _log.exception("%s cannot go on for now: a defect", deployment)
            raise LeaseLost from error

    def _worker_of(self, deployment: str) -> PlaceWorker:
        """The environment in whose store it is."""
        for worker in self._workers:
            with suppress(NotFound):
                if worker.store.deployments.get(deployment).id == deployment:
                    return worker
        raise NotFound(
            "unknown-deployment",
            f"no environment of this engine knows {deployment}",
            where=deployment,
            remedy="open it in the environment's store before it is submitted",
        )

    def _journal(self) -> Durable:
        """Opened when it is first needed."""
        with self._opening:
            if self._durable is None:
                from fairway.delivery.engine.durable import Durable  # noqa: PLC0415 - costs 0.4 s

                durable = Durable(
                    self._database, self._tenure.engine, self._run,
                    poll=self._tenure.seconds / POLLS,
                )  # fmt: skip
                durable.start()
                self._durable = durable
            return self._durable

    def _take_over(self, worker: PlaceWorker) -> None:
        """With a lock on the file, whoever held leases there is dead."""
        worker.arrive()
        if self._exclusive is not None:
            worker.store.leases.expire_all_but(self._tenure.engine)
        self._sweep(worker)

    def _sweep(self, worker: PlaceWorker) -> None:
        """Go on with what nobody alive does."""
        for deployment in worker.store.deployments.unfinished():
            self._journal().recover(deployment, self._dead(worker))

    def _dead(self, worker: PlaceWorker) -> Callable[[str], bool]:
        return worker.dead if self._exclusive is None else lambda _engine: True

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._tenure.seconds / 3)
            for worker in self._workers:
                try:
                    await asyncio.to_thread(self._beat_once, worker)
                except FairwayError:
                    _log.warning("no heartbeat in %s", worker.place.environment, exc_info=True)

    def _busy(self) -> bool:
        return any(worker.store.deployments.unfinished() for worker in self._workers)

    def _beat_once(self, worker: PlaceWorker) -> None:
        worker.beat()
        if not self._stopping.is_set():
            self._sweep(worker)

    def _close(self) -> None:
        if self._durable is not None:
            self._durable.stop()
        for worker in self._workers:
            with suppress(Unavailable):
                worker.store.engines.leave(self._tenure.engine)
        if self._exclusive is not None:
            self._exclusive.release()
