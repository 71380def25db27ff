"""Answers about traces: the list with its distribution of durations, and one trace in full.

Filters by time, service, version, outcome and duration are columns. A name or an attribute is
looked for in the spans of one candidate after the other, the newest first, at most `MOST_EXAMINED`
of them: where the search ended is told, and the cursor goes on from there.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from opentelemetry.proto.trace.v1 import trace_pb2

from fairway.errors import InvalidInput, NotFound
from fairway.telemetry.otlp.spans import NANO, Kept, span_of
from fairway.telemetry.otlp.values import attributes_of, matches
from fairway.telemetry.port import (
    DurationBucket,
    Span,
    Trace,
    TraceOutcome,
    TracePage,
    TraceQuery,
    TraceSummary,
)
from fairway.telemetry.store.files import Files, OpenSegment
from fairway.telemetry.store.schema import PLACES
from fairway.telemetry.store.summaries import COLUMNS, OpenTrace
from fairway.telemetry.tree import in_order

MOST_EXAMINED = 20_000
"""Traces whose spans are looked at for one page."""
MOST_COUNTED = 20_000
"""Traces whose durations are counted for one page."""
_EVER = 1 << 62
_UPPERS = tuple(
    round(digit * 10.0**power, 9) for power in range(-4, 3) for digit in (1, 2, 5)
)  # fmt: skip
_OUTCOMES: dict[TraceOutcome, str] = {
    "denied": "denied > 0",
    "error": "errors > 0 and denied = 0",
    "ok": "errors = 0 and denied = 0",
}


@dataclass(slots=True)
class Found:
    """A matching trace, as one segment knows it."""

    row: OpenTrace
    summary: TraceSummary


def listed(files: Files, query: TraceQuery) -> TracePage:
    """A page of matching traces."""
    search = _Search(files, query)
    found = search.newest()
    page = found[: query.limit]
    more = len(found) > query.limit
    cursor = _cursor_of(page[-1].row) if more and page else search.goes_on_at
    return TracePage(
        tuple(item.summary for item in page),
        search.durations(),
        cursor,
        searched_since=search.searched_since,
    )


class _Search:
    """One list: gathers from the newest segment to the oldest until the page is full."""

    def __init__(self, files: Files, query: TraceQuery) -> None:
        self._files, self._query = files, query
        self._examined = self._counted = 0
        self._counts: dict[float, list[int]] = {}
        self.goes_on_at: str | None = None
        self.searched_since: float | None = None

    def newest(self) -> list[Found]:
        """One trace more than the page has, if there is one."""
        wanted = self._query.limit + 1
        best: list[Found] = []
        for segment in self._files.each(self._query.run):
            bounds = segment.sealed_bounds()
            if len(best) >= wanted and bounds and bounds[1] < best[-1].row.start:
                continue
            if bounds and not _may_hold(bounds, self._query):
                continue
            best = _merged(best, self._of(segment, wanted), wanted)
        return best

    def _of(self, segment: OpenSegment, wanted: int) -> list[Found]:
        found: list[Found] = []
        for row in _candidates(segment, self._query):
            if len(found) >= wanted:
                break
            if self._matches(segment, row):
                found.append(Found(row, _summary(segment, row)))
            if self._examined >= MOST_EXAMINED:
                self.goes_on_at, self.searched_since = _cursor_of(row), row.start / NANO
                break
        return found

    def _matches(self, segment: OpenSegment, row: OpenTrace) -> bool:
        query = self._query
        if not (query.name or query.attributes):
            return True
        self._examined += 1
        sources = segment.numbers_of(query.service, query.version)
        return any(_span_matches(stored, query, sources) for stored in _stored(segment, row.number))

    def durations(self) -> tuple[DurationBucket, ...]:
        """How the matching traces are distributed."""
        if self._query.name or self._query.attributes:
            return ()
        query = replace(self._query, cursor=None)
        for segment in self._files.each(query.run):
            bounds = segment.sealed_bounds()
            if bounds and not _may_hold(bounds, query):
                continue
            self._count(segment, query)
            if self._counted >= MOST_COUNTED:
                break
        return _as_buckets(self._counts)

    def _count(self, segment: OpenSegment, query: TraceQuery) -> None:
        where, params = _where(segment, query)
        rows = segment.connection.execute(
            f"select stop - start, errors + denied > 0 from traces where {where}"  # noqa: S608
            " order by start desc limit ?",
            (*params, MOST_COUNTED - self._counted),
        )
        for duration, bad in rows:
            place = bisect_left(_UPPERS, duration / NANO)
            upper = _UPPERS[min(place, len(_UPPERS) - 1)]
            entry = self._counts.setdefault(upper, [0, 0])
            entry[0] += 1
            entry[1] += bad
            self._counted += 1


def whole(files: Files, trace_id: str) -> Trace:
    """One trace, by its id or the beginning of it."""
    prefix = _prefix(trace_id)
    parts: list[tuple[OpenTrace, TraceSummary]] = []
    spans: dict[str, Span] = {}
    for segment in files.each():
        for row in _with_prefix(segment, prefix):
            parts.append((row, _summary(segment, row)))
            for span in _spans(segment, row):
                spans.setdefault(span.span_id, span)
    ids = {row.trace for row, _ in parts}
    if len(ids) > 1:
        raise InvalidInput(
            "trace-id-ambiguous",
            f"{len(ids)} traces begin with {trace_id}",
            remedy="give more of the id",
        )
    if not parts:
        raise NotFound(
            "trace-unknown",
            f"no trace {trace_id} is stored",
            remedy="see which there are with fairway traces; old ones are thinned out",
        )
    return Trace(_united([summary for _, summary in parts], parts), in_order(spans.values()))


def _united(
    summaries: list[TraceSummary], parts: list[tuple[OpenTrace, TraceSummary]]
) -> TraceSummary:
    """One summary of a trace that lies in several segments."""
    first = min(parts, key=lambda part: part[0].rank)[1]
    start = min(summary.started_at for summary in summaries)
    stop = max(row.stop for row, _ in parts) / NANO
    outcomes = {summary.outcome for summary in summaries}
    outcome: TraceOutcome = (
        "denied" if "denied" in outcomes else "error" if "error" in outcomes else "ok"
    )
    return replace(
        first,
        started_at=start,
        duration=max(0.0, stop - start) if len(parts) > 1 else first.duration,
        spans=sum(summary.spans for summary in summaries),
        errors=sum(summary.errors for summary in summaries),
        outcome=outcome,
        services=tuple(sorted({name for summary in summaries for name in summary.services})),
    )


def _merged(one: list[Found], other: list[Found], wanted: int) -> list[Found]:
    """The newest of both, each trace once."""
    seen: set[bytes] = set()
    merged: list[Found] = []
    for item in heapq.merge(one, other, key=lambda found: found.row.start, reverse=True):
        if item.row.trace not in seen:
            seen.add(item.row.trace)
            merged.append(item)
    return merged[:wanted]


def _may_hold(bounds: tuple[int, int], query: TraceQuery) -> bool:
    first, last = bounds
    since, until = _nanos(query.since, 0), _nanos(query.until, _EVER)
    if query.cursor:
        until = min(until, _start_of(query.cursor)[0] + 1)
    return first < until and last >= since


def _candidates(segment: OpenSegment, query: TraceQuery) -> Iterator[OpenTrace]:
    where, params = _where(segment, query)
    rows = segment.connection.execute(
        f"select {COLUMNS} from traces where {where} order by start desc, trace desc",  # noqa: S608
        params,
    )
    return (OpenTrace.of_row(row) for row in rows)


def _where(segment: OpenSegment, query: TraceQuery) -> tuple[str, list[Any]]:
    """The part of a query that columns can answer."""
    where = ["start >= ?", "start < ?"]
    params: list[Any] = [_nanos(query.since, 0), _nanos(query.until, _EVER)]
    if query.cursor:
        start, trace = _start_of(query.cursor)
        where.append("(start < ? or (start = ? and trace < ?))")
        params += [start, start, trace]
    if query.outcome is not None:
        where.append(_OUTCOMES[query.outcome])
    if query.min_duration is not None:
        where.append("stop - start >= ?")
        params.append(round(query.min_duration * NANO))
    if query.max_duration is not None:
        where.append("stop - start <= ?")
        params.append(round(query.max_duration * NANO))
    numbers = segment.numbers_of(query.service, query.version)
    if numbers is not None:
        any_of = " or ".join("instr(members, ?)" for _ in numbers) or "0"
        where.append(f"({any_of})")
        params += [f",{number}," for number in numbers]
    return " and ".join(where), params


def _stored(segment: OpenSegment, number: int) -> Iterator[tuple[int, int, int, str, bytes]]:
    """The spans of a trace: id, source, scope, name, message."""
    return segment.connection.execute(
        "select spans.id, source, scope, text, span from spans join names on names.id = spans.name"
        " where spans.id between ? and ?",
        (number << PLACES, (number + 1 << PLACES) - 1),
    )


def _span_matches(
    stored: tuple[int, int, int, str, bytes], query: TraceQuery, sources: list[int] | None
) -> bool:
    _, source, _, name, message = stored
    if sources is not None and source not in sources:
        return False
    if query.name.lower() not in name.lower():
        return False
    if not all(key.encode() in message for key in query.attributes):
        return not query.attributes
    found = attributes_of(trace_pb2.Span.FromString(message).attributes)
    return matches(found, query.attributes)


def _spans(segment: OpenSegment, row: OpenTrace) -> Iterator[Span]:
    scopes: dict[int, str] = {}
    resources = {}
    for _, source, scope, name, message in _stored(segment, row.number):
        if scope not in scopes:
            scopes[scope] = segment.name(scope)
        known = segment.sources[source]
        if source not in resources:
            resources[source] = known.attributes()
        kept = Kept(row.trace, name, scopes[scope], known.origin, resources[source])
        yield span_of(trace_pb2.Span.FromString(message), kept)


def _with_prefix(segment: OpenSegment, prefix: str) -> list[OpenTrace]:
    low, high = (bytes.fromhex(prefix.ljust(32, filler)) for filler in "0f")
    rows = segment.connection.execute(
        f"select {COLUMNS} from traces where trace between ? and ? limit 2",  # noqa: S608
        (low, high),
    )
    return [OpenTrace.of_row(row) for row in rows]


def _prefix(trace_id: str) -> str:
    text = trace_id.strip().lower()
    if not 4 <= len(text) <= 32 or any(letter not in "0123456789abcdef" for letter in text):
        raise InvalidInput(
            "trace-id-malformed",
            f"{trace_id!r} is no trace id",
            remedy="give 32 hexadecimal digits, or at least the first 4",
        )
    return text


def _summary(segment: OpenSegment, row: OpenTrace) -> TraceSummary:
    origins = [segment.sources[number].origin for number in sorted(row.members)]
    first = segment.sources[row.source].origin
    return TraceSummary(
        row.trace.hex(),
        first.service,
        segment.name(row.name),
        row.start / NANO,
        (row.stop - row.start) / NANO,
        row.spans,
        row.errors,
        "denied" if row.denied else "error" if row.errors else "ok",
        tuple(sorted({origin.service for origin in origins})),
        first.version,
    )


def _as_buckets(counts: dict[float, list[int]]) -> tuple[DurationBucket, ...]:
    """From the first to the last that holds anything, without gaps."""
    if not counts:
        return ()
    lowest, highest = min(counts), max(counts)
    return tuple(
        DurationBucket(upper, *counts.get(upper, (0, 0)))
        for upper in _UPPERS
        if lowest <= upper <= highest
    )


def _nanos(seconds: float | None, default: int) -> int:
    return default if seconds is None else max(0, min(round(seconds * NANO), _EVER))


def _cursor_of(row: OpenTrace) -> str:
    return f"{row.start}-{row.trace.hex()}"


def _start_of(cursor: str) -> tuple[int, bytes]:
    start, _, trace = cursor.partition("-")
    try:
        return int(start), bytes.fromhex(trace)
    except ValueError as error:
        raise InvalidInput(
            "cursor-malformed", f"{cursor!r} is no cursor", remedy="begin again without a cursor"
        ) from error
