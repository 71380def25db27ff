"""A real telemetry store with an hour of a small shop in it, for the tests of the console's pages.

Two services behind a gateway: `orbit` asks `axon`. Every span, line and request is written the way
the receiver writes them; earlier runs are there to compare with. What is asked for by name:

    GOOD     an ordinary trace of five hops, with cohort and version
    FAILED   axon answers 503 twice, orbit's sidecar tries again, then its circuit opens
    DENIED   the policy refuses the call; the reason is hostile text
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from fairway.telemetry.entries import LogEntry, RequestEntry
from fairway.telemetry.store.reading import StoredTelemetry
from fairway.telemetry.store.writing import Writer

NANO = 1_000_000_000
START = 1_780_000_000.0
NOW = START + 3600.0
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"
GOOD, FAILED, DENIED = "a0" * 16, "bad" + "0" * 29, "de" * 16
_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0]


@dataclass(frozen=True)
class Hop:
    """A span: seconds after the trace's beginning, whose it is, below which one."""

    name: str
    service: str
    at: float
    took: float
    parent: int | None = None
    kind: int = 2
    envoy: bool = False
    version: str = "r7"
    error: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)
    event: str = ""


def seeded(folder: Path) -> StoredTelemetry:
    """The store, closed and ready to be read at `NOW`."""
    _earlier_run(folder)
    clock = [START]
    writer = Writer(folder, 2, lambda: clock[0])
    for minute in range(60):
        clock[0] = START + minute * 60
        _minute(writer, clock[0], minute)
    for trace, hops in ((GOOD, good()), (FAILED, failed()), (DENIED, denied())):
        writer.traces(trace_of(trace, NOW - 60, hops))
    _lines(writer)
    clock[0] = NOW
    writer.flush()
    writer.close()
    return StoredTelemetry(folder, lambda: NOW)


def good(slow: float = 1.0) -> list[Hop]:
    """gateway → orbit's sidecar → orbit → axon's sidecar → axon."""
    took = 0.048 * slow
    cohort = {"fairway.cohort": "r8", "fairway.version": "r8"}
    return [
        Hop("ingress", "gateway", 0, took, envoy=True, version="",
            attributes={"http.status_code": "200", "fairway.peer": "public"}),
        Hop("orbit ingress", "orbit", 0.001, took - 0.002, 0, envoy=True,
            attributes={"http.status_code": "200", **cohort}),
        Hop("POST /dispatch", "orbit", 0.002, took - 0.005, 1, version="r8",
            attributes={"http.response.status_code": 200, "http.route": "dispatch",
                        "fairway.decision": "allow", "fairway.policies": ["intent-web-dispatch"],
                        "fairway.decision_id": "d-1"}, event="plan chosen"),
        Hop("plan", "orbit", 0.003, 0.006, 2, 1, version="r8"),
        Hop("axon egress", "orbit", 0.01, took - 0.016, 2, 3, envoy=True,
            attributes={"http.status_code": "200", "fairway.attempts": "2"}),
        Hop("POST /reason", "axon", 0.012, took - 0.02, 4,
            attributes={"http.response.status_code": 200, "fairway.decision": "allow",
                        "fairway.policies": ["intent-orbit-reason"]}),
    ]  # fmt: skip


def failed() -> list[Hop]:
    """axon fails; orbit's sidecar tries again until its circuit opens."""
    bad = {"http.status_code": "503"}
    return [
        Hop("ingress", "gateway", 0, 0.9, envoy=True, version="", attributes=bad),
        Hop("POST /dispatch", "orbit", 0.002, 0.89, 0, error=True,
            attributes={"http.response.status_code": 503, "http.route": "dispatch"}),
        Hop("axon egress", "orbit", 0.01, 0.85, 1, 3, envoy=True, error=True,
            attributes={**bad, "fairway.attempts": "3", "fairway.flags": "UO,URX"}),
        Hop("POST /reason", "axon", 0.02, 0.4, 2, error=True,
            attributes={"http.response.status_code": 503, "error.type": "ModelOverloaded"}),
        Hop("POST /reason", "axon", 0.45, 0.4, 2, error=True,
            attributes={"http.response.status_code": 503, "error.type": "ModelOverloaded"}),
    ]  # fmt: skip


