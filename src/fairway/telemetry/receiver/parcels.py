"""One export request, checked: from the bytes that came to bytes that the store can take. Pure.

Used by `reception.py`. Everything that can be wrong with a request is found here, so that its
sender hears of it; the store sees only what parses, and spans with well-formed ids.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from fairway.errors import InvalidInput
from fairway.telemetry.receiver.replies import Signal

_IDS: Final = frozenset(
    {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
)
_GZIP: Final = 31
"""zlib's number for: a gzip header and trailer around it."""
_DEEPEST: Final = 100
"""JSON nested deeper than that is refused; protobuf has the same limit."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A good request: its signal, a serialised `Export…ServiceRequest`, and how many items it has.

    `rejected` items beside those are not stored, for the reason in `complaint`.
    """

    signal: Signal
    body: bytes
    items: int
    rejected: int = 0
    complaint: str = ""


def parcel(signal: Signal, body: bytes) -> Parcel:
    """A request in protobuf; InvalidInput when it is none."""
    try:
        match signal:
            case "traces":
                return _traces(ExportTraceServiceRequest.FromString(body), body)
            case "metrics":
                return _metrics(ExportMetricsServiceRequest.FromString(body), body)
            case "logs":
                return _logs(ExportLogsServiceRequest.FromString(body), body)
    except DecodeError as error:
        raise _damaged(signal, f"no protobuf of that kind: {error}") from error


def parcel_of_json(signal: Signal, body: bytes) -> Parcel:
    """A request in OTLP's JSON, where ids are hexadecimal; InvalidInput when it is none."""
    try:
        content = _with_base64_ids(json.loads(body))
        if not isinstance(content, dict):
            raise _damaged(signal, "no OTLP in JSON: it is no object")
        message = ParseDict(content, _message(signal), ignore_unknown_fields=True)
    except (ValueError, ParseError, RecursionError) as error:
        raise _damaged(signal, f"no OTLP in JSON: {error}") from error
    return parcel(signal, message.SerializeToString())


def inflated(body: bytes, limit: int) -> bytes | None:
    """What a gzip holds; None when that is more than `limit` bytes. InvalidInput: it is no gzip."""
    inflating = zlib.decompressobj(_GZIP)
    try:
        content = inflating.decompress(body, limit + 1)
    except zlib.error as error:
        raise InvalidInput(
            "gzip-damaged",
            f"the body is no gzip: {error}",
            remedy="send what `Content-Encoding` says",
        ) from error
    if len(content) > limit:
        return None
    if not inflating.eof:
        raise InvalidInput("gzip-damaged", "the gzip ends too early", remedy="send it whole")
    return content


def _message(signal: Signal) -> Message:
    match signal:
        case "traces":
            return ExportTraceServiceRequest()
        case "metrics":
            return ExportMetricsServiceRequest()
        case "logs":
            return ExportLogsServiceRequest()


def _traces(request: ExportTraceServiceRequest, body: bytes) -> Parcel:
    """Spans whose ids have the wrong length are taken out: they could never be found again."""
    spans = bad = 0
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            spans += len(scope.spans)
            for span in scope.spans:
                if len(span.trace_id) != 16 or len(span.span_id) != 8:
                    bad += 1
    if not bad:
        return Parcel("traces", body, spans)
    complaint = "a trace id has 16 bytes, a span id 8: spans with others are not stored"
    return Parcel("traces", _without_bad_spans(request), spans - bad, bad, complaint)


def _without_bad_spans(request: ExportTraceServiceRequest) -> bytes:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            good = [s for s in scope.spans if len(s.trace_id) == 16 and len(s.span_id) == 8]
            del scope.spans[:]
            scope.spans.extend(good)
    return request.SerializeToString()


def _metrics(request: ExportMetricsServiceRequest, body: bytes) -> Parcel:
    """Points of summaries are not stored, and their sender is told so."""
    points = summaries = 0
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                if kind == "summary":
                    summaries += len(metric.summary.data_points)
                elif kind is not None:
                    points += len(getattr(metric, kind).data_points)
    complaint = "summaries are not stored: send histograms" if summaries else ""
    return Parcel("metrics", body, points, summaries, complaint)


def _logs(request: ExportLogsServiceRequest, body: bytes) -> Parcel:
    records = sum(
        len(scope.log_records)
        for resource in request.resource_logs
        for scope in resource.scope_logs
    )
    return Parcel("logs", body, records)


def _with_base64_ids(value: Any, depth: int = 0) -> Any:
    """The same with ids in base64, as protobuf's JSON wants bytes. Attributes are lists of `key`
    and `value`, so that no name in them can be taken for an id.
    """
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(value, list):
        return [_with_base64_ids(entry, depth + 1) for entry in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: _base64_of(entry)
        if name in _IDS and isinstance(entry, str)
        else _with_base64_ids(entry, depth + 1)
        for name, entry in value.items()
    }


def _base64_of(text: str) -> str:
    try:
        return base64.b64encode(bytes.fromhex(text)).decode()
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"{text!r} is no hexadecimal id") from error


def _damaged(signal: Signal, why: str) -> InvalidInput:
    return InvalidInput(
        "otlp-damaged",
        f"the {signal} request cannot be read: {why}",
        remedy="send OTLP 1.x as its Content-Type says",
    )
