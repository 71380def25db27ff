"""What is refused while a deployment is under way, in the same words wherever it is noticed. Pure.

The store says it in the transaction that would open another one, the service before it plans, and
the command line before it sends anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from fairway.delivery.deployment import Deployment, Status
from fairway.errors import Conflict

_CHANGING: frozenset[Status] = frozenset({"applying", "shifting", "verifying", "rolling_back"})


def changing(found: Iterable[Deployment]) -> Deployment | None:
    """The one that may be changing what runs right now; those that wait for their turn do not."""
    return next((each for each in found if each.status in _CHANGING), None)


def busy(running: str) -> Conflict:
    """Another deployment has to end first."""
    return Conflict(
        "busy",
        f"deployment {running} is not over yet",
        where=running,
        remedy=f"watch it: fairway follow {running}; or deploy with --queue to wait for it, or "
        "with --supersede to end it",
    )


def in_between(running: Deployment, what: str) -> Conflict:
    """`what` cannot be told while a deployment is half done."""
    return Conflict(
        "deployment-under-way",
        f"{what}: deployment {running.id} of {running.cohort} is under way, which changes what "
        "should be there",
        where=running.id,
        remedy=f"wait for its end: fairway follow {running.id}",
    )
