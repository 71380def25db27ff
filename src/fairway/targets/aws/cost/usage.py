"""What the app file assumes about a month, ready for pricing. Pure.

Traffic is assumed to reach the leading region: the others take over when it fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairway.model.app import App

GB = 10**9
"""AWS bills traffic and logs by the gigabyte of 10^9 bytes in its price lists' examples."""
HOURS = 730.0
"""Hours of a month, as in AWS's own calculator."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Assumptions by subject and key. `used` collects what was asked for, to tell the rest."""

    assumed: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(self, subject: str, key: str, default: float = 0.0) -> float:
        """An assumption, or the default."""
        return float(self.assumed.get(subject, {}).get(key, default))

    def says(self, subject: str, key: str) -> bool:
        """Whether it is assumed, be it as zero."""
        return key in self.assumed.get(subject, {})

    def gigabytes(self, subject: str, key: str) -> float:
        """An assumption in bytes, as gigabytes."""
        return self.of(subject, key) / GB

    def responses(self, subject: str) -> float:
        """Gigabytes that a service answers in a month."""
        return self.of(subject, "requests") * self.of(subject, "response") / GB

    @property
    def subjects(self) -> tuple[str, ...]:
        """Whom something is assumed of."""
        return tuple(sorted(self.assumed))


def usage_of(app: App, environment: str, *, leads: bool) -> Usage:
    """The assumptions for one region."""
    declared = app.environments[environment].cost.usage
    if leads:
        return Usage({subject: dict(keys) for subject, keys in declared.items()})
    return Usage({subject: _everywhere(keys) for subject, keys in declared.items()})


def _everywhere(keys: Mapping[str, float]) -> dict[str, float]:
    """What holds in regions without traffic, too: there the rest is assumed to be zero."""
    return {key: value if key == "replicas" else 0.0 for key, value in keys.items()}
