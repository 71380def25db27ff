"""What a deployment asks of its target at each step: versions, replicas, shares. Pure.

`engine/perform.py` hands the results to the target. They follow from the deployment alone, so the
engine of another process, after a crash, asks for exactly the same.
"""

from __future__ import annotations

import math

from fairway.delivery.deployment import Deployment
from fairway.plan.plan import Move
from fairway.targets.contract import Routing, Split, Wanted

EVERYTHING = 100


def routing(deployment: Deployment, weight: int, mirror: int = 0, *, back: bool = False) -> Routing:
    """The traffic with `weight` percent to the candidates, all services at once.

    `back` takes every request away from them, also from a service that had no version before.
    """
    return Routing(
        services={
            move.service: _old_only(move) if back else _split(move, weight)
            for move in replaced(deployment)
        },
        cohort=deployment.cohort,
        sticky=deployment.course.sticky,
        mirror=mirror,
    )


def _old_only(move: Move) -> Split:
    return Split({move.before: EVERYTHING} if move.before else {}, candidate=move.after)


def _split(move: Move, weight: int) -> Split:
    """A service without an old version answers with the new one as soon as anyone asks for it."""
    match move.before, move.after:
        case None, str(after):
            return Split({after: EVERYTHING}, candidate=after)
        case str(before), None:
            return Split({before: EVERYTHING} if weight < EVERYTHING else {})
        case str(before), str(after):
            return Split({after: weight, before: EVERYTHING - weight}, candidate=after)
        case _:
            raise ValueError(f"a move of {move.service} from nothing to nothing")


def replaced(deployment: Deployment) -> tuple[Move, ...]:
    """The moves that change a version; the others only change the number of replicas."""
    return tuple(move for move in deployment.plan.moves if move.before != move.after)


def candidates(deployment: Deployment, stage: int) -> tuple[Wanted, ...]:
    """The new versions that run in a stage, and what is only scaled, callees first."""
    share = deployment.course.stages[stage].share
    return tuple(
        Wanted(move.service, move.after, _part(move.replicas, share))
        for move in deployment.plan.moves
        if move.after is not None
    )


def remainder(deployment: Deployment, stage: int) -> tuple[Wanted, ...]:
    """The old versions that a rolling stage leaves running, callers first."""
    share = deployment.course.stages[stage].share
    if share is None:
        return ()
    return tuple(
        Wanted(move.service, move.before, _rest(move.before_replicas, share))
        for move in reversed(replaced(deployment))
        if move.before is not None and move.after is not None
    )


def restored(deployment: Deployment) -> tuple[Wanted, ...]:
    """The old versions in full, callees first: what a rollback needs before it moves traffic."""
    return tuple(
        Wanted(move.service, move.before, move.before_replicas)
        for move in deployment.plan.moves
        if move.before is not None
    )


def leaving(deployment: Deployment, *, back: bool) -> tuple[tuple[str, str], ...]:
    """The (service, version) pairs that go, callers first: the old ones, or with `back` the new.

    What an earlier deployment left behind goes either way: the first shift took its requests.
    """
    moves = reversed(replaced(deployment))
    pairs = ((move.service, move.after if back else move.before) for move in moves)
    named = ((service, version) for service, version in pairs if version is not None)
    return (*named, *deployment.plan.leftovers)


def _part(replicas: int, share: float | None) -> int:
    """A share of the replicas, rounded up: one of a single replica is new at once."""
    if share is None or share >= 1:
        return replicas
    return math.ceil(replicas * share - 1e-9)


def _rest(replicas: int, share: float) -> int:
    """What is left of the old replicas; one stays for as long as any request goes there."""
    return 0 if share >= 1 else max(1, replicas - _part(replicas, share))
