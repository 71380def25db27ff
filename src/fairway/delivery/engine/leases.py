"""One engine's leases on one environment: taken in turn, kept by heartbeats, noticed when lost.

Used by the threads that run deployments there (as their `Worker`) and by the engine's heartbeat.
Whoever loses a lease is interrupted in the middle of what it does; that it cannot act any more does
not depend on this: target and store refuse its token.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass

from fairway.delivery.deployment import Deployment
from fairway.delivery.engine.perform import LeaseLost, perform
from fairway.delivery.engine.place import Place
from fairway.delivery.engine.waiting import next_order
from fairway.delivery.happenings import Happening, Told
from fairway.delivery.store.leases import Lease
from fairway.errors import Unavailable
from fairway.targets.contract import Fence

_PAUSE = 0.25
"""Seconds between two attempts to get a lease that someone else has."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """Which engine, by which clock, and for how many seconds a lease lasts without a heartbeat."""

    engine: str
    clock: Callable[[], float]
    seconds: float


class PlaceWorker:
    """Runs the deployments of one environment; see `loop.Worker`. Safe between threads."""

    def __init__(self, place: Place, tenure: Tenure, loop: asyncio.AbstractEventLoop) -> None:
        self.place = place
        self.store = place.store
        self._tenure = tenure
        self._loop = loop
        self._lock = threading.Lock()
        self._held: set[int] = set()
        self._under_way: dict[int, Future[Happening]] = {}
        self._stopping = threading.Event()
        self._beaten = tenure.clock()

    # For the thread of a deployment

    def perform(self, deployment: Deployment, fence: Fence) -> Happening:
        """Carry the effect out on the event loop that owns the target; raises LeaseLost."""
        with self._lock:
            if self._stopping.is_set() or fence.token not in self._held:
                raise LeaseLost
            work = perform(self.place, deployment, fence)
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._under_way[fence.token] = future
        try:
            return future.result()
        except CancelledError as error:
            raise LeaseLost from error
        finally:
            with self._lock:
                del self._under_way[fence.token]

    def take_turn(self, deployment: Deployment) -> Lease | Told:
        """Wait for the lease; a deployment that has not begun can be told to end instead."""
        waiting = deployment.effect is not None and deployment.effect.step == "begin"
        while True:
            answer = self._taken(deployment, may_end=waiting)
            if answer is not None:
                return answer
            self.pause()

    def give_back(self, lease: Lease) -> None:
        """The environment is free again; if that cannot be said, the lease expires."""
        with self._lock:
            self._held.discard(lease.token)
        try:
            self.store.leases.give_back(lease)
        except Unavailable:
            return

    def pause(self) -> None:
        """Wait a little; raises LeaseLost when the engine stops."""
        if self._stopping.wait(_PAUSE):
            raise LeaseLost

    # For the engine

    def beat(self) -> None:
        """Tell that this engine lives, and interrupt whatever has lost its lease."""
        with self._lock:
            held = frozenset(self._held)
        now, tenure = self._tenure.clock(), self._tenure
        try:
            self.store.engines.beat(tenure.engine, now)
            kept = self.store.leases.renew(tenure.engine, now=now, seconds=tenure.seconds)
            self._beaten = now
        except Unavailable:
            silent_for = now - self._beaten
            kept = held if silent_for < tenure.seconds else frozenset()
        for token in held - kept:
            self._lose(token)

    def arrive(self) -> None:
        """The first heartbeat; whoever has been silent for very long is forgotten."""
        self.beat()
        self.store.engines.forget(self._tenure.clock() - 100 * self._tenure.seconds)

    def dead(self, engine: str) -> bool:
        """Whether another engine has been silent for as long as its leases last."""
        since = self._tenure.clock() - self._tenure.seconds
        return engine not in self.store.engines.alive(since)

    def stop(self) -> None:
        """Interrupt everything; it is left as it is, to be resumed."""
        with self._lock:
            self._stopping.set()
            held = frozenset(self._held)
        for token in held:
            self._lose(token)

    def _taken(self, deployment: Deployment, *, may_end: bool) -> Lease | Told | None:
        tenure = self._tenure
        try:
            lease = self.store.leases.take(
                self.place.environment, deployment.id, tenure.engine,
                now=tenure.clock(), seconds=tenure.seconds,
            )  # fmt: skip
            if lease is None:
                return next_order(self.store, deployment) if may_end else None
        except Unavailable:
            return None
        with self._lock:
            self._held.add(lease.token)
        return lease

    def _lose(self, token: int) -> None:
        with self._lock:
            self._held.discard(token)
            future = self._under_way.get(token)
        if future is not None:
            future.cancel()
