"""The segment that is being written: one SQLite file, one open transaction until `flush`.

`writing.Writer` owns it and decides when another one begins. Not safe for several threads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from fairway.telemetry.otlp.spans import is_denied, served_version
from fairway.telemetry.store.layout import SegmentFile
from fairway.telemetry.store.names import Names, Sources
from fairway.telemetry.store.schema import PLACES, SEGMENT, opened_for_writing
from fairway.telemetry.store.sealing import mark_sealed
from fairway.telemetry.store.summaries import COLUMNS, OpenTrace

_OPEN_TRACES = 20_000
"""Traces that are kept in memory; a span of an older one fetches its row again."""
_LATEST = (1 << 62) - 1
_LONGEST = (1 << PLACES) - 1
_ERROR = 2
SpanRow = tuple[int, int, int, int, bytes]


class SegmentWriter:
    """Appends to one segment. `rows` is how many spans, log records and points it has."""

    def __init__(self, file: SegmentFile, opened_at: float) -> None:
        self.file = file
        self._connection = opened_for_writing(file.path, SEGMENT)
        self._begun = False
        self._traces: dict[bytes, OpenTrace] = {}
        self._changed: list[OpenTrace] = []
        self._next_trace = self._highest("traces") + 1
        self._next_log = self._highest("logs") + 1
        self.opened_at = float(self._meta("opened_at", opened_at))
        self.rows = int(self._meta("rows", 0))
        self.names = Names(self._connection)
        self.sources = Sources(self._connection)

    def spans(self, groups: Iterable[ResourceSpans], now: int) -> tuple[int, int]:
        """Append the spans of a request: how many were taken, and how many had no proper ids."""
        self._begin()
        rows: list[SpanRow] = []
        rejected = 0
        for group in groups:
            source = self.sources.of_resource(group.resource)
            for scoped in group.scope_spans:
                scope = self.names.number(scoped.scope.name)
                rejected += self._scope(scoped.spans, source, scope, now, rows)
        self.insert("insert or replace into spans values (?, ?, ?, ?, ?)", rows)
        self.rows += len(rows)
        return len(rows), rejected

    def _scope(
        self, spans: Iterable[Any], source: int, scope: int, now: int, rows: list[SpanRow]
    ) -> int:
        """The innermost loop of ingestion: every line here is paid for by every span."""
        rejected, number_of, traces, changed = 0, self.names.number, self._traces, self._changed
        sender, sidecar = source, source in self.sources.sidecars
        for span in spans:
            trace_id = span.trace_id
            if len(trace_id) != 16 or len(span.span_id) != 8:
                rejected += 1
                continue
            trace = traces.get(trace_id) or self._trace(trace_id)
            start = min(span.start_time_unix_nano or now, _LATEST)
            stop = min(max(span.end_time_unix_nano, start), _LATEST)
            name = number_of(span.name)
            span.ClearField("trace_id")
            span.ClearField("name")
            blob = span.SerializeToString()
            if sidecar:
                version = served_version(blob)
                source = self.sources.of_version(sender, version) if version else sender
            place = trace.add(start, stop, not span.parent_span_id, name, source)
            if place >= _LONGEST:
                trace.spans = place
            if span.status.code == _ERROR:
                trace.errors += 1
            if is_denied(span.attributes, blob):
                trace.denied += 1
            if not trace.changed:
                trace.changed = True
                changed.append(trace)
            rows.append((trace.number << PLACES | place, source, scope, name, blob))
        return rejected

    def _trace(self, trace_id: bytes) -> OpenTrace:
        found = self._connection.execute(
            f"select {COLUMNS} from traces where trace = ?",
            (trace_id,),
        ).fetchone()
        if found is None:
            trace = OpenTrace(self._next_trace, trace_id)
            self._next_trace += 1
        else:
            trace = OpenTrace.of_row(found)
        self._traces[trace_id] = trace
        return trace

    def next_log(self, count: int) -> int:
        """The first of `count` row ids for log records."""
        first = self._next_log
        self._next_log += count
        return first

    def insert(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Append rows, within the open transaction."""
        if rows:
            self._begin()
            self._connection.executemany(sql, rows)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> sqlite3.Cursor:
        """One statement, within the open transaction."""
        self._begin()
        return self._connection.execute(sql, params)

    def flush(self) -> None:
        """Show readers what has come."""
        if not self._begun:
            return
        self._write_traces()
        self._set_meta({"rows": self.rows, "opened_at": self.opened_at})
        self._connection.execute("commit")
        self._begun = False

    def _write_traces(self) -> None:
        self._connection.executemany(
            "insert or replace into traces values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [trace.row() for trace in self._changed],
        )
        for trace in self._changed:
            trace.changed = False
        self._changed.clear()
        excess = len(self._traces) - _OPEN_TRACES
        for trace_id in list(self._traces)[: max(0, excess)]:
            del self._traces[trace_id]

    def seal(self, at: float) -> None:
        """Nothing will be appended any more: say what is in it, and leave a single file."""
        self.flush()
        mark_sealed(self._connection, at)
        self._connection.close()

    def abandon(self) -> None:
        """Give the file up without what came since the last `flush`: it could not be written."""
        with suppress(sqlite3.Error):
            self._connection.rollback()
        self._connection.close()

    def close(self) -> None:
        """Give the file up; it can be opened again and appended to."""
        self.flush()
        self._connection.close()

    def _begin(self) -> None:
        if not self._begun:
            self._connection.execute("begin immediate")
            self._begun = True

    def _highest(self, table: str) -> int:
        found = self._connection.execute(f"select max(id) from {table}").fetchone()[0]
        return int(found or 0)

    def _meta(self, key: str, default: Any) -> Any:
        row = self._connection.execute("select value from meta where key = ?", (key,)).fetchone()
        return default if row is None else row[0]

    def _set_meta(self, values: dict[str, Any]) -> None:
        self._connection.executemany("insert or replace into meta values (?, ?)", values.items())
