"""Traces and metrics by OTLP over HTTP; the `otel` extra, imported only when it is configured.

Spans come from the SDK with its own environment variables (`OTEL_TRACES_SAMPLER`, …): a request
whose parent is not sampled never reaches it, which saves most of the cost. Metrics are not counted
twice: a background thread turns our counters into OTLP every `OTEL_METRIC_EXPORT_INTERVAL` ms.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace import Span as SdkSpan

from fairway_runtime.context import Trace, child
from fairway_runtime.logs import get_logger
from fairway_runtime.metrics import BOUNDS, Family, Metrics, Sample
from fairway_runtime.settings import Settings
from fairway_runtime.tracing import NO_SPAN, Attributes, Span, Tracing

DEFAULT_INTERVAL = 60.0
_SCOPE = "fairway_runtime"
_log = get_logger(__name__)


class OtelTracing(Tracing):
    """Records sampled spans and exports counters."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        spans: SpanExporter | None = None,
        counters: MetricExporter | None = None,
    ) -> None:
        resource = Resource.create(_resource_attributes(settings))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(spans or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(_SCOPE)
        self._follows_parent = _follows_parent(self._provider.sampler)
        self._export = MetricsExport(
            metrics, resource, counters or OTLPMetricExporter(), _interval(settings)
        )
        self._export.start()

    def begin_server(self, trace: Trace, name: str) -> tuple[Trace, Span]:
        """A server span below the caller's, or a root if there is no parent."""
        return self._begin(trace, name, SpanKind.SERVER)

    def begin_client(self, trace: Trace, name: str) -> tuple[Trace, Span]:
        """A client span below the span of the request that is being served."""
        below = Trace(trace.trace_id, "", trace.span_id, trace.sampled, trace.state)
        return self._begin(below, name, SpanKind.CLIENT)

    def close(self) -> None:
        """Export what is left, and stop."""
        self._export.stop()
        self._provider.shutdown()

    def _begin(self, trace: Trace, name: str, kind: SpanKind) -> tuple[Trace, Span]:
        if trace.parent_id and not trace.sampled and self._follows_parent:
            return (trace if trace.span_id else child(_parent(trace))), NO_SPAN
        remote = kind is SpanKind.SERVER
        context = set_span_in_context(_parent_span(trace, remote)) if trace.parent_id else None
        span = self._tracer.start_span(name, context=context, kind=kind)
        found = span.get_span_context()
        ours = Trace(
            f"{found.trace_id:032x}",
            f"{found.span_id:016x}",
            trace.parent_id,
            found.trace_flags.sampled,
            trace.state,
        )
        if not span.is_recording():
            # The SDK gives a dropped span its parent's id; the next hop must see one of ours.
            return (ours if not trace.parent_id else child(_parent(ours))), NO_SPAN
        return ours, OtelSpan(span, kind)


class OtelSpan:
    """A recorded span."""

    __slots__ = ("_kind", "_span")

    def __init__(self, span: SdkSpan, kind: SpanKind) -> None:
        self._span = span
        self._kind = kind

    def end(self, status: int, attributes: Attributes) -> None:
        """Finish it. By convention a server's 4xx is no error of the server's."""
        self._span.set_attributes({name: value for name, value in attributes.items() if value})
        if self._kind is SpanKind.SERVER and (route := attributes.get("http.route")):
            self._span.update_name(f"{attributes.get('http.request.method', '')} {route}".strip())
        if status:
            self._span.set_attribute("http.response.status_code", status)
        failed = status == 0 or status >= (500 if self._kind is SpanKind.SERVER else 400)
        if failed:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class MetricsExport:
    """Pushes the counters on a daemon thread; a collector that is away costs one line a minute."""

    def __init__(
        self, metrics: Metrics, resource: Resource, exporter: MetricExporter, interval: float
    ) -> None:
        self._metrics = metrics
        self._resource = resource
        self._exporter = exporter
        self._interval = interval
        self._started = time.time_ns()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fairway-otlp", daemon=True)

    def start(self) -> None:
        """Begin to push."""
        self._thread.start()

    def stop(self) -> None:
        """Push once more and stop."""
        self._stopped.set()
        self._thread.join(timeout=10)
        self._exporter.shutdown()

    def _run(self) -> None:
        while True:
            stopping = self._stopped.wait(self._interval)
            self._push()
            if stopping:
                return

    def _push(self) -> None:
        try:
            self._exporter.export(self.data(time.time_ns()))
        except Exception as error:  # noqa: BLE001 - exporters document no exceptions; telemetry must not stop
            _log.warning("metrics could not be exported", error=f"{type(error).__name__}: {error}")

    def data(self, now: int) -> MetricsData:
        """All counters as OTLP knows them; `now` in nanoseconds."""
        metrics = [self._metric(family, now) for family in self._metrics.families()]
        scope = ScopeMetrics(InstrumentationScope(_SCOPE), metrics, "")
        return MetricsData([ResourceMetrics(self._resource, [scope], "")])

    def _metric(self, family: Family, now: int) -> Metric:
        unit = "s" if "_seconds" in family.name else "By" if "_bytes" in family.name else "1"
        return Metric(family.name, family.help, unit, self._points(family, now))

    def _points(self, family: Family, now: int) -> HistogramData | Sum | Gauge:
        cumulative = AggregationTemporality.CUMULATIVE
        match family.kind:
            case "histogram":
                return HistogramData(self._histograms(family.samples, now), cumulative)
            case "counter":
                return Sum(self._numbers(family.samples, now), cumulative, is_monotonic=True)
            case "gauge":
                return Gauge(self._numbers(family.samples, now))

    def _numbers(self, samples: Iterable[Sample], now: int) -> list[NumberDataPoint]:
        return [
            NumberDataPoint(dict(sample.labels), self._started, now, sample.value)
            for sample in samples
        ]

    def _histograms(self, samples: Iterable[Sample], now: int) -> list[HistogramDataPoint]:
        return [
            HistogramDataPoint(
                dict(sample.labels),
                self._started,
                now,
                sum(sample.histogram.counts),
                sample.histogram.total,
                list(sample.histogram.counts),
                BOUNDS,
                # The extremes are not kept: the protocol allows leaving them out.
                min=float("nan"),
                max=float("nan"),
            )
            for sample in samples
            if sample.histogram is not None
        ]


def _resource_attributes(settings: Settings) -> dict[str, str | bool | int | float]:
    attributes: dict[str, str | bool | int | float] = {
        "service.name": settings.service,
        "service.namespace": settings.app,
        "service.version": settings.release,
        "service.instance.id": f"{settings.service}.{settings.replica}",
        "deployment.environment.name": settings.environment,
    }
    given = settings.variables.get("OTEL_RESOURCE_ATTRIBUTES", "")
    # What the environment says wins: Resource.create would let ours win.
    return {name: value for name, value in attributes.items() if value and f"{name}=" not in given}


def _follows_parent(sampler: Sampler) -> bool:
    return isinstance(sampler, ParentBased)


def _parent(trace: Trace) -> Trace:
    return Trace(trace.trace_id, trace.parent_id, "", trace.sampled, trace.state)


def _parent_span(trace: Trace, remote: bool) -> NonRecordingSpan:
    state = TraceState.from_header([trace.state]) if trace.state else None
    flags = TraceFlags(TraceFlags.SAMPLED if trace.sampled else TraceFlags.DEFAULT)
    return NonRecordingSpan(
        SpanContext(int(trace.trace_id, 16), int(trace.parent_id, 16), remote, flags, state)
    )


def _interval(settings: Settings) -> float:
    given = settings.variables.get("OTEL_METRIC_EXPORT_INTERVAL", "")
    return int(given) / 1000 if given.isdigit() and int(given) else DEFAULT_INTERVAL
