"""Spans of served requests and of calls, exported by OpenTelemetry where an endpoint is configured.

`exchange.py` and `client.py` begin and end spans through `Tracing`. The class here does nothing but
pass ids on; `otel.py`, imported only when `OTEL_EXPORTER_OTLP_ENDPOINT` is set, records. A missing
`otel` extra is one line in the log, never a failed start: on a developer's machine every service is
given an endpoint, whether it has the extra or not.
"""

from __future__ import annotations

from typing import Protocol

from fairway_runtime.context import Trace, child
from fairway_runtime.logs import get_logger
from fairway_runtime.metrics import Metrics
from fairway_runtime.settings import Settings

Attributes = dict[str, str | int]

_log = get_logger(__name__)


class Span(Protocol):
    """One recorded span, or nothing."""

    def end(self, status: int, attributes: Attributes) -> None:
        """Finish it with an HTTP status; 0 for none (the connection failed)."""
        ...


class NoSpan:
    """A span that nobody records."""

    def end(self, status: int, attributes: Attributes) -> None:
        """Nothing to finish."""


NO_SPAN = NoSpan()


class Tracing:
    """Passes trace context on and records nothing."""

    def begin_server(self, trace: Trace, name: str) -> tuple[Trace, Span]:
        """The span of a request that is served; `trace` is what was parsed from its headers."""
        del name
        return trace, NO_SPAN

    def begin_client(self, trace: Trace, name: str) -> tuple[Trace, Span]:
        """The span of a call, below `trace`."""
        del name
        return child(trace), NO_SPAN

    def close(self) -> None:
        """Export what is left."""


_shared: Tracing | None = None


def shared_tracing(settings: Settings, metrics: Metrics) -> Tracing:
    """The tracing of this process: one exporter, whoever asks first starts it."""
    global _shared  # noqa: PLW0603 - exporters are threads and connections: one set per process
    if _shared is None:
        _shared = start_tracing(settings, metrics)
    return _shared


def start_tracing(settings: Settings, metrics: Metrics) -> Tracing:
    """OpenTelemetry if an endpoint is configured and the extra is installed."""
    if settings.otlp_endpoint is None:
        return Tracing()
    try:
        from fairway_runtime.otel import OtelTracing  # noqa: PLC0415 - 150 ms that most never need
    except ModuleNotFoundError as error:
        _log.info(
            "no traces or metrics are exported: OpenTelemetry is not installed",
            missing=error.name,
            remedy="pip install 'fairway-runtime[otel]', or unset OTEL_EXPORTER_OTLP_ENDPOINT",
        )
        return Tracing()
    return OtelTracing(settings, metrics)
