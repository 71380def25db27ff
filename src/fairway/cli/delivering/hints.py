"""What to do while a deployment goes on but gets nowhere. Pure; both views show it."""

from __future__ import annotations

from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Watching

_SILENCE = 4.0
"""Seconds at a stage without a request after which somebody may begin to wonder."""


def without_requests(deployment: Deployment, watching: Watching | None) -> str:
    """How to go on where nobody asks the new version anything; empty where somebody does."""
    if watching is None or deployment.effect is None or deployment.effect.step != "watch":
        return ""
    judged = deployment.course.stages[watching.stage].judged
    answered = any(v.requests for v in watching.versions if v.version == deployment.cohort)
    if answered or not judged or watching.at - watching.since < _SILENCE:
        return ""
    named = f"{deployment.id} --env {deployment.environment}"
    return (
        "it waits for requests: send some (fairway load sends a steady rate), "
        f"or go on without a verdict: fairway promote {named}"
    )
