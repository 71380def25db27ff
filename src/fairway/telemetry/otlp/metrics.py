"""Metrics of OTLP as rows of the store: gauges, sums, histograms of both kinds.

Counts of buckets are kept as they came, as JSON: `{"b": bounds, "c": counts}`, or for exponential
ones `{"s": scale, "z": zeros, "t": zero threshold, "o": offset, "p": counts, "q": offset of the
negative, "n": counts}`. `fairway.telemetry.histograms` reads them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from fairway.telemetry.otlp.values import attributes_of, json_of
from fairway.telemetry.port import MetricKind

_CUMULATIVE = pb.AGGREGATION_TEMPORALITY_CUMULATIVE
_NO_VALUE = pb.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK


@dataclass(frozen=True, slots=True)
class MetricKey:
    """What makes a metric one metric. A counter is `monotonic`; a gauge is neither."""

    name: str
    kind: MetricKind
    unit: str
    monotonic: bool
    cumulative: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """An exemplar: one observation with the trace that it belongs to."""

    at: int
    value: float
    trace: bytes
    span: bytes


@dataclass(frozen=True, slots=True)
class Point:
    """A data point. Times are Unix nanoseconds; `value` is the sum in a histogram."""

    attributes: str
    at: int
    start: int
    value: float
    count: int = 0
    buckets: str = ""
    exemplars: tuple[Sample, ...] = field(default_factory=tuple)


def key_of(metric: pb.Metric) -> MetricKey | None:
    """What the metric is; None for summaries and for what a newer OTLP may bring."""
    match metric.WhichOneof("data"):
        case "gauge":
            return MetricKey(metric.name, "gauge", metric.unit, False, False)
        case "sum":
            found = metric.sum
            cumulative = found.aggregation_temporality == _CUMULATIVE
            return MetricKey(metric.name, "sum", metric.unit, found.is_monotonic, cumulative)
        case "histogram":
            cumulative = metric.histogram.aggregation_temporality == _CUMULATIVE
            return MetricKey(metric.name, "histogram", metric.unit, True, cumulative)
        case "exponential_histogram":
            cumulative = metric.exponential_histogram.aggregation_temporality == _CUMULATIVE
            return MetricKey(metric.name, "histogram", metric.unit, True, cumulative)
        case _:
            return None


def points_of(metric: pb.Metric) -> Iterator[Point]:
    """Its data points; those that say that there is no value are left out."""
    kind = metric.WhichOneof("data")
    points = () if kind is None else getattr(metric, kind).data_points
    for point in points:
        if point.flags & _NO_VALUE:
            continue
        match kind:
            case "histogram":
                yield _point(point, point.sum, point.count, _explicit(point))
            case "exponential_histogram":
                yield _point(point, point.sum, point.count, _exponential(point))
            case _:
                yield _point(point, _number(point), 0, "")


def count_of(metric: pb.Metric) -> int:
    """How many data points it has, of whatever kind."""
    kind = metric.WhichOneof("data")
    return 0 if kind is None else len(getattr(metric, kind).data_points)


def _point(point: Any, value: float, count: int, buckets: str) -> Point:
    return Point(
        json_of(attributes_of(point.attributes)),
        point.time_unix_nano,
        point.start_time_unix_nano,
        float(value),
        count,
        buckets,
        tuple(_samples(point.exemplars)),
    )


def _number(point: Any) -> float:
    return float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)


def _samples(exemplars: Iterable[Any]) -> Iterator[Sample]:
    for exemplar in exemplars:
        if len(exemplar.trace_id) == 16:
            yield Sample(
                exemplar.time_unix_nano, _number(exemplar), exemplar.trace_id, exemplar.span_id
            )


def _explicit(point: Any) -> str:
    counts, bounds = list(point.bucket_counts), list(point.explicit_bounds)
    if len(counts) == len(bounds) + 1 and bounds and bounds[-1] == math.inf:
        bounds.pop()  # some write down that the last bucket has no end
        counts.append(counts.pop() + counts.pop())
    if len(counts) != len(bounds) + 1 or not all(map(math.isfinite, bounds)):
        return ""
    return json.dumps({"b": bounds, "c": counts}, separators=(",", ":"))


def _exponential(point: Any) -> str:
    content = {
        "s": point.scale, "z": point.zero_count, "t": point.zero_threshold,
        "o": point.positive.offset, "p": list(point.positive.bucket_counts),
        "q": point.negative.offset, "n": list(point.negative.bucket_counts),
    }  # fmt: skip
    return json.dumps(content, separators=(",", ":"))
