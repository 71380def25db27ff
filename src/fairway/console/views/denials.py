"""Denials over time: bars, the spikes among them, and what is denied most. Pure.

Read from the audit log, which holds every decision of every service.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fairway.control.recorded import AuditEntry

BARS = 60
WIDTH, HEIGHT = 600.0, 72.0
_LEAST = 5
"""Denials that a bar needs to count as a spike."""
_SIGMAS = 3.0
_MOST = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """Denials of some seconds, and where it is drawn."""

    since: float
    until: float
    count: int
    x: float
    y: float
    width: float
    height: float
    spike: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """A call that is denied again and again; `reason` and `at` are those of the last time."""

    caller: str
    service: str
    intent: str
    count: int
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Denials:
    """Everything about a span of time. `full`: there were more than could be looked at."""

    bars: tuple[Bar, ...]
    top: int
    total: int
    spikes: int
    most: tuple[Denied, ...]
    full: bool


def denials(entries: Sequence[AuditEntry], since: float, until: float, limit: int) -> Denials:
    """What `entries` (denials only, at most `limit`) say about the time from `since` to `until`."""
    counts = [0] * BARS
    step = (until - since) / BARS
    inside = [each for each in entries if since <= each.at < until]
    for each in inside:
        counts[min(int((each.at - since) / step), BARS - 1)] += 1
    threshold = _threshold(counts)
    top = max(counts)
    bars = tuple(
        _bar(
            index, count, top, (since + index * step, since + (index + 1) * step), count > threshold
        )
        for index, count in enumerate(counts)
    )
    spikes = sum(bar.spike for bar in bars)
    return Denials(bars, top, len(inside), spikes, _most(inside), len(entries) >= limit)


def _threshold(counts: Sequence[int]) -> float:
    """More than this is a spike: three standard deviations of a Poisson process above its rate.

    The rate is that of the quieter half, so that a spike does not hide itself.
    """
    quiet = sorted(counts)[: max(1, len(counts) // 2)]
    mean = sum(quiet) / len(quiet)
    return max(_LEAST - 1, mean + _SIGMAS * math.sqrt(mean))


def _bar(index: int, count: int, top: int, span: tuple[float, float], spike: bool) -> Bar:
    width = WIDTH / BARS
    height = round(HEIGHT * count / top, 1) if top else 0.0
    return Bar(
        *span, count, round(index * width + 0.5, 1), round(HEIGHT - height, 1),
        round(width - 1, 1), height, spike,
    )  # fmt: skip


def _most(entries: Sequence[AuditEntry]) -> tuple[Denied, ...]:
    counted = Counter((each.caller, each.service, each.intent) for each in entries)
    last = {(each.caller, each.service, each.intent): each for each in entries}
    return tuple(
        Denied(*call, count, last[call].reason, last[call].at)
        for call, count in counted.most_common(_MOST)
    )
