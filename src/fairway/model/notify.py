"""Who is told of what happens in an environment.

Read by `delivery.notify`. Addresses that are secrets themselves, and keys, are named here and never
written: their values are set with `fairway secrets set`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fairway.model.services import Declared
from fairway.model.values import HttpUrl, VariableName

EventName = Literal[
    "DeploymentQueued",
    "DeploymentStarted",
    "PlanConfirmed",
    "DeploymentReplanned",
    "ApprovalRequested",
    "ApprovalGiven",
    "DeploymentRejected",
    "VersionStarted",
    "PoliciesGoverned",
    "WeightShifted",
    "AnalysisCompleted",
    "DeploymentPaused",
    "DeploymentResumed",
    "DeploymentPromoted",
    "HookCompleted",
    "DeploymentSucceeded",
    "RollbackStarted",
    "DeploymentRolledBack",
    "DeploymentFailed",
    "DeploymentCancelled",
    "EmergencyOverride",
    "DriftDetected",
    "DriftRepaired",
    "PolicyActivated",
]
"""What can be listened to; a test holds it equal to `delivery.events.TYPES`."""


class Notification(Declared):
    """One listener: a webhook, a Slack-compatible endpoint or the event bus."""

    webhook: HttpUrl | None = Field(None, description="an address that events are posted to")
    secret: VariableName | None = Field(
        None, description="the secret that webhooks are signed with"
    )
    slack: VariableName | None = Field(
        None, description="the secret that holds the address of a Slack-compatible endpoint"
    )
    bus: str | None = Field(
        None, pattern=r"^(nats|tls)://[^\s]+$", description="the event bus: nats://…"
    )
    events: tuple[EventName, ...] = Field((), description="only these; absent: every event")
