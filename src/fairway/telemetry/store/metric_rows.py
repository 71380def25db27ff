"""Metric points as rows of the segment that is being written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics

from fairway.telemetry.otlp.metrics import MetricKey, Point, Sample, count_of, key_of, points_of
from fairway.telemetry.store.segment import SegmentWriter

_LATEST = (1 << 62) - 1
"""A later time is this one: SQLite has integers of 64 bits with a sign, OTLP without."""
_MOST = 1 << 62
_MOST_SERIES = 50_000
"""Series that are remembered; with more, each is looked up again."""


class MetricRows:
    """Appends points to a segment."""

    def __init__(self, segment: SegmentWriter) -> None:
        self._segment = segment
        self._metrics: dict[MetricKey, int] = {}
        self._series: dict[tuple[int, int, str], int] = {}

    def points(self, groups: Iterable[ResourceMetrics], now: int) -> tuple[int, int]:
        """Append the points of a request: how many were taken, how many are of no known kind."""
        rows: list[tuple[Any, ...]] = []
        samples: list[tuple[Any, ...]] = []
        rejected = 0
        for group in groups:
            source = self._segment.sources.of_resource(group.resource)
            for scoped in group.scope_metrics:
                for metric in scoped.metrics:
                    key = key_of(metric)
                    if key is None:
                        rejected += count_of(metric)
                    else:
                        self._metric(metric, key, source, now, rows, samples)
        self._segment.insert("insert or replace into points values (?, ?, ?, ?, ?, ?)", rows)
        self._segment.insert("insert into exemplars values (?, ?, ?, ?, ?)", samples)
        self._segment.rows += len(rows)
        return len(rows), rejected

    def _metric(  # noqa: PLR0913, PLR0917 - the last two are where the rows go
        self,
        metric: Metric,
        key: MetricKey,
        source: int,
        now: int,
        rows: list[tuple[Any, ...]],
        samples: list[tuple[Any, ...]],
    ) -> None:
        number = self._metric_number(key, metric.description)
        for point in points_of(metric):
            if math.isnan(point.value):
                continue
            series = self._series_number(number, source, point.attributes)
            rows.append(_row(series, point, now))
            samples.extend(_sample_row(series, sample) for sample in point.exemplars)

    def _metric_number(self, key: MetricKey, description: str) -> int:
        if key not in self._metrics:
            values = (key.name, key.kind, key.unit, int(key.monotonic), int(key.cumulative))
            row = self._segment.execute(
                "select id from metrics where name = ? and kind = ? and unit = ?"
                " and monotonic = ? and cumulative = ?",
                values,
            ).fetchone()
            self._metrics[key] = row[0] if row else self._new_metric(values, description)
        return self._metrics[key]

    def _new_metric(self, values: tuple[Any, ...], description: str) -> int:
        cursor = self._segment.execute(
            "insert into metrics (name, kind, unit, monotonic, cumulative, description)"
            " values (?, ?, ?, ?, ?, ?)",
            (*values, description),
        )
        return cast(int, cursor.lastrowid)

    def _series_number(self, metric: int, source: int, attributes: str) -> int:
        key = (metric, source, attributes)
        if key not in self._series:
            if len(self._series) >= _MOST_SERIES:
                self._series.clear()
            row = self._segment.execute(
                "select id from series where metric = ? and source = ? and attributes = ?", key
            ).fetchone()
            self._series[key] = row[0] if row else self._new_series(key)
        return self._series[key]

    def _new_series(self, key: tuple[int, int, str]) -> int:
        cursor = self._segment.execute(
            "insert into series (metric, source, attributes) values (?, ?, ?)", key
        )
        return cast(int, cursor.lastrowid)


def _row(series: int, point: Point, now: int) -> tuple[Any, ...]:
    at = min(point.at or now, _LATEST)
    return series, at, min(point.start, at), point.value, min(point.count, _MOST), point.buckets


def _sample_row(series: int, sample: Sample) -> tuple[Any, ...]:
    return series, min(sample.at, _LATEST), sample.value, sample.trace, sample.span