def denied() -> list[Hop]:
    """The policy says no; its reason tries to be a script."""
    return [
        Hop("ingress", "gateway", 0, 0.006, envoy=True, version="",
            attributes={"http.status_code": "403"}),
        Hop(f"POST /reason {EVIL}", "axon", 0.001, 0.004, 0,
            attributes={"http.response.status_code": 403, "fairway.decision": "deny",
                        "fairway.policies": ["no-night-calls"], "fairway.reason": EVIL,
                        EVIL: EVIL}),
    ]  # fmt: skip


def trace_of(trace_id: str, at: float, hops: list[Hop]) -> bytes:
    """A serialised request with the spans of one trace."""
    request = ExportTraceServiceRequest()
    for number, hop in enumerate(hops, 1):
        group = request.resource_spans.add()
        group.resource.CopyFrom(_resource(hop.service, hop.version, hop.envoy))
        span = group.scope_spans.add().spans.add()
        span.trace_id, span.span_id = bytes.fromhex(trace_id), _span_id(trace_id, number)
        if hop.parent is not None:
            span.parent_span_id = _span_id(trace_id, hop.parent + 1)
        span.name, span.kind = hop.name, hop.kind
        span.start_time_unix_nano = round((at + hop.at) * NANO)
        span.end_time_unix_nano = round((at + hop.at + hop.took) * NANO)
        span.attributes.extend(_pair(name, value) for name, value in hop.attributes.items())
        if hop.error:
            span.status.code, span.status.message = 2, "upstream failed"
        if hop.event:
            event = span.events.add(name=hop.event, time_unix_nano=span.start_time_unix_nano)
            event.attributes.append(_pair("route", "shortest"))
    return request.SerializeToString()


def span_id(trace_id: str, number: int) -> str:
    """The id of a hop of `trace_of`, counted from 1."""
    return _span_id(trace_id, number).hex()


def _minute(writer: Writer, at: float, minute: int) -> None:
    """Traffic that breathes; a canary of r8 gets a share from the thirtieth minute on."""
    for number in range(30):
        moment = at + number * 2
        busy = 1 + 0.4 * math.sin((minute * 60 + number * 2) / 500)
        version = "r8" if minute >= 30 and number % 4 == 0 else "r7"
        slow = (1.6 if version == "r8" else 1.0) * (0.8 + (number * 7 % 11) / 20)
        writer.requests(_requests(moment, busy, version, slow, number))
        if number % 15 == 3:
            writer.traces(trace_of(f"{minute:08x}{number:024x}", moment, good(slow)))
    writer.metrics(_metrics(at, minute))
    writer.flush()


def _requests(at: float, busy: float, version: str, slow: float, number: int) -> list[RequestEntry]:
    found = []
    for each in range(round(4 * busy)):
        took = 0.04 * slow * (1 + each / 10)
        bad = number == 17 and each == 0
        found += [
            RequestEntry(at, "public", "gateway", "", "", took + 0.002, error=bad),
            RequestEntry(at, "gateway", "orbit", version, "dispatch", took, error=bad),
            RequestEntry(at, "orbit", "axon", "r7", "reason", took * 0.6, retried=bad),
        ]
    if number == 9:
        found.append(RequestEntry(at, "intruder", "axon", "r7", "reason", 0.001, denied=True))
    return found


def _metrics(at: float, minute: int) -> bytes:
    """A counter and a histogram of the services' own, and what processes use."""
    request = ExportMetricsServiceRequest()
    for service, version in (("orbit", "r7"), ("axon", "r7")):
        group = request.resource_metrics.add()
        group.resource.CopyFrom(_resource(service, version, False))
        scope = group.scope_metrics.add()
        for name, unit, words, value in (
            ("process.cpu.utilization", "1", "processor cores in use", 0.2 + minute % 7 / 20),
            ("process.memory.usage", "By", "resident memory", 70e6 + minute * 1e5),
        ):
            gauge = scope.metrics.add(name=name, unit=unit, description=words)
            gauge.gauge.data_points.add(time_unix_nano=round(at * NANO), as_double=value)
    _orders(request, at, minute)
    return request.SerializeToString()


