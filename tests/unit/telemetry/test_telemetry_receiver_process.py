"""The receiver as a process: real sockets, real SDKs, a real store, from start to SIGTERM."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx2
import psutil
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from tests.receiver_rig import PROTOBUF, Rig, bound_first, exported, free_port, receiver
from tests.waiting import PATIENCE, eventually

from fairway.errors import NotFound
from fairway.targets.local.log_files import rotate
from fairway.telemetry.config import Address, IntentPath, ServiceFacts
from fairway.telemetry.port import LogQuery, MetricQuery, Trace, TraceQuery, TrafficQuery

JSON = {"content-type": "application/json"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One receiver for all tests that leave it as it is."""
    facts = {"orbit": ServiceFacts((IntentPath("dispatch", "POST", "/dispatch"),), library=True)}
    with receiver(tmp_path_factory.mktemp("receiver"), services=facts) as rig:
        record = {"kind": "envoy", "name": "crowd", "version": "", "pid": os.getsid(0)}
        rest = {"log": "/x/crowd.envoy.log", "started_at": time.time() - 100}
        rig.config.ledger.write_text(json.dumps({"records": [record | rest]}))
        rig.start()
        rig.up()
        yield rig


def fresh() -> bytes:
    """An id of a trace that no other test uses."""
    return os.urandom(16)


async def stored(rig: Rig, trace_id: str, spans: int = 1) -> Trace:
    """A trace, once it is in the store with so many spans."""

    async def there() -> bool:
        try:
            return len((await rig.store.trace(trace_id)).spans) >= spans
        except NotFound:
            return False

    await eventually(there)
    return await rig.store.trace(trace_id)


def post(rig: Rig, body: bytes, headers: dict[str, str], path: str = "/v1/traces") -> Any:
    return httpx2.post(f"{rig.url}{path}", content=body, headers=headers)


async def test_http_takes_protobuf_json_and_gzip(rig: Rig) -> None:
    plain, zipped = fresh(), fresh()
    assert post(rig, exported(1, plain), PROTOBUF).content == b""
    packed = gzip.compress(exported(2, zipped))
    assert post(rig, packed, {**PROTOBUF, "content-encoding": "gzip"}).status_code == 200
    span = {
        "traceId": TRACE.upper(),
        "spanId": "b7ad6b7169203331",
        "name": "from a browser",
        "kind": 3,
        "startTimeUnixNano": str(time.time_ns()),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": [{"key": "traceId", "value": {"stringValue": "not an id"}}],
        "fromTheFuture": True,
    }
    content = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    answer = post(rig, json.dumps(content).encode(), {"content-type": "application/json; x=y"})
    assert (answer.status_code, answer.json()) == (200, {})

    await stored(rig, plain.hex())
    await stored(rig, zipped.hex(), spans=2)
    (found,) = (await stored(rig, TRACE)).spans
    assert (found.name, found.span_id, found.kind) == (
        "from a browser",
        "b7ad6b7169203331",
        "client",
    )
    assert found.attributes["traceId"] == "not an id"


async def test_http_says_what_is_wrong_with_a_request(rig: Rig) -> None:
    answer = post(rig, b"\xff\xff\xff", PROTOBUF)
    assert answer.status_code == 400
    status = Status.FromString(answer.content)
    assert status.code == 3
    assert "traces request cannot be read" in status.message
    assert post(rig, b'{"resourceSpans": 3}', JSON).json()["code"] == 3
    assert post(rig, b"no gzip", {**PROTOBUF, "content-encoding": "gzip"}).status_code == 400
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert post(rig, bomb, {**PROTOBUF, "content-encoding": "gzip"}).status_code == 413
    assert post(rig, b"\0" * 9_000_000, PROTOBUF).status_code == 413
    assert post(rig, b"", {"content-type": "text/plain"}).status_code == 415
    assert post(rig, b"", {**PROTOBUF, "content-encoding": "br"}).status_code == 415
    assert post(rig, b"", PROTOBUF, "/v1/nothing").status_code == 404
    assert httpx2.get(f"{rig.url}/v1/traces").status_code == 405
    assert httpx2.get(f"{rig.url}/").status_code == 200
    assert post(rig, exported(1, fresh()), PROTOBUF).status_code == 200


async def test_spans_without_proper_ids_are_rejected_and_the_others_kept(rig: Rig) -> None:
    good = fresh()
    answer = post(rig, exported(1, b"short") + exported(1, good), PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 1)
    assert "16 bytes" in partial.error_message
    await stored(rig, good.hex())


