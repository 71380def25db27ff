"""Rows of traces as summaries, and questions about traces as SQL. Used by listing and reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from fairway.errors import InvalidInput
from fairway.telemetry.otlp.spans import NANO
from fairway.telemetry.port import TraceOutcome, TraceQuery, TraceSummary
from fairway.telemetry.store.files import Facts, OpenSegment
from fairway.telemetry.store.summaries import OpenTrace, bucket_of

EVER = 1 << 62
_MOST_COMPARED = 200
"""Sources that SQLite compares one by one: its expressions have at most a thousand parts."""
_OUTCOMES: dict[TraceOutcome, str] = {
    "denied": "(errors > 0 or denied > 0) and denied > 0",
    "error": "(errors > 0 or denied > 0) and denied = 0",
    "ok": "errors = 0 and denied = 0",
}
"""The first two begin as the index of traces in trouble does, so that it is used."""


@dataclass(frozen=True, slots=True)
class Found:
    """A trace, as one segment knows it."""

    row: OpenTrace
    summary: TraceSummary


def summary_of(segment: OpenSegment, row: OpenTrace) -> TraceSummary:
    """A row for people."""
    first = segment.sources[row.source].origin
    services = {segment.sources[number].origin.service for number in row.members}
    return TraceSummary(
        row.trace.hex(),
        first.service,
        segment.name(row.name),
        row.start / NANO,
        (row.stop - row.start) / NANO,
        row.spans,
        row.errors,
        "denied" if row.denied else "error" if row.errors else "ok",
        tuple(sorted(services)),
        first.version,
    )


def united(parts: Iterable[Found]) -> TraceSummary:
    """One summary of a trace whose spans lie in several segments."""
    found = list(parts)
    first = min(found, key=lambda part: part.row.rank).summary
    if len(found) == 1:
        return first
    start = min(part.row.start for part in found)
    stop = max(part.row.stop for part in found)
    outcomes = {part.summary.outcome for part in found}
    services = {name for part in found for name in part.summary.services}
    return replace(
        first,
        started_at=start / NANO,
        duration=(stop - start) / NANO,
        spans=sum(part.row.spans for part in found),
        errors=sum(part.row.errors for part in found),
        outcome="denied" if "denied" in outcomes else "error" if "error" in outcomes else "ok",
        services=tuple(sorted(services)),
    )


def may_hold(facts: Facts | None, query: TraceQuery) -> bool:
    """False if a segment surely holds nothing that matches."""
    if facts is None:
        return True
    since, until = nanos(query.since, 0), nanos(query.until, EVER)
    if query.cursor:
        until = min(until, cursor_place(query.cursor)[0] + 1)
    return (
        facts.first_start < until
        and facts.last_start >= since
        and facts.longest >= nanos(query.min_duration, 0)
        and (query.outcome != "error" or facts.errors > 0)
        and (query.outcome != "denied" or facts.denied > 0)
    )


def where(segment: OpenSegment, query: TraceQuery) -> tuple[str, list[Any]]:
    """The part of a query that columns can answer."""
    parts = ["start >= ?", "start < ?"]
    params: list[Any] = [nanos(query.since, 0), nanos(query.until, EVER)]
    if query.cursor:
        start, trace = cursor_place(query.cursor)
        parts.append("start <= ? and (start < ? or trace < ?)")
        params += [start, start, trace]
    if query.outcome is not None:
        parts.append(_OUTCOMES[query.outcome])
    if query.min_duration is not None:
        shortest = nanos(query.min_duration, 0)
        parts.append("bucket >= ? and stop - start >= ?")
        params += [bucket_of(shortest), shortest]
    if query.max_duration is not None:
        longest = nanos(query.max_duration, 0)
        parts.append("bucket <= ? and stop - start <= ?")
        params += [bucket_of(longest), longest]
    numbers = segment.numbers_of(query.service, query.version)
    if numbers is not None:
        part, more = _with_a_member(segment, numbers)
        parts.append(part)
        params += more
    return " and ".join(parts), params


def _with_a_member(segment: OpenSegment, numbers: list[int]) -> tuple[str, list[Any]]:
    """The condition that a trace has one of these sources, of which a service that is started
    again and again has many.
    """
    if len(numbers) <= _MOST_COMPARED:
        condition = " or ".join("instr(members, ?)" for _ in numbers) or "0"
        return f"({condition})", [f",{number}," for number in numbers]
    wanted = {str(number) for number in numbers}
    segment.connection.create_function(
        "has_member", 1, lambda members: not wanted.isdisjoint(members.split(","))
    )
    return "has_member(members)", []


def nanos(seconds: float | None, default: int) -> int:
    """Seconds of a question as the nanoseconds of a column."""
    return default if seconds is None else max(0, min(round(seconds * NANO), EVER))


def cursor_of(row: OpenTrace) -> str:
    """Where to go on behind a trace."""
    return f"{row.start}-{row.trace.hex()}"


def cursor_place(cursor: str) -> tuple[int, bytes]:
    """Start and id of the trace that a page ended with; InvalidInput if it is no cursor."""
    start, _, trace = cursor.partition("-")
    try:
        return min(int(start), EVER), bytes.fromhex(trace)
    except ValueError as error:
        raise InvalidInput(
            "cursor-malformed", f"{cursor!r} is no cursor", remedy="begin again without a cursor"
        ) from error
