"""Where an app is deployed to, and how a change gets there.

Read by the plan, the delivery engine and the targets. `overrides` stays as the user wrote it:
`views.environment_view` merges it into the services, and loading has validated the result.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from fairway.model.services import Declared
from fairway.model.values import Duration, Name, Number, Whole

Target = Literal[
    "local",
    "compose",
    "kubernetes",
    "aws-ecs",
    "aws-lambda",
    "azure-functions",
    "gcp-run",
    "cloudflare-workers",
]


class Rolling(Declared):
    """Replace replicas a few at a time."""

    batch: Whole = Field(1, ge=1, description="replicas replaced at a time")
    bake: Duration = Field(0.0, description="how long a batch is watched before the next")


class BlueGreen(Declared):
    """Start the new version beside the old one and switch all traffic at once."""

    bake: Duration = Field(60.0, description="how long the old version stays ready to take over")


class Canary(Declared):
    """Shift traffic in steps (percent of requests), measuring for `bake` at each."""

    steps: tuple[Whole, ...] = Field(
        (5, 25, 50), description="percent of requests at each step, increasing, 1 to 99"
    )
    bake: Duration = Field(60.0, description="how long each step is measured")


class Strategy(Declared):
    """Exactly one of the three ways to ship a change; none means `rolling`."""

    rolling: Rolling | None = Field(None, description="replace replicas a few at a time")
    blue_green: BlueGreen | None = Field(None, description="switch all traffic at once")
    canary: Canary | None = Field(None, description="shift traffic in measured steps")


class Gateway(Declared):
    """Where the public routes are served. Locally 8080 unless taken."""

    port: Whole | None = Field(None, ge=1, le=65535, description="the port it listens on")


class Telemetry(Declared):
    """Where traces and metrics go, and how many traces are sampled (percent)."""

    otlp: str | None = Field(
        None, pattern=r"^https?://", description="where traces and metrics are sent by OTLP"
    )
    sampling: Number = Field(10.0, ge=0, le=100, description="percent of traces that are kept")


class Environment(Declared):
    """A named place: target, regions, strategy, approvals, and what differs there."""

    target: Target = Field("local", description="the adapter for where it runs")
    regions: tuple[str, ...] = Field((), description="regions of the target, the first leads")
    strategy: Strategy = Field(Strategy(), description="how a change gets there: one of three")
    approvals: Whole = Field(0, ge=0, le=10, description="people who must agree to a change")
    gateway: Gateway = Field(Gateway(), description="where the public routes are served")
    telemetry: Telemetry = Field(Telemetry(), description="where traces and metrics go")
    overrides: dict[Name, dict[str, Any]] = Field(
        {}, description="per service: the keys that differ here, merged over the declared ones"
    )
