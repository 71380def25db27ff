"""Where an app is deployed to, and how a change gets there."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from fairway.model.services import Declared
from fairway.model.values import Duration, Name

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

    batch: int = Field(1, ge=1)
    bake: Duration = 0.0


class BlueGreen(Declared):
    """Start the new version beside the old one and switch all traffic at once."""

    bake: Duration = 60.0


class Canary(Declared):
    """Shift traffic in steps (percent of requests), measuring for `bake` at each."""

    steps: tuple[int, ...] = (5, 25, 50)
    bake: Duration = 60.0


class Strategy(Declared):
    """Exactly one of the three ways to ship a change; none means `rolling`."""

    rolling: Rolling | None = None
    blue_green: BlueGreen | None = None
    canary: Canary | None = None


class Gateway(Declared):
    """Where the public routes are served. Locally 8080 unless taken."""

    port: int | None = Field(None, ge=1, le=65535)


class Telemetry(Declared):
    """Where traces and metrics go, and how many traces are sampled (percent)."""

    otlp: str | None = Field(None, pattern=r"^https?://")
    sampling: float = Field(10.0, ge=0, le=100)


class Environment(Declared):
    """A named place: target, regions, strategy, approvals, and what differs there."""

    target: Target = "local"
    regions: tuple[str, ...] = ()
    strategy: Strategy = Strategy()
    approvals: int = Field(0, ge=0, le=10)
    gateway: Gateway = Gateway()
    telemetry: Telemetry = Telemetry()
    overrides: dict[Name, dict[str, Any]] = Field(
        {}, description="per service: the keys that differ here, merged over the declared ones"
    )
