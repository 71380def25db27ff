"""A telemetry store for tests: OTLP requests in a few words, a real writer, real files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from fairway.telemetry.config import Retention
from fairway.telemetry.store.reading import StoredTelemetry
from fairway.telemetry.store.writing import Limits, Writer

NOW = 1_800_000_000.0
NANO = 1_000_000_000


@dataclass(frozen=True)
class Sent:
    """A span to be sent. `at` is seconds after NOW; ids are short numbers."""

    trace: int
    span: int
    parent: int = 0
    at: float = 0.0
    duration: float = 0.01
    service: str = "orbit"
    version: str = "v1"
    name: str = "POST /dispatch"
    error: bool = False
    sdk: str = "opentelemetry"
    attributes: Mapping[str, Any] = field(default_factory=dict)


def trace_id(number: int) -> str:
    """The id that a span with that trace number gets: its last bytes are spread as chance would."""
    mixed = number * 0x9E3779B97F4A7C15 % (1 << 64)
    return f"{number:016x}{mixed:016x}"


def span_id(number: int) -> str:
    """The id of a span by its number."""
    return f"{number:016x}"


def spans(sent: Iterable[Sent]) -> bytes:
    """As a serialised request, one resource per service, version and SDK."""
    request = ExportTraceServiceRequest()
    groups: dict[tuple[str, str, str], Any] = {}
    for one in sent:
        key = (one.service, one.version, one.sdk)
        if key not in groups:
            group = request.resource_spans.add()
            attribute(group.resource, "service.name", one.service)
            attribute(group.resource, "service.version", one.version)
            attribute(group.resource, "telemetry.sdk.name", one.sdk)
            groups[key] = group.scope_spans.add()
            groups[key].scope.name = "tests"
        _fill(groups[key].spans.add(), one)
    return request.SerializeToString()


def _fill(span: Any, one: Sent) -> None:
    span.trace_id = bytes.fromhex(trace_id(one.trace))
    span.span_id = bytes.fromhex(span_id(one.span))
    span.parent_span_id = bytes.fromhex(span_id(one.parent)) if one.parent else b""
    span.name = one.name
    span.kind = span.SPAN_KIND_SERVER
    span.start_time_unix_nano = nanos(one.at)
    span.end_time_unix_nano = nanos(one.at) + round(one.duration * NANO)
    if one.error:
        span.status.code = span.status.STATUS_CODE_ERROR
    for key, value in one.attributes.items():
        attribute(span, key, value)


def nanos(at: float) -> int:
    """Seconds after NOW as Unix nanoseconds."""
    return round((NOW + at) * 1000) * 1_000_000


def logs(*records: Mapping[str, Any], service: str = "orbit") -> bytes:
    """Log records: `text`, `at`, `severity`, `trace`, and what else is an attribute."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    attribute(group.resource, "service.name", service)
    for fields in records:
        record = group.scope_logs.add().log_records.add()
        more = dict(fields)
        record.body.string_value = more.pop("text", "")
        record.time_unix_nano = nanos(more.pop("at", 0.0))
        record.severity_number = more.pop("severity", 9)
        if "trace" in more:
            record.trace_id = bytes.fromhex(trace_id(more.pop("trace")))
        for key, value in more.items():
            attribute(record, key, value)
    return request.SerializeToString()


def metrics(*found: Metric, service: str = "orbit", instance: str = "orbit.v1.0") -> bytes:
    """Metrics of one process."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    attribute(group.resource, "service.name", service)
    attribute(group.resource, "service.instance.id", instance)
    group.scope_metrics.add().metrics.extend(found)
    return request.SerializeToString()


def counter(name: str, at: float, value: float, *, start: float = 0.0, **labels: Any) -> Metric:
    """One point of a cumulative, monotonic sum."""
    metric = Metric(name=name, unit="1", description="a counter")
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    point = metric.sum.data_points.add()
    _point(point, at, start, labels)
    point.as_double = value
    return metric


def gauge(name: str, at: float, value: float, **labels: Any) -> Metric:
    """One point of a gauge."""
    metric = Metric(name=name)
    point = metric.gauge.data_points.add()
    _point(point, at, 0.0, labels)
    point.as_double = value
    return metric


def _point(point: Any, at: float, start: float, labels: Mapping[str, Any]) -> None:
    point.time_unix_nano, point.start_time_unix_nano = nanos(at), nanos(start)
    for key, value in labels.items():
        attribute(point, key, value)


def attribute(owner: Any, key: str, value: Any) -> None:
    """Add one attribute of whichever kind."""
    entry = owner.attributes.add()
    entry.key = key
    match value:
        case bool():
            entry.value.bool_value = value
        case int():
            entry.value.int_value = value
        case float():
            entry.value.double_value = value
        case bytes():
            entry.value.bytes_value = value
        case list():
            entry.value.array_value.values.add().string_value = value[0]
        case _:
            entry.value.string_value = value


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Store:
    """A writer and a reader of one folder."""

    def __init__(
        self,
        folder: Path,
        *,
        rows: int = 500_000,
        run: int = 1,
        retention: Retention | None = None,
        now: float = NOW,
    ) -> None:
        self.folder = folder
        self.clock = Clock(now)
        self.writer = Writer(folder, run, self.clock, retention=retention, limits=Limits(rows=rows))
        self.telemetry = StoredTelemetry(folder, self.clock)

    def send(self, *sent: Sent) -> None:
        """Store spans and show them."""
        self.writer.traces(spans(sent))
        self.writer.flush()

    @property
    def files(self) -> list[str]:
        """The names of all segments."""
        return sorted(path.name for path in (self.folder / "segments").glob("*.db"))
