"""Spans for the tests of what the console draws."""

from __future__ import annotations

from collections.abc import Mapping

from fairway.telemetry.port import Span, SpanKind, SpanStatus, Value


def span(
    name: str,
    start: float,
    duration: float,
    parent: str = "",
    *,
    service: str = "orbit",
    kind: SpanKind = "server",
    status: SpanStatus = "unset",
    attributes: Mapping[str, Value] | None = None,
    version: str = "",
    instance: str = "",
) -> Span:
    """A span whose id is its name."""
    return Span(
        "t1", name, parent, name, kind, service, version, instance, start, duration, status, "",
        attributes or {}, {},
    )  # fmt: skip
