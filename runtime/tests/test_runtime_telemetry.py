"""OpenTelemetry: exported over real HTTP to a collector of our own; and without the extra."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from runtime.tests.serving import echo, served, settings, signed, write_files

from fairway_runtime import ServiceClient, Settings, tracing
from fairway_runtime.asgi import fairway
from fairway_runtime.asgitypes import App
from fairway_runtime.metrics import Metrics
from fairway_runtime.otel import OtelTracing
from fairway_runtime.tracing import NO_SPAN, start_tracing

PARENT = f"00-{'a' * 32}-{'b' * 16}-"


class Collector:
    """An OTLP receiver."""

    def __init__(self) -> None:
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if scope["path"] == "/v1/traces":
            self.traces.append(ExportTraceServiceRequest.FromString(_unpacked(scope, body)))
        else:
            self.metrics.append(ExportMetricsServiceRequest.FromString(_unpacked(scope, body)))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    def spans(self) -> list[Span]:
        return [
            span
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


def _unpacked(scope: Any, body: bytes) -> bytes:
    import gzip

    return gzip.decompress(body) if (b"content-encoding", b"gzip") in scope["headers"] else body


@pytest.fixture
async def collector(
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[Collector, dict[str, str]]]:
    found = Collector()
    async with served(found, lifespan="off") as host:
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{host}",
            "OTEL_TRACES_SAMPLER": "parentbased_always_off",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        # One tracing per process, so each test starts from none.
        monkeypatch.setattr(tracing, "_shared", None)
        yield found, variables


async def _post(host: str, traceparent: str) -> dict[str, Any]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        headers = signed(host, headers={"traceparent": traceparent})
        answer = await client.post(f"http://{host}/reason", content=b"{}", headers=headers)
        known: dict[str, Any] = answer.json()
        return known


async def test_sampled_requests_become_spans_and_counters_become_metrics(
    tmp_path: Path, collector: tuple[Collector, dict[str, str]]
) -> None:
    found, variables = collector
    app = fairway(echo, settings(tmp_path, **variables), metrics=Metrics())
    async with served(app) as host:
        sampled = await _post(host, PARENT + "01")
        dropped = await _post(host, PARENT + "00")
    (span,) = found.spans()
    assert span.trace_id.hex() == sampled["trace_id"] == "a" * 32
    assert span.parent_span_id.hex() == "b" * 16
    assert span.span_id.hex() == sampled["span_id"]
    assert dropped["span_id"] not in (sampled["span_id"], "b" * 16)
    attributes = {each.key: each.value for each in span.attributes}
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["http.route"].string_value == "reason"
    assert span.name == "POST reason"
    assert attributes["fairway.decision"].string_value == "allow"
    assert attributes["fairway.policies"].string_value
    assert attributes["fairway.decision_id"].string_value
    assert attributes["fairway.correlation_id"].string_value == sampled["correlation_id"]
    _check_metrics(found)


async def test_the_span_of_a_denied_request_says_why(
    tmp_path: Path, collector: tuple[Collector, dict[str, str]]
) -> None:
    found, variables = collector
    app = fairway(echo, settings(tmp_path, **variables), metrics=Metrics())
    async with served(app) as host, httpx2.AsyncClient(base_url=f"http://{host}") as client:
        answer = await client.post("/reason", content=b"{}", headers={"traceparent": PARENT + "01"})
    assert answer.status_code == 401
    (span,) = found.spans()
    attributes = {each.key: each.value for each in span.attributes}
    assert attributes["fairway.decision"].string_value == "deny"
    assert attributes["fairway.reason"].string_value == "the request is not signed"


def _check_metrics(found: Collector) -> None:
    resource = found.metrics[-1].resource_metrics[0]
    named = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert (named["service.name"], named["service.version"]) == ("axon", "r7")
    metrics = {each.name: each for each in resource.scope_metrics[0].metrics}
    (point,) = metrics["http_server_request_duration_seconds"].histogram.data_points
    assert (point.count, len(point.bucket_counts)) == (2, len(point.explicit_bounds) + 1)
    assert metrics["process_resident_memory_bytes"].gauge.data_points[0].as_double > 1e6
    assert metrics["fairway_decisions_total"].sum.is_monotonic


async def test_a_call_within_a_request_is_a_client_span_below_it(
    tmp_path: Path, collector: tuple[Collector, dict[str, str]]
) -> None:
    found, variables = collector
    seen: list[str] = []

    def callee(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["traceparent"])
        return httpx2.Response(503 if len(seen) == 1 else 200)

    environment = {**write_files(tmp_path), **variables, "AXON_URL": "http://axon.test"}
    client = ServiceClient(
        Settings.from_environment(environment),
        transport=httpx2.MockTransport(callee),
        metrics=Metrics(),
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await client.call("axon", "item", path={"id": "1"})
        await echo(scope, receive, send)

    async with served(_wrapped(app, environment)) as host:
        known = await _post(host, PARENT + "01")
    server = next(span for span in found.spans() if span.kind == Span.SPAN_KIND_SERVER)
    clients = [span for span in found.spans() if span.kind == Span.SPAN_KIND_CLIENT]
    assert {span.parent_span_id for span in clients} == {server.span_id}
    assert [value.split("-")[2] for value in seen] == [span.span_id.hex() for span in clients]
    assert server.span_id.hex() == known["span_id"]
    errors = [span.status.code == span.status.STATUS_CODE_ERROR for span in clients]
    assert errors == [True, False]
    said = [{each.key: each.value for each in span.attributes} for span in clients]
    assert [each["fairway.attempts"].int_value for each in said] == [1, 2]


async def test_a_call_that_is_not_made_because_it_would_be_denied_stands_in_the_trace(
    tmp_path: Path, collector: tuple[Collector, dict[str, str]]
) -> None:
    found, variables = collector
    environment = {**write_files(tmp_path), **variables, "AXON_URL": "http://axon.test"}
    client = ServiceClient(Settings.from_environment(environment), metrics=Metrics())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            assert (await client.ask("axon", "reason")).allowed
            assert not (await client.ask("axon", "forbidden", {"cohort": "canary"})).allowed
        await echo(scope, receive, send)

    async with served(_wrapped(app, environment)) as host:
        await _post(host, PARENT + "01")
    (span,) = [span for span in found.spans() if span.kind == Span.SPAN_KIND_CLIENT]
    said = {each.key: each.value.string_value for each in span.attributes}
    assert (span.name, said["fairway.decision"], said["fairway.intent"]) == (
        "ask axon", "deny", "forbidden",
    )  # fmt: skip
    assert said["fairway.reason"]
    assert said["fairway.decision_id"]


def _wrapped(app: App, environment: dict[str, str]) -> App:
    return fairway(app, Settings.from_environment(environment), metrics=Metrics())


def test_a_root_that_the_sampler_drops_still_has_ids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from fairway_runtime.context import new_trace, parse_trace

    otel = OtelTracing(
        Settings(),
        Metrics(),
        spans=InMemorySpanExporter(),
        counters=ConsoleMetricExporter(out=open("/dev/null", "w")),  # noqa: SIM115, PTH123
    )
    root, span = otel.begin_server(new_trace(), "GET")
    assert span is NO_SPAN
    assert not root.sampled
    assert int(root.trace_id, 16)
    assert int(root.span_id, 16)
    parent = parse_trace({b"traceparent": (PARENT + "01").encode()})
    continued, span = otel.begin_server(parent, "GET")
    assert span is NO_SPAN
    assert continued.trace_id == parent.trace_id
    assert continued.span_id not in ("", parent.parent_id)
    otel.close()


def test_a_missing_extra_is_one_quiet_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setitem(sys.modules, "fairway_runtime.otel", None)
    configured = Settings(otlp_endpoint="http://127.0.0.1:1")
    found = start_tracing(configured, Metrics())
    assert type(found) is tracing.Tracing
    assert caplog.text.count("OpenTelemetry is not installed") == 1


def test_no_endpoint_means_no_export() -> None:
    assert type(start_tracing(Settings(), Metrics())) is tracing.Tracing
    disabled = {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}
    assert Settings.from_environment(disabled).otlp_endpoint is None
