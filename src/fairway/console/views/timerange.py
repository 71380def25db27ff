"""The stretch of time that a page shows, as its address says it, and in what steps.

`since=1h` ends now and moves on; with `until` it stays. Both are a duration ago, Unix seconds, or a
time in UTC. Pure: now arrives as an argument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from fairway.console.views.links import Address
from fairway.errors import InvalidInput
from fairway.model.values import Misfit, parse_duration

PRESETS = ("5m", "15m", "1h", "6h", "24h", "7d", "30d")
DEFAULT = "15m"
STEPS = (10, 30, 60, 300, 900, 3600, 10_800, 43_200, 86_400)
"""Seconds; the first is that of the rollups of requests."""
_POINTS = 180


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From and until in Unix seconds. `moving`: its end is now; `name` is what was asked for."""

    since: float
    until: float
    moving: bool
    name: str = ""

    @property
    def length(self) -> float:
        """In seconds."""
        return self.until - self.since

    @property
    def step(self) -> float:
        """Seconds between two points of a chart, so that there are at most a few hundred."""
        wanted = self.length / _POINTS
        return float(next((step for step in STEPS if step >= wanted), STEPS[-1]))


def time_range(address: Address, now: float, default: str = DEFAULT) -> TimeRange:
    """What an address asks for. Raises InvalidInput for what is no time."""
    since, until = address.get("since", default), address.get("until")
    end = moment_of(until, now) if until else now
    start = moment_of(since, now)
    if start >= end:
        raise InvalidInput(
            "empty-time-range",
            "the time range ends before it begins",
            where="since, until",
            remedy="give a `since` that is earlier than `until`",
        )
    return TimeRange(start, end, moving=not until, name="" if until else since)


def moment_of(text: str, now: float) -> float:
    """Unix seconds, `2026-11-21T08:00` (UTC unless it says otherwise), or a duration ago."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value) and 0 <= value < 1e11:
        return value
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return now - parse_length(text)


def parse_length(text: str, where: str = "since, until") -> float:
    """Seconds of `15m`, `200ms`, `7d`; a bare number is seconds."""
    try:
        return max(float(text) if _is_number(text) else parse_duration(text), 1e-6)
    except Misfit as error:
        raise InvalidInput(
            "unknown-time",
            f"`{text}` is no time",
            where=where,
            remedy="write a duration like 15m or 200ms, or a time like 2026-11-21T08:00",
        ) from error


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()