async def test_grpc_takes_what_is_good_and_names_what_is_not(rig: Rig) -> None:
    trace_id = fresh()
    with grpc.insecure_channel(rig.grpc, compression=grpc.Compression.Gzip) as channel:
        export = channel.unary_unary(EXPORT)
        assert export(exported(3, trace_id), timeout=10) == b""
        with pytest.raises(grpc.RpcError) as refused:
            export(b"\xff\xff\xff", timeout=10)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    await stored(rig, trace_id.hex(), spans=3)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_the_python_sdk_sends_to_it(rig: Rig, protocol: str) -> None:
    exporter: SpanExporter = (
        HttpExporter(endpoint=f"{rig.url}/v1/traces")
        if protocol == "http"
        else GrpcExporter(endpoint=rig.grpc, insecure=True)
    )
    provider = TracerProvider(resource=Resource.create({"service.name": "orbit"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("work", attributes={"size": 3}) as span:
        trace_id = f"{span.get_span_context().trace_id:032x}"
    await asyncio.to_thread(provider.shutdown)
    (found,) = (await stored(rig, trace_id)).spans
    assert (found.service, found.name, found.attributes) == ("orbit", "work", {"size": 3})


async def test_log_lines_become_records_also_across_a_rotation(rig: Rig) -> None:
    line = {"time": time.time(), "level": "WARN", "message": "late", "order": 7, "trace_id": TRACE}
    log = rig.log("axon.r8.1.log", json.dumps(line) + "\nplain words\nhalf ")
    await eventually(lambda: has_texts(rig, {"late", "plain words"}, "axon"))
    rig.log("axon.r8.1.log", "a line\nbefore\n")
    assert rotate(log, max_bytes=1)
    rig.log("axon.r8.1.log", "after\n")
    whole = {"late", "plain words", "half a line", "before", "after"}
    await eventually(lambda: has_texts(rig, whole, "axon"))
    (late,) = (await rig.store.logs(LogQuery(text="late"))).records
    assert (late.service, late.instance, late.version) == ("axon", "axon.r8.1", "r8")
    assert (late.level, late.trace_id, late.attributes) == ("warning", TRACE, {"order": 7})


async def has_texts(rig: Rig, wanted: set[str], service: str = "orbit") -> bool:
    query = LogQuery(services=(service,))
    found = [record.text for record in (await rig.store.logs(query)).records]
    assert len(found) == len(set(found)), found
    return set(found) == wanted


def access(**fields: Any) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    line = {
        "time": moment,
        "direction": "inbound",
        "service": "orbit",
        "peer": "spiffe://shop.local/gateway",
        "method": "POST",
        "path": "/dispatch",
        "status": 200,
        "details": "via_upstream",
        "flags": "-",
        "duration_us": 2000,
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
        "version": "r8",
        "attempts": 1,
        "cluster": "replicas.r8",
    }
    return json.dumps(line | fields) + "\n"


async def test_whatever_a_program_logs_all_others_are_stored(tmp_path: Path) -> None:
    with receiver(tmp_path) as rig:
        access = {"direction": "inbound", "service": "axon", "status": 200}
        for strange in ({"peer": "spiffe://\ud800/\ud800"}, {"duration_us": 1e999}):
            rig.log("axon.access.log", json.dumps(access | strange) + "\n")
            rig.log("axon.0.log", '{"a":' + "[" * 100_000 + "\n")
            rig.log("axon.0.log", '{"correlation_id": "\\ud800", "release": "\\ud800"}\n')
        rig.log("orbit.0.log", "all is well\n")
        rig.start()
        rig.up()

        async def stored() -> bool:
            page = await rig.store.logs(LogQuery(services=("orbit",)))
            return [record.text for record in page.records] == ["all is well"]

        await eventually(stored)
        assert "some log lines cannot be stored" in rig.output


async def test_access_lines_become_traffic_and_records(rig: Rig) -> None:
    rig.log("orbit.access.log", access() + access(status=503) + access(status=403, decision="deny"))

    async def counted() -> bool:
        since = time.time() - 600
        found = await rig.store.traffic(
            TrafficQuery(since, time.time() + 60, by=("caller", "version", "intent"))
        )
        edges = {
            (t.caller, t.service, t.version, t.intent): (t.requests, t.errors, t.denied)
            for t in found
        }
        return edges == {("gateway", "orbit", "r8", "dispatch"): (3, 1, 1)}

    await eventually(counted)
    records = (await rig.store.logs(LogQuery(access=True, trace_id=TRACE))).records
    assert [record.level for record in records if record.source == "access"] == [
        "info",
        "error",
        "warning",
    ]
    await eventually(lambda: counts(rig, "requests", 3))


async def counts(rig: Rig, what: str, wanted: int) -> bool:
    status = rig.status()
    return status is not None and status.received.get(what) == wanted


async def test_what_processes_use_is_measured(rig: Rig) -> None:
    async def measured() -> bool:
        names = {metric.name for metric in await rig.store.metrics("crowd")}
        return {"process.memory.usage", "process.cpu.time"} <= names

    await eventually(measured)
    now = time.time()
    found = await rig.store.metric(
        MetricQuery("process.memory.usage", now - 60, now + 60, 120.0, by=("fairway.process",))
    )
    (series,) = found.series
    assert series.labels == {"fairway.process": "envoy"}
    assert any(point.value and point.value > 1e6 for point in series.points)


class Sink:
    """An OTLP endpoint that refuses the first request for now, and keeps what it gets then."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.refused = 0


@contextmanager
def sink() -> Iterator[tuple[Sink, str]]:
    found = Sink()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if not found.refused:
                found.refused += 1
                self.send_response(503)
            else:
                found.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


async def test_everything_is_forwarded_unchanged_once_the_file_says_so(tmp_path: Path) -> None:
    with sink() as (found, endpoint), receiver(tmp_path) as rig:
        rig.start({"OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b"})
        rig.up()
        post(rig, exported(), PROTOBUF)
        rig.write_config(forward=endpoint)
        packed = gzip.compress(exported(2))

        async def forwarded() -> bool:
            post(rig, packed, {**PROTOBUF, "content-encoding": "gzip"})
            return bool(found.got)

        await eventually(forwarded)
        path, headers, body = found.got[0]
        assert (path, body, headers["x-key"]) == ("/v1/traces", packed, "a b")
        assert headers["content-encoding"] == "gzip"
        assert found.refused == 1
        await eventually(lambda: (status := rig.status()) is not None and status.forwarded > 0)


async def test_nobody_is_refused_before_it_is_up_and_nothing_is_lost_at_its_end(
    tmp_path: Path,
) -> None:
    with receiver(tmp_path) as rig:
        with bound_first(rig) as (variables, descriptor):
            early = asyncio.create_task(asyncio.to_thread(post, rig, exported(), PROTOBUF))
            await asyncio.sleep(0)
            rig.start(variables, (descriptor,))
        assert (await early).status_code == 200
        rig.up()
        post(rig, exported(5, b"\x05" * 16), PROTOBUF)
        rig.log("orbit.0.log", "last words\n")
        assert rig.stop() == 0, rig.output
        assert len((await rig.store.trace("05" * 16)).spans) == 5
        assert await has_texts(rig, {"last words"})
        status = rig.status()
        assert status is not None
        assert (status.running, status.received["spans"]) == (False, 6)

        rig.log("orbit.0.log", "while it was away\n")
        rig.start()
        rig.up()
        await eventually(lambda: has_texts(rig, {"last words", "while it was away"}))


async def test_killed_it_goes_on_where_it_was(tmp_path: Path) -> None:
    with receiver(tmp_path) as rig:
        rig.start()
        rig.up()
        post(rig, exported(), PROTOBUF)
        await stored(rig, "01" * 16)
        rig.stop(signal.SIGKILL)
        rig.start()
        rig.up()
        post(rig, exported(1, b"\x02" * 16), PROTOBUF)
        await stored(rig, "02" * 16)
        assert len((await rig.store.traces(TraceQuery())).traces) == 2


@pytest.mark.skipif(not hasattr(psutil, "RLIMIT_FSIZE"), reason="needs Linux's limits")
async def test_on_a_full_disk_it_answers_on_and_stores_again_when_there_is_room(
    tmp_path: Path,
) -> None:
    with receiver(tmp_path) as rig:
        rig.start()
        rig.up()
        process = psutil.Process(rig.process.pid if rig.process else 0)
        _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (1, hard))
        rig.log("orbit.0.log", "meanwhile\n")
        for _ in range(20):
            assert post(rig, exported(100, fresh()), PROTOBUF).status_code == 200
            await asyncio.sleep(0.05)
        process.rlimit(psutil.RLIMIT_FSIZE, (hard, hard))

        async def stores_again() -> bool:
            post(rig, exported(1, fresh()), PROTOBUF)
            return any(t.spans == 1 for t in (await rig.store.traces(TraceQuery())).traces)

        await eventually(stores_again)
        await eventually(lambda: has_texts(rig, {"meanwhile"}))
        assert rig.stop() == 0


@pytest.mark.parametrize("part", ["http", "grpc"])
def test_a_taken_port_ends_it_with_words(tmp_path: Path, part: str) -> None:
    import socket

    with socket.socket() as taken, receiver(tmp_path) as rig:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        rig.write_config(**{part: Address("127.0.0.1", taken.getsockname()[1])})
        rig.start()
        assert rig.process is not None
        assert rig.process.wait(PATIENCE) == 5
        assert "nothing can listen on 127.0.0.1" in rig.output
