"""How a change takes over the traffic: the three strategies as the user declares them.

Read by `delivery.strategies`, which settles one into the stages of a deployment.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from fairway.model.services import Declared
from fairway.model.values import Duration, SomeTime, Whole, matching

STICKY_PATTERN = r"^(cookie|none|header:[A-Za-z0-9-]+)$"

Sticky = Annotated[
    str,
    BeforeValidator(
        matching(
            STICKY_PATTERN,
            "does not say what users are recognised by",
            "write cookie, none, or a header that every request of a user has: header:x-user",
        )
    ),
    WithJsonSchema({"type": "string", "pattern": STICKY_PATTERN}),
]
"""`cookie`, `none` or `header:<name>`."""


class Rolling(Declared):
    """Replace replicas a few at a time."""

    surge: Whole = Field(1, ge=0, le=1000, description="replicas beyond the declared number")
    unavailable: Whole = Field(
        0, ge=0, le=1000, description="replicas of the declared number that may be missing"
    )
    bake: Duration = Field(0.0, description="how long each part is watched before the next")


class BlueGreen(Declared):
    """Start the new version beside the old one and switch all traffic at once."""

    bake: Duration = Field(60.0, description="how long the old version stays ready to take over")
    preview: Duration = Field(
        0.0, description="how long the new version is asked by header only, before the switch"
    )


class Canary(Declared):
    """Shift traffic in steps (percent of requests), measuring at each."""

    steps: tuple[Whole, ...] = Field(
        (5, 25, 50), description="percent of requests at each step, increasing, 1 to 99"
    )
    bake: Duration = Field(60.0, description="how long each step is measured at least")
    until: Literal["bake", "evidence"] = Field(
        "bake", description="a step ends after its time, or only with enough evidence as well"
    )
    sticky: Sticky = Field(
        "cookie", description="what keeps a user in the canary: cookie, none or header:<name>"
    )
    mirror: Whole = Field(
        0, ge=0, le=100, description="percent of requests copied to the new version at first"
    )
    patience: SomeTime = Field(600.0, description="how long a step may stay without a verdict")
    inconclusive: Literal["pause", "roll_back", "promote"] = Field(
        "pause", description="what happens then"
    )


class Strategy(Declared):
    """Exactly one of the three ways to ship a change; none means `rolling`."""

    rolling: Rolling | None = Field(None, description="replace replicas a few at a time")
    blue_green: BlueGreen | None = Field(None, description="switch all traffic at once")
    canary: Canary | None = Field(None, description="shift traffic in measured steps")

    @property
    def settled(self) -> Strategy:
        """The same with its default filled in: exactly one of the three is there."""
        chosen = self.rolling or self.blue_green or self.canary
        return self if chosen else Strategy(rolling=Rolling())
