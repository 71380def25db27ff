"""What is checked of a request before it is accepted, and OTLP's JSON as the same message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from fairway.errors import InvalidInput
from fairway.telemetry.receiver.parcels import inflated, parcel, parcel_of_json
from fairway.telemetry.receiver.replies import success, success_json


def hexadecimal(value: Any) -> Any:
    """A message's JSON with ids as OTLP wants them."""
    if isinstance(value, list):
        return [hexadecimal(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {k: "0a" * (16 if k == "traceId" else 8) if k.endswith("Id") else hexadecimal(v)
            for k, v in value.items()}  # fmt: skip


def metrics() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    scope.metrics.add(name="in use").gauge.data_points.add(as_double=0.5)
    histogram = scope.metrics.add(name="took").histogram
    point = histogram.data_points.add(
        count=3, sum=2.5, bucket_counts=[1, 2], explicit_bounds=[0.5], time_unix_nano=2**62
    )
    point.exemplars.add(as_double=1.0, trace_id=b"\n" * 16, span_id=b"\n" * 8)
    scope.metrics.add(name="old").summary.data_points.add(count=1)
    return request


def test_json_is_the_same_message() -> None:
    request = metrics()
    content = json.dumps(hexadecimal(MessageToDict(request))).encode()
    found = parcel_of_json("metrics", content)
    assert ExportMetricsServiceRequest.FromString(found.body) == request
    assert (found.items, found.rejected) == (2, 1)
    assert "summaries" in found.complaint


def test_records_are_counted() -> None:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    records.add(trace_id=b"\n" * 16, span_id=b"\n" * 8).body.string_value = "hello"
    records.add().attributes.add(key="x").value.kvlist_value.values.add(key="y")
    found = parcel_of_json("logs", json.dumps(hexadecimal(MessageToDict(request))).encode())
    assert ExportLogsServiceRequest.FromString(found.body) == request
    assert (found.items, parcel("logs", b"").items) == (2, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}',
        b'{"resourceSpans": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"resourceSpans": [' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"]}",
        b"\xff\xfe",
    ],
)
def test_what_is_no_otlp_in_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        parcel_of_json("traces", body)


def test_a_gzip_is_unpacked_up_to_a_limit() -> None:
    import gzip

    packed = gzip.compress(b"x" * 1000)
    assert inflated(packed, 1000) == b"x" * 1000
    assert inflated(packed, 999) is None
    with pytest.raises(InvalidInput):
        inflated(packed[:-9], 1000)


def test_a_partial_success_says_how_much_and_why() -> None:
    partial = ExportTracePartialSuccess(rejected_spans=300, error_message="häh")
    wanted = ExportTraceServiceResponse(partial_success=partial)
    assert ExportTraceServiceResponse.FromString(success(300, "häh")) == wanted
    assert json.loads(success_json("traces", 300, "häh")) == MessageToDict(wanted)
