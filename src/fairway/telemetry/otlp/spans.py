"""Spans of OTLP: what the store's columns need of one, and the whole of one for whoever looks.

The writer asks `is_denied` and keeps the rest as bytes; the reader makes `port.Span` of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from fairway.telemetry.otlp.values import attributes_of, text_of, value_of
from fairway.telemetry.port import Attributes, Span, SpanEvent, SpanKind, SpanLink, SpanStatus

NANO = 1_000_000_000
_KINDS: tuple[SpanKind, ...] = (
    "internal", "internal", "server", "client", "producer", "consumer",
)  # fmt: skip
_STATUS: tuple[SpanStatus, ...] = ("unset", "ok", "error")
_CODES = ("http.response.status_code", "http.status_code")
_BY_THE_MESH = ("response_code_details", "fairway.flags", "response_flags", "fairway.details")
_HINTS = (b"deny", b"403", b"\x18\x93\x03")
"""Without any of these bytes no span is denied: the last is the protobuf of the number 403."""


_INBOUND = b"fairway.direction\x12\x09\x0a\x07inbound"
_VERSION = b"fairway.version\x12"
_TEXT = 0x0A
"""The tag of text in an AnyValue."""
_SHORT = 0x7F
"""The greatest length that takes one byte; no version is longer."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sent something: what is stored once for all spans of a process."""

    service: str
    version: str
    instance: str
    sidecar: bool = False


def origin_of(resource: Resource) -> Origin:
    """The service behind a resource. Envoys name themselves as their SDK."""
    found = {pair.key: text_of(value_of(pair.value)) for pair in resource.attributes}
    return Origin(
        found.get("service.name") or "unknown",
        found.get("service.version", ""),
        found.get("service.instance.id", ""),
        found.get("telemetry.sdk.name") == "envoy",
    )


def served_version(serialised: bytes) -> str:
    """The version that a sidecar passed a request to, from its span's bytes; empty if it says none.

    A sidecar serves all versions of its service, so its resource cannot say which. On the caller's
    side the same attribute is about the callee, and does not count.
    """
    if _INBOUND not in serialised:
        return ""
    value = serialised.partition(_VERSION)[2]
    if len(value) < 3 or value[1] != _TEXT or value[2] > _SHORT:
        return ""
    text = value[3 : 3 + value[2]].decode(errors="replace")
    return "" if text == "-" else text


def is_denied(attributes: Iterable[KeyValue], serialised: bytes) -> bool:
    """True if policy or mesh refused the call: the library's decision, or a 403 of an Envoy's own.

    `serialised` is the span's bytes: a search in them spares most spans the look at attributes.
    """
    if not any(hint in serialised for hint in _HINTS):
        return False
    found = attributes_of(attributes)
    if found.get("fairway.decision") == "deny":
        return True
    if not any(str(found.get(code)) == "403" for code in _CODES):
        return False
    details = " ".join(str(found.get(key, "")) for key in _BY_THE_MESH).lower()
    return "rbac" in details or "direct_response" in details


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store keeps of a span outside of its message, because it repeats."""

    trace_id: bytes
    name: str
    scope: str
    origin: Origin
    resource: Attributes


def span_of(message: trace_pb2.Span, kept: Kept) -> Span:
    """A span in full."""
    start = message.start_time_unix_nano
    return Span(
        trace_id=kept.trace_id.hex(),
        span_id=message.span_id.hex(),
        parent_id=message.parent_span_id.hex(),
        name=kept.name,
        kind=_KINDS[message.kind] if 0 <= message.kind < len(_KINDS) else "internal",
        service=kept.origin.service,
        version=kept.origin.version,
        instance=kept.origin.instance,
        started_at=start / NANO,
        duration=max(0, message.end_time_unix_nano - start) / NANO,
        status=_STATUS[message.status.code] if 0 <= message.status.code <= 2 else "unset",
        message=message.status.message,
        attributes=attributes_of(message.attributes),
        resource=kept.resource,
        scope=kept.scope,
        sidecar=kept.origin.sidecar,
        events=tuple(
            SpanEvent(event.time_unix_nano / NANO, event.name, attributes_of(event.attributes))
            for event in message.events
        ),
        links=tuple(SpanLink(link.trace_id.hex(), link.span_id.hex()) for link in message.links),
    )
