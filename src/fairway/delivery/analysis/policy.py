"""What counts as worse, and how sure one has to be: the dials of an analysis, all with defaults.

Two thresholds frame every comparison. A difference up to the *margin* does not fail a release,
however much traffic proves it; one beyond the *tolerance* does not pass. For what lies between, the
verdict is what the traffic makes certain first, and harm comes before its absence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from fairway.errors import InvalidInput

ERRORS_SHARE = 0.75
"""The errors' part of `alpha`: a blatantly broken release must fall after two bad answers."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A user metric: `hits` out of `total`, such as orders that were paid.

    `worse` says which way is bad. A change for the worse up to `margin` (as a share) never fails,
    one beyond `tolerance` never passes.
    """

    name: str
    worse: Literal["up", "down"] = "up"
    margin: float = 0.001
    tolerance: float = 0.01


@dataclass(frozen=True, slots=True)
class Limits:
    """Absolute limits from SLOs, as shares and seconds; None: no such limit."""

    availability: float | None = None
    p95: float | None = None
    p99: float | None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(limit is not None for limit in (self.availability, self.p95, self.p99))


@dataclass(frozen=True, slots=True)
class AnalysisPolicy:
    """How a candidate is judged against the stable version beside it.

    - `alpha`: the chance, over a whole rollout and however often one looks, of failing a release
      that is no worse; `beta` of passing one that is worse by the tolerance
    - `error_margin`, `error_tolerance`: differences in the share of failed answers
    - `latency_quantiles`: which are compared; `latency_margin`, `latency_tolerance`: how much
      slower, as a share of the stable version's; a difference below `latency_floor` seconds never
      fails a release
    - `limits`, `ratios`: the SLOs and the user metrics
    - `warm_up`: seconds at the start of each step that count for errors only
    - `minimum`: candidate requests below which nothing passes and nothing is called harmless
    - `suspicion`: nor is a release harmless while its looking so bad has a smaller chance than this
    """

    alpha: float = 0.01
    beta: float = 0.05
    error_margin: float = 0.001
    error_tolerance: float = 0.01
    latency_quantiles: tuple[float, ...] = (0.5, 0.95)
    latency_margin: float = 0.10
    latency_tolerance: float = 0.30
    latency_floor: float = 0.002
    limits: Limits = Limits()
    ratios: tuple[Ratio, ...] = ()
    warm_up: float = 5.0
    minimum: int = 50
    suspicion: float = 0.05

    def __post_init__(self) -> None:
        """Refuse dials that contradict each other."""
        for name, chance in (("alpha", self.alpha), ("beta", self.beta)):
            if not 0 < chance < 1:
                raise _refused(f"{name} is {chance}", f"set {name} to a chance, such as 0.01")
        for name, margin, tolerance in self._frames:
            if not 0 <= margin <= tolerance:
                raise _refused(
                    f"the margin of {name} is {margin}, not from 0 to the tolerance {tolerance}",
                    "lower the margin, or tolerate more",
                )
        if not all(0 < quantile < 1 for quantile in self.latency_quantiles):
            raise _refused("a latency quantile is not between 0 and 1", "write p95 as 0.95")

    @property
    def alpha_errors(self) -> float:
        """The errors' part of `alpha`; all parts together are `alpha`, whatever depends on what."""
        return self.alpha * ERRORS_SHARE if self._others else self.alpha

    @property
    def alpha_other(self) -> float:
        """The part of `alpha` of each other check."""
        return self.alpha * (1 - ERRORS_SHARE) / max(1, self._others)

    @property
    def _frames(self) -> tuple[tuple[str, float, float], ...]:
        return (
            ("errors", self.error_margin, self.error_tolerance),
            ("latency", self.latency_margin, self.latency_tolerance),
            *((ratio.name, ratio.margin, ratio.tolerance) for ratio in self.ratios),
        )

    @property
    def _others(self) -> int:
        return len(self.latency_quantiles) + self.limits.count + len(self.ratios)

    def for_one_of(self, services: int) -> AnalysisPolicy:
        """For each of several services that are judged together: `alpha` is for all of them."""
        return replace(self, alpha=self.alpha / max(1, services))


def _refused(message: str, remedy: str) -> InvalidInput:
    return InvalidInput("bad-analysis-policy", message, where="analysis", remedy=remedy)
