"""Where traces, metrics and logs of an environment go, and how long its own store keeps them.

Part of an environment's declaration; read by the local target, which has a store of its own, and by
whoever renders Envoys.
"""

from __future__ import annotations

from pydantic import Field

from fairway.model.services import Declared
from fairway.model.values import Flag, Number, Size, SomeTime

_DAY = 86_400.0
EVERYTHING = 100.0
"""Percent of traces where they are kept on the spot: what is not asked for is thinned out later."""
A_SAMPLE = 10.0
"""Percent of traces where they are sent away."""


class Kept(Declared):
    """How long the store of an environment keeps what.

    Everything within `full`; then traces with an error or a denial, slow ones, and `rate` percent
    of the rest, up to `sampled`. When the store is larger than `size`, the oldest goes first.
    """

    full: SomeTime = Field(_DAY, description="as long as everything is kept")
    sampled: SomeTime = Field(
        30 * _DAY, description="as long as errors, denials, slow traces and a sample are kept"
    )
    size: Size = Field(2 * 2**30, description="the largest the store may get")
    rate: Number = Field(
        10.0, ge=0, le=100, description="percent of the ordinary traces that outlive `full`"
    )
    slow: SomeTime | None = Field(
        None, description="a trace that takes longer is kept; absent: slower than most of its kind"
    )


class Telemetry(Declared):
    """Traces, metrics and logs by OTLP: the store on this machine, and where else they go."""

    enabled: Flag = Field(
        True, description="target local keeps telemetry itself; false: it is only sent to `otlp`"
    )
    otlp: str | None = Field(
        None,
        pattern=r"^https?://",
        description="an OTLP/HTTP endpoint that gets everything, unchanged",
    )
    sampling: Number | None = Field(
        None,
        ge=0,
        le=100,
        description="percent of traces that are recorded; absent: all on target local, else 10",
    )
    store: Kept = Field(Kept(), description="how long the store on this machine keeps what")

    def share(self, *, kept_here: bool) -> float:
        """Percent of traces to record, where they are kept on the spot or not."""
        if self.sampling is not None:
            return self.sampling
        return EVERYTHING if kept_here else A_SAMPLE
