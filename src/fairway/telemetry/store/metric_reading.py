"""Answers about metrics: which there are, and one over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from fairway.errors import InvalidInput, NotFound
from fairway.telemetry.histograms import decoded, of_otlp
from fairway.telemetry.otlp.spans import NANO, Origin
from fairway.telemetry.otlp.values import attributes_from_json, matches, text_of
from fairway.telemetry.port import (
    Attributes,
    Exemplar,
    MetricAnswer,
    MetricPoint,
    MetricQuery,
    MetricSeries,
    MetricSummary,
)
from fairway.telemetry.series import (
    Reading,
    Step,
    histogram_points,
    increases,
    means,
    rate_points,
    stepped,
    summed,
    value_points,
)
from fairway.telemetry.store.files import Files, OpenSegment

MOST_STEPS = 5_000
"""Steps that one may ask for at once."""
_MOST_EXEMPLARS = 50
_MOST_KEYS = 20
"""Attributes that are named of a metric: one that puts ids into keys must not flood the page."""


@dataclass(frozen=True, slots=True)
class _Series:
    """One series of one segment. Equal keys in several segments are one series."""

    number: int
    origin: Origin
    attributes_text: str
    attributes: Attributes
    cumulative: bool
    monotonic: bool

    @property
    def key(self) -> tuple[Origin, str, bool]:
        return self.origin, self.attributes_text, self.cumulative


def listed(files: Files, service: str | None) -> tuple[MetricSummary, ...]:
    """All metrics that are stored, by name."""
    found: dict[str, MetricSummary] = {}
    for segment in files.each():
        for summary in _summaries(segment, None):
            if service is None or service in summary.services:
                found[summary.name] = _united(found.get(summary.name), summary)
    return tuple(found[name] for name in sorted(found))


def over_time(files: Files, query: MetricQuery) -> MetricAnswer:
    """One metric in steps."""
    _check(query)
    summary = _known(files, query.name)
    started = _run_starts(files)
    readings: dict[Any, list[Reading]] = defaultdict(list)
    series: dict[Any, _Series] = {}
    exemplars: list[Exemplar] = []
    for segment in files.each(query.run):
        for one in _series(segment, query):
            key = (segment.file.run, *one.key)
            series[key] = one
            readings[key].extend(_readings(segment, one, query))
            exemplars.extend(_exemplars(segment, one, query))
    groups: dict[tuple[str, ...], list[dict[int, Step]]] = defaultdict(list)
    for key, one in series.items():
        since_start = started.get(key[0], 0.0)
        groups[_labels(one, query)].append(_steps(one, readings[key], query, since_start, summary))
    return MetricAnswer(
        summary,
        tuple(_answer(groups, query, _points_of(summary, list(series.values())))),
        tuple(sorted(exemplars, key=lambda found: found.at)[-_MOST_EXEMPLARS:]),
    )


def _steps(
    one: _Series, readings: list[Reading], query: MetricQuery, run_start: float, what: MetricSummary
) -> dict[int, Step]:
    """What one series adds to each step."""
    ordered = sorted(readings, key=lambda reading: reading.at)
    if one.cumulative and one.monotonic:
        ordered = increases(ordered, run_start)
    inside = [reading for reading in ordered if query.since <= reading.at < query.until]
    steps = stepped(inside, query.since, query.step)
    level = what.kind == "gauge" or (what.kind == "sum" and not one.monotonic and one.cumulative)
    return means(steps) if level else steps


def _points_of(
    summary: MetricSummary, series: list[_Series]
) -> Callable[[Mapping[int, Step], float, float], tuple[MetricPoint, ...]]:
    if summary.kind == "histogram":
        return histogram_points
    return rate_points if any(one.monotonic for one in series) else value_points


def _answer(
    groups: Mapping[tuple[str, ...], list[dict[int, Step]]],
    query: MetricQuery,
    points: Callable[[Mapping[int, Step], float, float], tuple[MetricPoint, ...]],
) -> Iterator[MetricSeries]:
    for labels in sorted(groups):
        steps = summed(groups[labels])
        if steps:
            named = dict(zip(query.by, labels, strict=True))
            yield MetricSeries(named, points(steps, query.since, query.step))


def _labels(one: _Series, query: MetricQuery) -> tuple[str, ...]:
    own = {
        "service": one.origin.service,
        "version": one.origin.version,
        "instance": one.origin.instance,
    }
    return tuple(
        own[name] if name in own else text_of(one.attributes.get(name, "")) for name in query.by
    )


def _series(segment: OpenSegment, query: MetricQuery) -> list[_Series]:
    rows = segment.connection.execute(
        "select series.id, source, attributes, cumulative, monotonic from series"
        " join metrics on metrics.id = series.metric where metrics.name = ?",
        (query.name,),
    )
    found = []
    for number, source, text, cumulative, monotonic in rows:
        origin = segment.sources[source].origin
        attributes = attributes_from_json(text)
        if query.service in (None, origin.service) and matches(attributes, query.attributes):
            one = _Series(number, origin, text, attributes, bool(cumulative), bool(monotonic))
            found.append(one)
    return found


def _readings(segment: OpenSegment, one: _Series, query: MetricQuery) -> Iterator[Reading]:
    """The points of the time asked for, and the one before for what only grows."""
    since, until = _nanos(query.since), _nanos(query.until)
    columns = "select at, start, value, count, buckets from points where series = ?"
    rows = segment.connection.execute(
        f"{columns} and at >= ? and at < ? order by at", (one.number, since, until)
    ).fetchall()
    if one.cumulative:
        before = segment.connection.execute(
            f"{columns} and at < ? order by at desc limit 1", (one.number, since)
        ).fetchall()
        rows = [*before, *(_telling(rows, query) if one.monotonic else rows)]
    for at, start, value, count, buckets in rows:
        yield Reading(at / NANO, start / NANO, value, count, tuple(of_otlp(decoded(buckets))))


def _telling(rows: list[Any], query: MetricQuery) -> Iterator[Any]:
    """Of what only grows, the last point of each step says all, and the last before a new start.

    Most points are left out before their buckets are decoded, which is what takes the time.
    """
    width = max(1, _nanos(query.step))
    first = _nanos(query.since)
    for row, following in zip_longest(rows, rows[1:]):
        if (
            following is None
            or (row[0] - first) // width != (following[0] - first) // width
            or following[1] > row[1]
            or following[2] < row[2]
            or following[3] < row[3]
        ):
            yield row


def _exemplars(segment: OpenSegment, one: _Series, query: MetricQuery) -> Iterator[Exemplar]:
    rows = segment.connection.execute(
        "select at, value, trace, span from exemplars where series = ? and at >= ? and at < ?"
        " order by at desc limit ?",
        (one.number, _nanos(query.since), _nanos(query.until), _MOST_EXEMPLARS),
    )
    for at, value, trace, span in rows:
        yield Exemplar(at / NANO, value, trace.hex(), span.hex())


def _known(files: Files, name: str) -> MetricSummary:
    found: MetricSummary | None = None
    for segment in files.each():
        for summary in _summaries(segment, name):
            found = _united(found, summary)
    if found is None:
        raise NotFound(
            "metric-unknown",
            f"no metric {name!r} is stored",
            remedy="see which there are with fairway metrics",
        )
    return found


def _summaries(segment: OpenSegment, name: str | None) -> Iterator[MetricSummary]:
    rows = segment.connection.execute(
        "select distinct metrics.name, kind, unit, description, source, attributes from metrics"
        " join series on series.metric = metrics.id where ? is null or metrics.name = ?",
        (name, name),
    )
    for found, kind, unit, description, source, attributes in rows:
        service = segment.sources[source].origin.service
        keys = tuple(sorted(attributes_from_json(attributes))[:_MOST_KEYS])
        yield MetricSummary(found, kind, unit, description, (service,), keys)


def _united(one: MetricSummary | None, other: MetricSummary) -> MetricSummary:
    if one is None:
        return other
    return replace(
        one,
        services=tuple(sorted({*one.services, *other.services})),
        description=one.description or other.description,
        attributes=tuple(sorted({*one.attributes, *other.attributes})[:_MOST_KEYS]),
    )


def _run_starts(files: Files) -> dict[int, float]:
    with files.rollups() as connection:
        if connection is None:
            return {}
        return dict(connection.execute("select number, started_at from runs"))


def _check(query: MetricQuery) -> None:
    if not (query.step > 0 and query.until > query.since):
        raise InvalidInput(
            "time-range-empty", "there is no step in that time", remedy="give a later end"
        )
    if (query.until - query.since) / query.step > MOST_STEPS:
        raise InvalidInput(
            "too-many-steps",
            f"more than {MOST_STEPS} steps were asked for",
            remedy="give a longer step or a shorter time",
        )


def _nanos(seconds: float) -> int:
    return max(0, min(round(seconds * NANO), 1 << 62))
