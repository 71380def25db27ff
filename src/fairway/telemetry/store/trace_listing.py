"""Answers which traces there are: a page of them, and how their durations are distributed.

Time, service, version, outcome and duration are columns; for names and attributes `trace_search.py`
looks into a bounded number of spans, and the page tells how far back it came.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from fairway.telemetry.otlp.spans import NANO
from fairway.telemetry.port import DurationBucket, TracePage, TraceQuery, TraceSummary
from fairway.telemetry.store.files import Files, OpenSegment
from fairway.telemetry.store.layout import SegmentFile
from fairway.telemetry.store.summaries import COLUMNS, UPPERS, OpenTrace
from fairway.telemetry.store.trace_rows import (
    Found,
    cursor_of,
    may_hold,
    summary_of,
    united,
    where,
)
from fairway.telemetry.store.trace_search import SpanSearch

MOST_COUNTED = 20_000
"""Traces whose durations are counted for one page."""


def listed(files: Files, query: TraceQuery) -> TracePage:
    """A page of matching traces, the newest first."""
    searched = bool(query.name or query.attributes)
    search = SpanSearch(query) if searched else None
    found = _newest(files, query, search)
    page = found[: query.limit]
    stopped = search.stopped_at if search is not None else None
    cursor = cursor_of(page[-1].row) if page and len(found) > query.limit else None
    if cursor is None and stopped is not None:
        cursor = cursor_of(stopped)
    durations, since = ((), None) if searched else _durations(files, query)
    return TracePage(
        _whole(files, query, page),
        durations,
        cursor,
        searched_since=stopped.start / NANO if stopped is not None else None,
        durations_since=since,
    )


def _newest(files: Files, query: TraceQuery, search: SpanSearch | None) -> list[Found]:
    """The newest that match: one more than the page has, if there is one."""
    wanted = query.limit + 1
    best: list[Found] = []
    for file in files.newest_first(query.run):
        facts = files.facts(file)
        if not may_hold(facts, query):
            continue
        if len(best) >= wanted and facts and facts.last_start < best[-1].row.start:
            continue
        if search is not None and search.stopped_at is not None:
            break
        with files.opened(file) as segment:
            if segment is not None:
                best = _merged(best, _of(segment, query, search, wanted), wanted)
    return best


def _of(
    segment: OpenSegment, query: TraceQuery, search: SpanSearch | None, wanted: int
) -> list[Found]:
    rows = (
        _by_columns(segment, query, wanted)
        if search is None
        else search.matching(segment, query.cursor)
    )
    return [Found(row, summary_of(segment, row)) for row in islice(rows, wanted)]


def _by_columns(segment: OpenSegment, query: TraceQuery, wanted: int) -> Iterator[OpenTrace]:
    clause, params = where(segment, query)
    rows = segment.connection.execute(
        f"select {COLUMNS} from traces where {clause} order by start desc, trace desc limit ?",
        (*params, wanted),
    )
    return (OpenTrace.of_row(row) for row in rows)


def _merged(one: list[Found], other: list[Found], wanted: int) -> list[Found]:
    """The newest of both, each trace once."""
    seen: set[bytes] = set()
    merged: list[Found] = []
    ordered = heapq.merge(
        one, other, key=lambda found: (found.row.start, found.row.trace), reverse=True
    )
    for item in ordered:
        if item.row.trace not in seen:
            seen.add(item.row.trace)
            merged.append(item)
    return merged[:wanted]


def _whole(files: Files, query: TraceQuery, page: list[Found]) -> tuple[TraceSummary, ...]:
    """Their summaries, also of what the segments beside have of them."""
    if not page:
        return ()
    parts: dict[bytes, list[Found]] = {found.row.trace: [] for found in page}
    first = min(found.row.start for found in page)
    last = max(found.row.stop for found in page)
    for file in files.newest_first(query.run):
        facts = files.facts(file)
        if facts and (facts.first_start > last or facts.last_start + facts.longest < first):
            continue
        for found in _with_ids(files, file, list(parts)):
            parts[found.row.trace].append(found)
    return tuple(united(parts[found.row.trace] or [found]) for found in page)


def _with_ids(files: Files, file: SegmentFile, ids: list[bytes]) -> list[Found]:
    with files.opened(file) as segment:
        if segment is None:
            return []
        marks = ",".join("?" for _ in ids)
        rows = segment.connection.execute(
            f"select {COLUMNS} from traces where trace in ({marks})",
            ids,
        )
        found = [OpenTrace.of_row(row) for row in rows]
        return [Found(row, summary_of(segment, row)) for row in found]


def _durations(files: Files, query: TraceQuery) -> tuple[tuple[DurationBucket, ...], float | None]:
    """How the durations are distributed, and since when if not all were counted."""
    whole = replace(query, cursor=None)
    counts: dict[int, list[int]] = {}
    counted = 0
    for file in files.newest_first(query.run):
        if not may_hold(files.facts(file), whole):
            continue
        with files.opened(file) as segment:
            if segment is None:
                continue
            since = _count(segment, whole, MOST_COUNTED - counted, counts)
        counted = sum(count for count, _ in counts.values())
        if counted >= MOST_COUNTED:
            return _as_buckets(counts), since
    return _as_buckets(counts), None


def _count(
    segment: OpenSegment, query: TraceQuery, most: int, counts: dict[int, list[int]]
) -> float:
    """Add what a segment has, at most so many; when the oldest that was counted started. As in
    `TraceSummary.outcome`, what was denied is no error.
    """
    clause, params = where(segment, query)
    rows = segment.connection.execute(
        "select bucket, count(*), sum(errors > 0 and denied = 0), min(start) from"
        f" (select bucket, errors, denied, start from traces where {clause}"
        " order by start desc limit ?) group by bucket",
        (*params, most),
    )
    oldest: list[int] = []
    for bucket, count, failed, first in rows:
        entry = counts.setdefault(bucket, [0, 0])
        entry[0] += count
        entry[1] += failed
        oldest.append(first)
    return min(oldest, default=0) / NANO


def _as_buckets(counts: dict[int, list[int]]) -> tuple[DurationBucket, ...]:
    """From the first to the last that holds anything, without gaps."""
    if not counts:
        return ()
    return tuple(
        DurationBucket(UPPERS[bucket], *counts.get(bucket, (0, 0)))
        for bucket in range(min(counts), max(counts) + 1)
    )
