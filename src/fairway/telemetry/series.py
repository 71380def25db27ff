"""Metrics over time: points as they were received become steps. Pure.

Cumulative sums and histograms become increases first: the difference to the point before; a value
that fell, or a new start time, means that the process began anew, and counts from zero. (The
Prometheus query `increase` does the same, but guesses beyond the points; here nothing is guessed.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from fairway.telemetry.histograms import Bucket, percentiles
from fairway.telemetry.port import MetricPoint

_SHARES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Reading:
    """A stored point. Times are seconds; `value` is the sum in a histogram."""

    at: float
    start: float
    value: float
    count: float = 0.0
    buckets: tuple[Bucket, ...] = ()


@dataclass(slots=True)
class Step:
    """What fell into one step of time."""

    value: float = 0.0
    count: float = 0.0
    readings: int = 0
    buckets: list[Bucket] = field(default_factory=list)


def increases(readings: Sequence[Reading], counts_from: float) -> list[Reading]:
    """What was added with each point of a cumulative series, the oldest first.

    The first point has none before it: it counts in full if its series began at or after
    `counts_from` (then nothing was missed), else it only is what the next one is compared with.
    """
    found = [readings[0]] if readings and readings[0].start >= counts_from > 0 else []
    found.extend(_difference(before, after) for before, after in pairwise(readings))
    return found


def _difference(before: Reading, after: Reading) -> Reading:
    began_anew = after.start > before.start and after.start >= before.at
    if began_anew or after.value < before.value or after.count < before.count:
        return after
    earlier: dict[tuple[float, float], float] = defaultdict(float)
    for bucket in before.buckets:
        earlier[bucket.lower, bucket.upper] += bucket.count
    left = (
        Bucket(b.lower, b.upper, max(0.0, b.count - earlier[b.lower, b.upper]))
        for b in after.buckets
    )
    return Reading(
        after.at,
        after.start,
        after.value - before.value,
        after.count - before.count,
        tuple(bucket for bucket in left if bucket.count > 0),
    )


def stepped(readings: Iterable[Reading], since: float, step: float) -> dict[int, Step]:
    """Readings by the step that they fall into, counted from `since`."""
    steps: dict[int, Step] = {}
    for reading in readings:
        entry = steps.setdefault(int((reading.at - since) // step), Step())
        entry.value += reading.value
        entry.count += reading.count
        entry.readings += 1
        entry.buckets.extend(reading.buckets)
    return steps


def summed(parts: Iterable[Mapping[int, Step]]) -> dict[int, Step]:
    """Several series as one."""
    total: dict[int, Step] = {}
    for part in parts:
        for number, step in part.items():
            entry = total.setdefault(number, Step())
            entry.value += step.value
            entry.count += step.count
            entry.readings += step.readings
            entry.buckets.extend(step.buckets)
    return total


def means(steps: Mapping[int, Step]) -> dict[int, Step]:
    """The mean of each step of a gauge: of several readings in a step one is made."""
    return {
        number: Step(step.value / step.readings, 0.0, 1) for number, step in steps.items()
    }  # fmt: skip


def value_points(steps: Mapping[int, Step], since: float, step: float) -> tuple[MetricPoint, ...]:
    """Points of a gauge or of a sum that may fall."""
    return tuple(MetricPoint(since + n * step, steps[n].value) for n in sorted(steps))


def rate_points(steps: Mapping[int, Step], since: float, step: float) -> tuple[MetricPoint, ...]:
    """Points of a counter: per second."""
    return tuple(MetricPoint(since + n * step, steps[n].value / step) for n in sorted(steps))


def histogram_points(
    steps: Mapping[int, Step], since: float, step: float
) -> tuple[MetricPoint, ...]:
    """Points of a histogram: observations per second, and percentiles."""
    return tuple(
        MetricPoint(
            since + n * step, steps[n].count / step, *percentiles(steps[n].buckets, _SHARES)
        )
        for n in sorted(steps)
    )
