"""How the delivery of an environment stands, in the words of `fairway status`. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fairway.control.port import Level
from fairway.delivery.deployment import Deployment
from fairway.delivery.events import type_of
from fairway.delivery.port import DeadLetter, DeliveryEvent
from fairway.targets.contract import Drift

_PREFIX, _SUFFIX = "io.fairway.", ".v1"
_WARNINGS = frozenset(
    {
        "ApprovalRequested", "DeploymentPaused", "DeploymentRolledBack", "DriftDetected",
        "EmergencyOverride", "RollbackStarted",
    }
)  # fmt: skip
_MOST = 3
"""So many differences are named, the others counted."""


def needs_someone(under_way: Sequence[Deployment]) -> bool:
    """Whether what is being deployed waits for a person, or goes wrong: else it only goes on."""
    if not under_way:
        return False
    first = under_way[0]
    asks = first.effect is not None and first.effect.step == "await_approval"
    return bool(first.paused) or asks or first.status == "rolling_back"


def deployment_words(under_way: Sequence[Deployment]) -> tuple[str, ...]:
    """What is being deployed, the oldest first, and what to do about it."""
    if not under_way:
        return ()
    first, *waiting = under_way
    words = _standing(first)
    if not waiting:
        return (words,)
    names = ", ".join(each.cohort for each in waiting)
    return (words, f"{names} {'waits' if len(waiting) == 1 else 'wait'} for the end of it")


def _standing(deployment: Deployment) -> str:
    name, at = deployment.cohort, f"at {deployment.serving} %"
    if deployment.paused:
        return f"{name} is paused {at}: {deployment.paused}; fairway promote, resume or abort"
    if deployment.effect is not None and deployment.effect.step == "await_approval":
        return f"{name} waits until someone agrees; fairway approve or reject"
    if deployment.effect is not None and deployment.effect.step == "await_window":
        why = f": {deployment.held}" if deployment.held else " until changes are allowed"
        return f"{name} waits{why}; fairway follow"
    if deployment.status == "rolling_back":
        return f"{name} is rolled back: {deployment.reason}; fairway follow"
    return f"{name} is being deployed, {at} of new requests; fairway follow"


def drift_words(found: Sequence[Drift]) -> tuple[str, ...]:
    """What differs from what was deployed."""
    named = [f"{each.subject}: {each.found} instead of {each.expected}" for each in found[:_MOST]]
    if len(found) > _MOST:
        named.append(f"{len(found) - _MOST} more differences")
    return tuple(f"{words}; fairway drift" for words in named)


def untold_words(dead: Sequence[DeadLetter]) -> tuple[str, ...]:
    """Which listeners could not be told of something, and why at last."""
    last = {each.listener: each for each in dead}
    counts = Counter(each.listener for each in dead)
    return tuple(
        f"{name} was not told of {counts[name]} event{'s' if counts[name] > 1 else ''}: "
        f"{letter.error}"
        for name, letter in last.items()
    )


def local_event(event: DeliveryEvent) -> tuple[str, str, str, Level]:
    """Kind, subject, message and level of an event of the delivery in the event log."""
    kind = type_of(event.type).removeprefix(_PREFIX).removesuffix(_SUFFIX)
    release = event.data.get("release")
    return kind, f"r{release}" if release else "", event.words, _level(event.type)


def _level(kind: str) -> Level:
    if kind == "DeploymentFailed":
        return "error"
    return "warning" if kind in _WARNINGS else "info"
