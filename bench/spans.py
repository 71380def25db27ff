"""OTLP requests with spans as services and Envoys send them, made faster than a store takes them.

A request is built once, then stamped: its trace ids all begin with the same marker, and the upper
half of every time stamp is a marker too, so that two replacements of bytes make another request of
it. One span has eight attributes and takes some 330 bytes; a trace has ten spans of five resources,
and in every hundredth request there is one of two hundred.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

WINDOW = 1 << 32
"""Nanoseconds that one request's spans lie in: what the lower half of a time stamp counts."""
SPANS = 510
LONG = 200
_TRACE_MARK = bytes.fromhex("f1e2d3c4b5a69788")
_TIME_MARK = bytes.fromhex("9ab7c5d3")
_RESOURCES = (
    ("gateway", "envoy"), ("orbit", "envoy"), ("orbit", "opentelemetry"), ("axon", "envoy"),
    ("axon", "opentelemetry"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Template:
    """A request to be stamped."""

    body: bytes

    def stamped(self, number: int, window: int) -> bytes:
        """The request with that number, in that window of time."""
        spread = number * 0x9E3779B97F4A7C15 % (1 << 64)  # ids in no order, as chance gives them
        body = self.body.replace(_TRACE_MARK, spread.to_bytes(8, "big"))
        return body.replace(_TIME_MARK, window.to_bytes(4, "little"))


def template(seed: int, *, long: bool) -> Template:
    """A request of `SPANS` spans; with `long` one trace of it has two hundred."""
    chance = random.Random(seed)
    request = ExportTraceServiceRequest()
    for service, sdk in _RESOURCES:
        group = request.resource_spans.add()
        _attribute(group.resource, "service.name", service)
        _attribute(group.resource, "service.version", "v1")
        _attribute(group.resource, "telemetry.sdk.name", sdk)
        group.scope_spans.add().scope.name = sdk
    sizes = [LONG] if long else []
    while sum(sizes) < SPANS:
        sizes.append(min(10, SPANS - sum(sizes)))
    for index, size in enumerate(sizes):
        _trace(request, chance, _TRACE_MARK + index.to_bytes(8, "big"), size)
    return Template(request.SerializeToString())


def requests(count: int, latest: int) -> Iterator[bytes]:
    """So many requests at 20,000 spans a second of their own time, up to `latest` (Unix ns)."""
    usual = [template(seed, long=False) for seed in range(16)]
    special = template(99, long=True)
    per_window = WINDOW * 20_000 // 10**9 // SPANS
    first = latest // WINDOW - count // per_window
    base = random.Random(latest).getrandbits(62)
    for number in range(count):
        chosen = special if number % 100 == 0 else usual[number % len(usual)]
        yield chosen.stamped(base + number, first + number // per_window)


def _trace(
    request: ExportTraceServiceRequest, chance: random.Random, trace_id: bytes, size: int
) -> None:
    start = chance.randrange(WINDOW - 2 * 10**9)
    failed = chance.random() < 0.02
    duration = int(min(chance.lognormvariate(16.5, 0.8), 1.5e9))
    parent = b""
    for depth in range(size):
        span = request.resource_spans[depth % len(_RESOURCES)].scope_spans[0].spans.add()
        span.trace_id, span.span_id, span.parent_span_id = trace_id, chance.randbytes(8), parent
        span.name = ("POST /dispatch", "POST /reason", "axon.reason")[depth % 3]
        span.kind = Span.SPAN_KIND_CLIENT if depth % 2 else Span.SPAN_KIND_SERVER
        span.start_time_unix_nano = _marked(start + depth * 1000)
        span.end_time_unix_nano = _marked(start + max(duration - depth * 1000, depth * 1000 + 500))
        if failed and depth == size - 1:
            span.status.code = span.status.STATUS_CODE_ERROR
        _describe(span, chance, failed)
        parent = span.span_id


def _marked(low: int) -> int:
    return int.from_bytes(_TIME_MARK, "little") << 32 | low


def _describe(span: Span, chance: random.Random, failed: bool) -> None:
    _attribute(span, "http.request.method", "POST")
    _attribute(span, "url.path", "/dispatch")
    _attribute(span, "server.address", "127.0.0.1")
    _attribute(span, "user_agent.original", "python-httpx/0.28")
    _attribute(span, "fairway.cohort", "stable")
    _attribute(span, "customer", f"customer-{chance.randrange(500)}")
    _attribute(span, "fairway.decision", "allow")
    entry = span.attributes.add()
    entry.key, entry.value.int_value = "http.response.status_code", 500 if failed else 200


def _attribute(owner: object, key: str, value: str) -> None:
    entry = owner.attributes.add()  # type: ignore[attr-defined]
    entry.key, entry.value.string_value = key, value
