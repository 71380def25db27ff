"""The result of a transition, and the few ways to make one. Pure.

Used by `transitions.py` and by its two halves, `forward.py` and `back.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fairway.delivery.announcements import Announcement
from fairway.delivery.course import Stage
from fairway.delivery.deployment import Deployment, Effect, Status


class IllegalTransition(ValueError):
    """A happening that does not answer the effect under way."""


@dataclass(frozen=True, slots=True)
class Advance:
    """What a deployment is next, and what the world is told about it."""

    deployment: Deployment
    announcements: tuple[Announcement, ...] = ()

    def telling(self, kind: str, words: str, **data: Any) -> Advance:
        """The same, with something told before all else."""
        return Advance(
            self.deployment,
            (_announcement(self.deployment, kind, words, data), *self.announcements),
        )


_ENDINGS: Mapping[Status, str] = {
    "succeeded": "DeploymentSucceeded",
    "rolled_back": "DeploymentRolledBack",
    "failed": "DeploymentFailed",
    "cancelled": "DeploymentCancelled",
}


def end(deployment: Deployment, status: Status, reason: str, at: float) -> Advance:
    """It is over: nothing will happen any more."""
    over = replace(
        deployment, status=status, reason=reason, effect=None, paused="", interrupted=None,
        ended_at=at,
    )  # fmt: skip
    return Advance(over).telling(_ENDINGS[status], reason, reason=reason, status=status)


def go(deployment: Deployment, status: Status, effect: Effect) -> Advance:
    """Go on with an effect."""
    return Advance(replace(deployment, status=status, effect=effect))


def stage_of(deployment: Deployment) -> Stage:
    """The stage that it is in."""
    return deployment.course.stages[deployment.stage]


def _announcement(
    deployment: Deployment, kind: str, words: str, data: Mapping[str, Any]
) -> Announcement:
    about = {"app": deployment.app, "environment": deployment.environment}
    return Announcement(kind, words, about | {"release": deployment.release} | dict(data))
