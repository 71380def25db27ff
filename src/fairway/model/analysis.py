"""What is compared between the new and the old version, and how much worse is tolerated.

Read by `delivery.strategies.analysis_policy`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fairway.model.services import Declared
from fairway.model.values import Duration, Name, Number, Whole


class Metric(Declared):
    """A ratio of two counters that a service exports, compared like the error rate."""

    name: Name = Field(description="how it is called in verdicts")
    service: Name = Field(description="the service that exports the counters")
    hits: str = Field(min_length=1, description="the Prometheus counter above the line")
    total: str = Field(min_length=1, description="the Prometheus counter below the line")
    worse: Literal["more", "fewer"] = Field("more", description="which direction is bad")
    margin: Number = Field(
        1.0, gt=0, le=100, description="the difference that is tolerated, in percent points"
    )


class Analysis(Declared):
    """When a new version is worse than the one beside it."""

    errors: Number = Field(
        1.0, gt=0, le=100, description="tolerated difference of error rates, in percent points"
    )
    latency: Number = Field(
        30.0, gt=0, le=1000, description="tolerated growth of the 95th percentile, in percent"
    )
    minimum: Whole = Field(
        50, ge=1, description="requests of the new version at least, before it may pass"
    )
    warm_up: Duration = Field(5.0, description="how long the first answers are left out")
    metrics: tuple[Metric, ...] = Field((), description="ratios of your own, by name")
