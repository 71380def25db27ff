"""Takes telemetry in and appends it to the store. Used by the receiver's process alone.

OTLP arrives as the bytes of an `Export…ServiceRequest`, log files and access logs as entries. What
was taken is seen by readers after `flush`, which the receiver calls a few times a second; `tidy`,
called about once a minute, begins new segments and keeps the store within its limits. Not safe for
several threads: the receiver has one that writes. Only one `Writer` at a time may have a folder.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from fairway.errors import InvalidInput, Unavailable
from fairway.telemetry.config import Retention
from fairway.telemetry.entries import LogEntry, RequestEntry
from fairway.telemetry.store.layout import (
    SegmentFile,
    rollups_file,
    segment_file,
    segments,
)
from fairway.telemetry.store.log_rows import LogRows
from fairway.telemetry.store.metric_rows import MetricRows
from fairway.telemetry.store.rollups import RollupsWriter
from fairway.telemetry.store.sealing import ended_at, seal_leftovers
from fairway.telemetry.store.segment import SegmentWriter
from fairway.telemetry.store.tidying import Tidying

_NANO = 1_000_000_000
_M = TypeVar("_M", bound=Message)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request: OTLP's partial success. `problem` says why some were refused."""

    accepted: int
    rejected: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """When another segment begins: so many rows, or so many seconds."""

    rows: int = 500_000
    seconds: float = 6 * 3600.0


class Writer:
    """Appends to the store in `folder`, for the run with that number. `clock` gives Unix time."""

    def __init__(
        self,
        folder: Path,
        run: int,
        clock: Callable[[], float],
        *,
        retention: Retention | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._folder, self._run, self._clock = folder, run, clock
        self._limits = limits or Limits()
        self._retention = retention or Retention()
        self._rollups: RollupsWriter
        self._segment: SegmentWriter
        self._tidying = Tidying(folder)
        self._open()
        seal_leftovers(folder, self._segment.file.sequence)

    def traces(self, data: bytes) -> Taken:
        """Take the spans of a serialised ExportTraceServiceRequest; InvalidInput if it is none."""
        request = _parsed(ExportTraceServiceRequest, data)
        with self._writing():
            accepted, rejected = self._segment.spans(request.resource_spans, self._now())
            self._roll()
        problem = f"{rejected} spans have no valid trace or span id" if rejected else ""
        return Taken(accepted, rejected, problem)

    def logs(self, data: bytes) -> Taken:
        """Take the records of a serialised ExportLogsServiceRequest; InvalidInput if it is none."""
        request = _parsed(ExportLogsServiceRequest, data)
        with self._writing():
            accepted = self._logs.records(request.resource_logs, self._now())
            self._roll()
        return Taken(accepted)

    def metrics(self, data: bytes) -> Taken:
        """Take the points of an ExportMetricsServiceRequest; InvalidInput if it is none."""
        request = _parsed(ExportMetricsServiceRequest, data)
        with self._writing():
            accepted, rejected = self._metrics.points(request.resource_metrics, self._now())
            self._roll()
        problem = f"{rejected} points are of a kind that is not kept (summary)" if rejected else ""
        return Taken(accepted, rejected, problem)

    def lines(self, entries: Iterable[LogEntry]) -> None:
        """Take lines of log files."""
        with self._writing():
            self._logs.entries(entries)
            self._roll()

    def requests(self, entries: Iterable[RequestEntry]) -> None:
        """Count requests into the rollups."""
        with self._writing():
            self._rollups.add(entries)

    def flush(self) -> None:
        """Show readers what has come."""
        with self._writing():
            self._segment.flush()
            self._rollups.flush()

    def tidy(self, retention: Retention | None = None) -> None:
        """Begin a new segment if it is time, and keep the store within its limits."""
        self._retention = retention or self._retention
        if not self._segment.file.path.exists():
            self._begin_again()  # somebody deleted the folder: go on in a new one
        self.flush()
        now = self._clock()
        with self._writing():
            self._rollups.alive(now)
            self._rollups.tidy(now)
            if self._segment.rows and self._is_over(now):
                self._next_segment()
            self._tidying.keep(self._retention, now, self._segment.file.sequence)

    def close(self) -> None:
        """Give the files up; a later `Writer` goes on with them."""
        self._rollups.alive(self._clock())
        self._rollups.close()
        self._segment.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """What came since the last `flush` is lost when the disk does not take it; the rest not."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self._begin_again()
            raise Unavailable(
                "telemetry-unwritable",
                f"telemetry cannot be stored: {error}",
                where=str(self._folder),
                remedy="make room on the disk, and let the folder be writable",
            ) from error

    def _begin_again(self) -> None:
        """Forget what is not in the files, and go on with them as far as they can be used."""
        self._segment.abandon()
        self._rollups.abandon()
        with suppress(sqlite3.Error, OSError):
            self._open()

    def _is_over(self, now: float) -> bool:
        """True if the segment is old, or a large part of all that may be stored."""
        too_old = now - self._segment.opened_at > self._limits.seconds
        return too_old or self._segment.file.path.stat().st_size > self._retention.size / 8

    def _open(self) -> None:
        self._rollups = RollupsWriter(rollups_file(self._folder), self._run, self._clock())
        self._begin_segment(self._to_continue() or self._new_file())

    def _roll(self) -> None:
        if self._segment.rows >= self._limits.rows:
            self._next_segment()

    def _next_segment(self) -> None:
        self._segment.seal(self._clock())
        self._begin_segment(self._new_file())

    def _begin_segment(self, file: SegmentFile) -> None:
        self._segment = SegmentWriter(file, self._clock())
        self._logs = LogRows(self._segment)
        self._metrics = MetricRows(self._segment)

    def _new_file(self) -> SegmentFile:
        sequence = max((file.sequence for file in segments(self._folder)), default=0) + 1
        return segment_file(self._folder, self._run, sequence)

    def _to_continue(self) -> SegmentFile | None:
        """The newest segment, if it is of this run and was not finished."""
        found = segments(self._folder)[-1:]
        goes_on = found and found[0].run == self._run and ended_at(found[0]) is None
        return found[0] if goes_on else None

    def _now(self) -> int:
        return int(self._clock() * _NANO)


def _parsed(kind: type[_M], data: bytes) -> _M:
    request = kind()
    try:
        request.ParseFromString(data)
    except DecodeError as error:
        raise InvalidInput(
            "otlp-undecodable",
            f"this is no {kind.DESCRIPTOR.name} in protobuf",
            remedy="send OTLP as protobuf with content type application/x-protobuf, or as JSON",
        ) from error
    return request
