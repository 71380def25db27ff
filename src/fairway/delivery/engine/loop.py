"""One deployment from where it stands to its end: perform, advance, save, and again.

`durable.py` runs it in a thread of its own, on a journal that survives crashes. The order of each
round is what makes it safe to be killed anywhere:

1. the kept deployment names the effect that is due: journalled before it is done
2. the effect is performed, and its outcome journalled as one step
3. the outcome advances the deployment, which is saved with its events in one transaction

Killed before 2 is through, the effect is repeated, which is why effects are idempotent. Killed
before 3 is through, the journal tells the same outcome again. Round n is step n of the journal, so
a resumed deployment begins at the saved value and never replays what an older Fairway decided.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from fairway.delivery.advancing import Advance, IllegalTransition
from fairway.delivery.codec import decode_happening, encode
from fairway.delivery.deployment import Deployment, Status
from fairway.delivery.engine.perform import LeaseLost
from fairway.delivery.happenings import Failed, Happening, Told
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.delivery.store.deployments import Kept
from fairway.delivery.store.leases import Lease
from fairway.delivery.transitions import advance
from fairway.errors import Conflict, Unavailable
from fairway.targets.contract import Fence

Boundary = Callable[[str], None]
"""Told the name of each boundary as it is reached; tests kill the process there."""
_log = logging.getLogger(__name__)


class Journal(Protocol):
    """What survives a crash: the outcomes of the steps of one deployment."""

    def skip(self, steps: int) -> None:
        """Go on behind so many steps, without asking for their outcomes."""
        ...

    def once(self, name: str, act: Callable[[], str]) -> str:
        """The outcome of the next step: as it was recorded, else of `act`, recorded."""
        ...


class Worker(Protocol):
    """What a round needs of the engine that runs it."""

    store: DeliveryStore

    def perform(self, deployment: Deployment, fence: Fence) -> Happening:
        """Carry out the effect; raises LeaseLost only."""
        ...

    def take_turn(self, deployment: Deployment) -> Lease | Told:
        """Wait for the lease. Who has not begun may be told to give up instead."""
        ...

    def give_back(self, lease: Lease) -> None:
        """The environment is free again."""
        ...

    def pause(self) -> None:
        """Wait a little before another attempt; raises LeaseLost when the engine stops."""
        ...


def no_boundary(_name: str) -> None:
    """Nobody wants to know."""


class Delivery:
    """One run of a deployment in one process. Raises LeaseLost when another one has to go on."""

    def __init__(
        self, deployment: str, worker: Worker, journal: Journal, boundary: Boundary = no_boundary
    ) -> None:
        self._id = deployment
        self._worker = worker
        self._journal = journal
        self._boundary = boundary
        self._lease: Lease | None = None

    def run(self) -> Status:
        """To the end; how it ended."""
        kept = self._worker.store.deployments.kept(self._id)
        self._journal.skip(kept.revision)
        try:
            while not kept.deployment.over:
                kept = self._round(kept)
            self._boundary(f"{self._id} {kept.revision} over")
        finally:
            if self._lease is not None:
                self._worker.give_back(self._lease)
        return kept.deployment.status

    def _round(self, kept: Kept) -> Kept:
        deployment, effect = kept.deployment, kept.deployment.effect
        assert effect is not None, "only a deployment that is over has no effect"
        at = f"{self._id} {kept.revision} {effect.step}"
        self._boundary(f"{at}: due")
        outcome = self._journal.once(effect.step, lambda: self._outcome(deployment, at))
        self._boundary(f"{at}: journalled")
        happening = decode_happening(outcome)
        onward = _advanced(deployment, happening)
        following = Kept(onward.deployment, kept.revision + 1)
        if not (effect.step == "begin" and onward.deployment.over):  # it ended while it queued
            self._hold(onward.deployment)
        self._save(following, onward, happening.at)
        return following

    def _outcome(self, deployment: Deployment, at: str) -> str:
        """The journal would take an error for an outcome, and never ask again: none gets there."""
        try:
            happening = self._happening(deployment)
        except Exception as error:
            _log.exception("%s: its outcome is not known", at)
            raise LeaseLost from error
        self._boundary(f"{at}: performed")
        return encode(happening)

    def _happening(self, deployment: Deployment) -> Happening:
        order = self._hold(deployment)
        if order is not None:
            return order
        return self._worker.perform(deployment, self._fence)

    def _hold(self, deployment: Deployment) -> Told | None:
        """Have the lease; instead of waiting for it, a deployment may be told to end."""
        if self._lease is None:
            answer = self._worker.take_turn(deployment)
            if isinstance(answer, Told):
                return answer
            self._lease = answer
        return None

    @property
    def _fence(self) -> Fence:
        return self._lease.fence if self._lease is not None else Fence(self._id, 0)

    def _save(self, following: Kept, onward: Advance, at: float) -> None:
        """However long the database takes."""
        while True:
            try:
                return self._worker.store.deployments.save(
                    following, onward.announcements, fence=self._fence, at=at
                )
            except Unavailable:
                _log.warning("%s cannot be saved, trying again", self._id, exc_info=True)
                self._worker.pause()
            except Conflict as error:
                raise LeaseLost from error


def _advanced(deployment: Deployment, happening: Happening) -> Advance:
    """A defect must not leave a deployment without an end: it is a failure of the effect."""
    try:
        return advance(deployment, happening)
    except IllegalTransition as error:
        _log.exception("%s cannot go on with %s", deployment.id, happening)
        return advance(deployment, Failed(happening.at, f"a defect: {error}"))