def _orders(request: ExportMetricsServiceRequest, at: float, minute: int) -> None:
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    counter = metrics.add(name="orders", unit="{order}", description="orders that were dispatched")
    counter.sum.is_monotonic, counter.sum.aggregation_temporality = True, 2
    for kind, factor in (("express", 3), ("parcel", 11)):
        point = counter.sum.data_points.add(as_int=minute * factor)
        point.start_time_unix_nano, point.time_unix_nano = round(START * NANO), round(at * NANO)
        point.attributes.append(_pair("kind", kind))
    histogram = metrics.add(name="plan.duration", unit="s", description="time to plan a route")
    histogram.histogram.aggregation_temporality = 1
    point = histogram.histogram.data_points.add(count=100, sum=2.5)
    point.start_time_unix_nano, point.time_unix_nano = round((at - 60) * NANO), round(at * NANO)
    point.explicit_bounds.extend(_BOUNDS)
    point.bucket_counts.extend([10, 30, 30, 15, 8, 4, 2, 1, 0])
    exemplar = point.exemplars.add(time_unix_nano=round(at * NANO), as_double=0.09)
    exemplar.trace_id, exemplar.span_id = bytes.fromhex(GOOD), _span_id(GOOD, 4)


def _lines(writer: Writer) -> None:
    """Lines of both services, some of the traces above, one hostile."""
    ordinary = [
        LogEntry(
            START + number * 12, "orbit", "orbit.r7.0", "r7", "info", f"dispatched order {number}",
            {"order": number, "kind": "express" if number % 3 else "parcel", "method": "POST"},
        )
        for number in range(300)
    ]  # fmt: skip
    told = [
        LogEntry(NOW - 60, "orbit", "orbit.r8.0", "r8", "info", "plan chosen",
                 {"correlation_id": "c-good"}, GOOD, span_id(GOOD, 3)),
        LogEntry(NOW - 59.9, "axon", "axon.r7.0", "r7", "info", "reasoned",
                 {"correlation_id": "c-good"}, GOOD, span_id(GOOD, 6)),
        LogEntry(NOW - 59.5, "axon", "axon.r7.0", "r7", "error", "the model is overloaded",
                 {"http.response.status_code": 503, "correlation_id": "c-bad"}, FAILED,
                 span_id(FAILED, 4)),
        LogEntry(NOW - 59, "axon", "axon.r7.0", "r7", "warning",
                 f"\x1b[33mdenied\x1b[0m {EVIL}", {EVIL: EVIL, "quote": "\"'><b>"}, DENIED),
        LogEntry(NOW - 58, "gateway", "gateway", "", "info", "POST /dispatch 200",
                 {"status": 200}, GOOD, source="access"),
    ]  # fmt: skip
    writer.lines(ordinary + told)


def _earlier_run(folder: Path) -> None:
    """Half an hour of the day before, slower than today."""
    began = START - 86_400
    clock = [began]
    writer = Writer(folder, 1, lambda: clock[0])
    for number in range(180):
        clock[0] = began + number * 10
        writer.requests(_requests(clock[0], 1.0, "r6", 2.0, number))
    writer.flush()
    writer.close()


def _resource(service: str, version: str, envoy: bool) -> Resource:
    named = {"service.name": service, "service.version": version}
    named["service.instance.id"] = f"{service}.{version}.0" if version else service
    if envoy:
        named["telemetry.sdk.name"] = "envoy"
    return Resource(attributes=[_pair(name, value) for name, value in named.items() if value])


def _pair(name: str, value: Any) -> KeyValue:
    return KeyValue(key=name, value=_value(value))


def _value(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[_value(each) for each in value]))
        case _:
            return AnyValue(string_value=str(value))


def _span_id(trace_id: str, number: int) -> bytes:
    return bytes.fromhex(trace_id[:12]) + number.to_bytes(2, "big")
