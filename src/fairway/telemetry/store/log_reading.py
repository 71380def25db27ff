"""Answers about log records: the newest that match, or those behind a given one.

A trace, a correlation id and "at least a warning" are found by an index. Everything else is looked
for window by window, in at most `MOST_EXAMINED` records for one page: where it ended is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from fairway.telemetry.otlp.logs import level_number
from fairway.telemetry.otlp.spans import NANO
from fairway.telemetry.otlp.values import attributes_from_json, matches
from fairway.telemetry.port import LOG_LEVELS, LogPage, LogQuery, LogRecord, LogSource
from fairway.telemetry.store.files import Facts, Files, OpenSegment
from fairway.telemetry.store.layout import SegmentFile

MOST_EXAMINED = 300_000
"""Records that are looked at for one page."""
_WINDOW = 20_000
"""Records that are looked at by one statement."""
_ORIGINS: tuple[LogSource, ...] = ("file", "otlp", "access")
_EVER = 1 << 62


@dataclass(slots=True)
class _Page:
    """What was found so far, in the order in which it is looked for."""

    limit: int
    records: list[LogRecord] = field(default_factory=list)
    examined: int = 0
    stopped_at: int | None = None

    @property
    def full(self) -> bool:
        return len(self.records) >= self.limit or self.stopped_at is not None

    def looking_at(self, rows: Iterable[Any]) -> Iterator[Any]:
        """Rows that an index found: only these are examined, however many there are between."""
        for row in rows:
            self.examined += 1
            yield row


def listed(files: Files, query: LogQuery) -> LogPage:
    """A page of matching records, the oldest first."""
    forward = query.after is not None
    page = _Page(max(1, query.limit))
    newest = files.newest_first(query.run)
    last = query.after or 0
    for file in reversed(newest) if forward else newest:
        if page.full:
            break
        if not _may_hold(file, files.facts(file), query):
            continue
        with files.opened(file) as segment:
            if segment is not None:
                last = max(last, _search(segment, query, page))
    if forward and page.full:
        last = page.stopped_at or page.records[-1].id
    records = page.records if forward else page.records[::-1]
    return LogPage(tuple(records), last, page.stopped_at)


def _may_hold(file: SegmentFile, facts: Facts | None, query: LogQuery) -> bool:
    """False if a segment surely holds nothing that matches."""
    if facts is None:
        return True
    since, until = _bounds(query)
    return (
        facts.last_log >= since
        and facts.first_log < until
        and (query.after is None or file.first_row(query.after) < file.most_rows)
        and (query.before is None or file.first_row(query.before) >= 0)
    )


def _search(segment: OpenSegment, query: LogQuery, page: _Page) -> int:
    """Add what matches in a segment; the greatest id that there is in it."""
    first, newest = segment.connection.execute("select min(id), max(id) from logs").fetchone()
    if newest is None:
        return 0
    for low, high in _windows(segment.file, query, first, newest):
        rows = _rows(segment, query, low, high)
        if _by_an_index(query):
            rows = page.looking_at(rows)
        else:
            page.examined += high - low + 1
        found = (record for row in rows if (record := _matching(segment, row, query)))
        page.records.extend(islice(found, page.limit - len(page.records)))
        if len(page.records) < page.limit and page.examined >= MOST_EXAMINED:
            page.stopped_at = segment.file.log_id(low if query.after is None else high)
        if page.full:
            break
    return segment.file.log_id(newest)


def _windows(
    file: SegmentFile, query: LogQuery, first: int, newest: int
) -> Iterator[tuple[int, int]]:
    """Ranges of rows, in the order in which they are looked at."""
    if query.after is not None:
        first = max(first, file.first_row(query.after) + 1)
    if query.before is not None:
        newest = min(newest, file.first_row(query.before) - 1)
    width = newest - first + 1 if _by_an_index(query) else _WINDOW
    if newest < first:
        return
    if query.after is not None:
        for low in range(first, newest + 1, width):
            yield low, min(low + width - 1, newest)
    else:
        for high in range(newest, first - 1, -width):
            yield max(high - width + 1, first), high


def _by_an_index(query: LogQuery) -> bool:
    return bool(query.trace_id or query.correlation_id) or level_number(query.level) >= 2


def _rows(segment: OpenSegment, query: LogQuery, low: int, high: int) -> Iterator[Any]:
    parts, params = _condition(segment, query)
    order = "desc" if query.after is None else "asc"
    return segment.connection.execute(
        "select id, at, source, origin, level, text, attributes, trace, span from logs"
        f" where id between ? and ? and {' and '.join(parts)} order by id {order}",
        (low, high, *params),
    )


def _matching(segment: OpenSegment, row: tuple[Any, ...], query: LogQuery) -> LogRecord | None:
    if query.text and query.text.lower() not in row[5].lower():
        return None
    record = _record(segment, row)
    return record if matches(record.attributes, query.attributes) else None


def _record(segment: OpenSegment, row: tuple[Any, ...]) -> LogRecord:
    number, at, source, origin, level, text, attributes, trace, span = row
    sender = segment.sources[source].origin
    return LogRecord(
        segment.file.log_id(number),
        at / NANO,
        sender.service,
        sender.instance,
        sender.version,
        LOG_LEVELS[level],
        text,
        attributes_from_json(attributes),
        (trace or b"").hex(),
        (span or b"").hex(),
        _ORIGINS[origin],
    )


def _condition(segment: OpenSegment, query: LogQuery) -> tuple[list[str], list[Any]]:
    """The part of a query that columns can answer, and a first sieve for text and attributes."""
    since, until = _bounds(query)
    parts, params = ["at >= ?", "at < ?"], [since, until]
    level = level_number(query.level)
    if level >= 2:
        parts.append("level >= 2")  # as the index says it
    if level:
        parts.append(f"level >= {level}")
    if query.source is not None:
        parts.append(f"origin = {_ORIGINS.index(query.source)}")
    elif not query.access:
        parts.append("origin < 2")
    more, values = _who(segment, query)
    for sieve, text in _sieves(query):
        more.append(sieve)
        values.append(text)
    return [*parts, *more], [*params, *values]


def _sieves(query: LogQuery) -> Iterator[tuple[str, str]]:
    """What SQLite can look for faster; it knows only the letters of ASCII in both cases."""
    if query.text and query.text.isascii():
        yield "instr(lower(text), ?)", query.text.lower()
    for key in query.attributes:
        if key.isascii() and '"' not in key and "\\" not in key:
            yield "instr(attributes, ?)", f'"{key}":'


def _who(segment: OpenSegment, query: LogQuery) -> tuple[list[str], list[Any]]:
    parts: list[str] = []
    params: list[Any] = []
    if query.services or query.version is not None:
        numbers = [
            str(number)
            for number, source in segment.sources.items()
            if (not query.services or source.origin.service in query.services)
            and query.version in (None, source.origin.version)
        ]
        parts.append(f"source in ({','.join(numbers)})")
    if query.trace_id:
        parts.append("trace = ?")
        params.append(_bytes(query.trace_id))
    if query.correlation_id:
        parts.append("correlation = ?")
        params.append(query.correlation_id)
    return parts, params


def _bounds(query: LogQuery) -> tuple[int, int]:
    since, until = (
        default if value is None else max(0, min(round(value * NANO), _EVER))
        for value, default in ((query.since, 0), (query.until, _EVER))
    )
    return since, until


def _bytes(trace_id: str) -> bytes:
    try:
        return bytes.fromhex(trace_id)
    except ValueError:
        return b""
