"""Answers about log records: the newest that match, or those behind a given one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from fairway.telemetry.otlp.logs import level_number
from fairway.telemetry.otlp.spans import NANO
from fairway.telemetry.otlp.values import attributes_from_json, matches
from fairway.telemetry.port import LOG_LEVELS, LogPage, LogQuery, LogRecord
from fairway.telemetry.store.files import Files, OpenSegment

MOST_EXAMINED = 100_000
"""Records that are looked at for one page."""
_ORIGINS: tuple[Literal["file", "otlp", "access"], ...] = ("file", "otlp", "access")
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


def listed(files: Files, query: LogQuery) -> LogPage:
    """A page of matching records, the oldest first."""
    forward = query.after is not None
    page = _Page(query.limit)
    newest = files.newest_first(query.run)
    last = query.after or 0
    for file in reversed(newest) if forward else newest:
        if page.full:
            break
        with files.opened(file) as segment:
            if segment is None:
                continue
            last = max(last, _search(segment, query, page))
    records = page.records if forward else page.records[::-1]
    if forward and page.full:
        last = page.stopped_at or records[-1].id
    return LogPage(tuple(records), last, page.stopped_at)


def _search(segment: OpenSegment, query: LogQuery, page: _Page) -> int:
    """Add what matches in a segment; the greatest id that there is in it."""
    newest = segment.connection.execute("select max(id) from logs").fetchone()[0]
    if newest is None:
        return 0
    where, params = _where(segment, query)
    order = "desc" if query.after is None else "asc"
    rows = segment.connection.execute(
        "select id, at, source, origin, level, text, attributes, trace, span from logs"  # noqa: S608
        f" where {where} and id <= ? order by id {order}",
        (*params, newest),
    )
    for row in rows:
        page.examined += 1
        record = _matching(segment, row, query)
        if record is not None:
            page.records.append(record)
        elif page.examined >= MOST_EXAMINED:
            page.stopped_at = segment.file.log_id(row[0])
        if page.full:
            break
    return segment.file.log_id(newest)


def _matching(segment: OpenSegment, row: tuple[Any, ...], query: LogQuery) -> LogRecord | None:
    text, attributes = row[5], row[6]
    if query.text and query.text.lower() not in text.lower():
        return None
    if any(key not in attributes for key in query.attributes):
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


def _where(segment: OpenSegment, query: LogQuery) -> tuple[str, list[Any]]:
    """The part of a query that columns can answer."""
    file = segment.file
    where, params = ["id > ?", "id < ?"], [
        -1 if query.after is None else file.first_row(query.after),
        _EVER if query.before is None else file.first_row(query.before),
    ]  # fmt: skip
    for column, operator, value in (
        ("at", ">=", query.since),
        ("at", "<", query.until),
    ):
        if value is not None:
            where.append(f"{column} {operator} ?")
            params.append(max(0, min(round(value * NANO), _EVER)))
    if query.level != "debug":
        where.append("level >= ?")
        params.append(level_number(query.level))
    if not query.access:
        where.append("origin < 2")
    more, values = _who(segment, query)
    return " and ".join([*where, *more]), [*params, *values]


def _who(segment: OpenSegment, query: LogQuery) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    params: list[Any] = []
    if query.services or query.version is not None:
        numbers = [
            number
            for number, source in segment.sources.items()
            if (not query.services or source.origin.service in query.services)
            and query.version in (None, source.origin.version)
        ]
        where.append(f"source in ({','.join('?' for _ in numbers)})")
        params += numbers
    if query.trace_id:
        where.append("trace = ?")
        params.append(_bytes(query.trace_id))
    if query.correlation_id:
        where.append("correlation = ?")
        params.append(query.correlation_id)
    return where, params


def _bytes(trace_id: str) -> bytes:
    try:
        return bytes.fromhex(trace_id)
    except ValueError:
        return b""
