"""Log records as rows of the segment that is being written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs

from fairway.telemetry.entries import LogEntry
from fairway.telemetry.otlp.logs import (
    correlation_of,
    level_number,
    level_of,
    text_and_attributes,
)
from fairway.telemetry.otlp.spans import NANO
from fairway.telemetry.otlp.values import json_of
from fairway.telemetry.store.names import clean
from fairway.telemetry.store.segment import SegmentWriter

ORIGINS = ("file", "otlp", "access")
_INSERT = "insert into logs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class LogRows:
    """Appends log records to a segment."""

    def __init__(self, segment: SegmentWriter) -> None:
        self._segment = segment

    def records(self, groups: Iterable[ResourceLogs], now: int) -> int:
        """Append the records of an OTLP request; how many."""
        rows: list[tuple[Any, ...]] = []
        for group in groups:
            source = self._segment.sources.of_resource(group.resource)
            for scoped in group.scope_logs:
                rows.extend(_row(record, source, now) for record in scoped.log_records)
        self._append(rows)
        return len(rows)

    def entries(self, entries: Iterable[LogEntry]) -> None:
        """Append lines of files."""
        of_entry = self._segment.sources.of_entry
        self._append([_entry_row(entry, of_entry(entry)) for entry in entries])

    def _append(self, rows: list[tuple[Any, ...]]) -> None:
        first = self._segment.next_log(len(rows))
        self._segment.insert(_INSERT, [(first + i, *row) for i, row in enumerate(rows)])
        self._segment.rows += len(rows)


def _row(record: Any, source: int, now: int) -> tuple[Any, ...]:
    text, attributes = text_and_attributes(record)
    at = record.time_unix_nano or record.observed_time_unix_nano or now
    trace, span = record.trace_id, record.span_id
    return (
        min(at, (1 << 62) - 1), source, 1, level_of(record), clean(text),
        clean(json_of(attributes)) if attributes else "", trace or None, span or None,
        correlation_of(attributes),
    )  # fmt: skip


def _entry_row(entry: LogEntry, source: int) -> tuple[Any, ...]:
    attributes = dict(entry.attributes)
    correlation = correlation_of(attributes)
    return (
        int(entry.at * NANO), source, ORIGINS.index(entry.source), level_number(entry.level),
        clean(entry.text), clean(json_of(attributes)) if attributes else "",
        _bytes(entry.trace_id), _bytes(entry.span_id), correlation and clean(correlation),
    )  # fmt: skip


def _bytes(hexadecimal: str) -> bytes | None:
    try:
        return bytes.fromhex(hexadecimal) or None
    except ValueError:
        return None
