"""When an alert is told, and when its end: once each, however often one looks. Pure.

`control/objectives.py` looks every few seconds, keeps what `follow` returns, and says what is to be
said. An alert is told when it begins and when it gets worse; its end once it has been quiet for a
while, so that a burn that comes and goes with every few requests is one alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from fairway.telemetry.port import SloStatus
from fairway.telemetry.slo import Severity

QUIET: Final = 60.0
"""So many seconds without an alert end it."""
Key = tuple[str, str, float]
"""Name, kind and objective: an SLO may promise several things."""


@dataclass(frozen=True, slots=True)
class Burning:
    """An alert that was told and is not over. `severity` is the worst it was."""

    severity: Severity
    since: float
    seen_at: float


@dataclass(frozen=True, slots=True)
class Change:
    """An alert began or got worse (`burning`), or is over (`recovered`)."""

    kind: Literal["burning", "recovered"]
    severity: Severity
    status: SloStatus
    since: float


def follow(
    before: Mapping[Key, Burning], found: Iterable[SloStatus], now: float
) -> tuple[dict[Key, Burning], tuple[Change, ...]]:
    """What burns now, and what is to be said of it.

    An alert whose objective is declared no longer ends without a word.
    """
    after: dict[Key, Burning] = {}
    changes: list[Change] = []
    for status in found:
        key = key_of(status)
        known = before.get(key)
        if status.alert:
            after[key] = _burns(known, status.alert, now)
            if known is None or after[key].severity != known.severity:
                changes.append(Change("burning", status.alert, status, after[key].since))
        elif known is not None and now - known.seen_at < QUIET:
            after[key] = known
        elif known is not None:
            changes.append(Change("recovered", known.severity, status, known.since))
    return after, tuple(changes)


def key_of(status: SloStatus) -> Key:
    """What an alert is about."""
    return status.name, status.kind, status.objective


def _burns(known: Burning | None, alert: Severity, now: float) -> Burning:
    if known is None:
        return Burning(alert, now, now)
    worst: Severity = "critical" if "critical" in (alert, known.severity) else "warning"
    return Burning(worst, known.since, now)
