"""Where an app is deployed to, and how a change gets there.

Read by the plan, the delivery engine and the targets. `overrides` stays as the user wrote it:
`views.environment_view` merges it into the services, and loading has validated the result.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from fairway.model.analysis import Analysis
from fairway.model.aws import Aws
from fairway.model.cost import Cost
from fairway.model.flags import FeatureFlag
from fairway.model.gates import Approvals, Freeze, ShortApprovals, Window
from fairway.model.hooks import Hooks
from fairway.model.notify import Notification
from fairway.model.services import Declared
from fairway.model.strategies import Strategy
from fairway.model.telemetry import Telemetry
from fairway.model.values import BaseUrl, Name, Whole

Target = Literal[
    "local",
    "memory",
    "compose",
    "kubernetes",
    "aws-ecs",
    "aws-lambda",
    "azure-functions",
    "gcp-run",
    "cloudflare-workers",
]


class Gateway(Declared):
    """Where the public routes are served. Locally 8080 unless taken."""

    port: Whole | None = Field(None, ge=1, le=65535, description="the port it listens on")


class Environment(Declared):
    """A named place: target, regions, how a change gets there, and what differs there."""

    target: Target = Field("local", description="the adapter for where it runs")
    regions: tuple[str, ...] = Field((), description="regions of the target, the first leads")
    strategy: Strategy = Field(Strategy(), description="how a change gets there: one of three")
    approvals: ShortApprovals = Field(
        Approvals(), description="how many people must agree to a change, or who and how many"
    )
    windows: tuple[Window, ...] = Field((), description="when changes may happen; absent: always")
    freezes: tuple[Freeze, ...] = Field((), description="days on which nothing is changed")
    hooks: Hooks = Field(Hooks(), description="what else is done on the way of a change")
    analysis: Analysis = Field(
        Analysis(), description="how much worse a new version may be than the one beside it"
    )
    notify: tuple[Notification, ...] = Field((), description="who is told of what happens here")
    server: BaseUrl | None = Field(
        None, description="the control plane of a shared environment: https://…"
    )
    retention: Whole = Field(
        50, ge=1, le=10_000, description="releases kept; those still in use are kept as well"
    )
    gateway: Gateway = Field(Gateway(), description="where the public routes are served")
    telemetry: Telemetry = Field(
        Telemetry(), description="where traces, metrics and logs go, and what is kept"
    )
    flags: dict[Name, FeatureFlag] = Field(
        {}, description="feature flags that are different here, by name"
    )
    aws: Aws = Field(Aws(), description="what only AWS needs to be told")
    cost: Cost = Field(
        Cost(), description="what it may cost, and how much it is assumed to be used"
    )
    overrides: dict[Name, dict[str, Any]] = Field(
        {}, description="per service: the keys that differ here, merged over the declared ones"
    )

    @property
    def keeps_telemetry(self) -> bool:
        """Whether telemetry is received and kept on the machine where it runs."""
        return self.target == "local" and self.telemetry.enabled
