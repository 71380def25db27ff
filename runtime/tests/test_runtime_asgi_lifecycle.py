"""Health, readiness, draining, metrics and failures of a wrapped app, on a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from runtime.tests.serving import GATEWAY, echo, served, settings, signed
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fairway_runtime.asgi import Fairway, fairway
from fairway_runtime.errors import InvalidConfiguration
from fairway_runtime.lifecycle import Lifecycle
from fairway_runtime.metrics import Metrics
from fairway_runtime.settings import Settings

ABSENT = Settings.from_environment({})


def http(host: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=f"http://{host}", trust_env=False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def test_without_fairway_everything_passes_and_is_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with served(fairway(echo, ABSENT, metrics=Metrics())) as host, http(host) as client:
        answer = await client.post("/anything?x=1", content=b"hi")
    assert answer.json()["caller"] is None
    (line,) = [line for line in lines(capsys) if line["logger"] == "fairway.request"]
    assert (line["path"], line["status"]) == ("/anything", 200)
    assert len(line["trace_id"]) == 32
    assert answer.headers["x-correlation-id"] == line["correlation_id"]


@pytest.mark.parametrize(
    ("mode", "status", "body"),
    [("auto", 200, "alive"), ("library", 200, "alive"), ("app", 404, "")],
)
async def test_health_is_the_apps_or_ours(
    tmp_path: Path, mode: str, status: int, body: str
) -> None:
    app = fairway(echo, settings(tmp_path, FAIRWAY_HEALTH=mode), metrics=Metrics())
    async with served(app) as host, http(host) as client:
        answer = await client.get("/health", headers=dict([GATEWAY]))
        assert answer.status_code == status
        assert body in answer.text


async def test_an_app_with_a_health_check_answers_itself() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b"sick"})

    async with served(fairway(app, ABSENT), lifespan="off") as host, http(host) as client:
        answer = await client.get("/health")
        assert (answer.status_code, answer.text) == (503, "sick")


async def test_the_librarys_own_pages_are_not_reachable_through_the_mesh(tmp_path: Path) -> None:
    app = fairway(echo, settings(tmp_path), metrics=Metrics())
    async with served(app) as host, http(host) as client:
        for path in ("/ready", "/metrics"):
            assert (await client.get(path)).status_code == 200
            assert (await client.get(path, headers=dict([GATEWAY]))).status_code == 401


async def test_the_apps_openapi_document_is_shown_to_this_host_only(tmp_path: Path) -> None:
    app = fairway(echo, settings(tmp_path), metrics=Metrics())
    async with served(app) as host, http(host) as client:
        assert (await client.get("/openapi.json")).json()["path"] == "/openapi.json"
        through_mesh = await client.get("/openapi.json", headers=dict([GATEWAY]))
        assert through_mesh.status_code == 401


async def test_metrics_show_what_happened(tmp_path: Path) -> None:
    app = fairway(echo, settings(tmp_path), metrics=Metrics())
    async with served(app) as host, http(host) as client:
        await client.post("/reason", content=b"{}", headers=signed(host))
        await client.post("/forbidden", content=b"{}", headers=signed(host, target="/forbidden"))
        await client.post("/reason", content=b"{}")
        text = (await client.get("/metrics")).text
    for expected in (
        'http_server_request_duration_seconds_count{intent="reason",status="2xx"} 1',
        'http_server_request_duration_seconds_count{intent="forbidden",status="4xx"} 1',
        'http_server_request_duration_seconds_count{intent="none",status="4xx"} 1',
        'fairway_decisions_total{verdict="allow"} 1',
        'fairway_decisions_total{verdict="deny"} 1',
        'fairway_refusals_total{status="401"} 1',
        "http_server_active_requests 0.0",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_event_loop_lag_seconds",
    ):
        assert expected in text


async def test_metrics_are_off_unless_asked_for() -> None:
    async with served(fairway(echo, ABSENT, metrics=Metrics())) as host, http(host) as client:
        assert (await client.get("/metrics")).json()["path"] == "/metrics"


async def test_a_failing_handler_is_a_500_with_a_correlation_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with served(fairway(echo, ABSENT, metrics=Metrics())) as host, http(host) as client:
        answer = await client.get("/boom", headers={"x-correlation-id": "trip-5"})
    assert answer.status_code == 500
    assert answer.json() == {"error": "internal error", "correlation_id": "trip-5"}
    failure = next(line for line in lines(capsys) if "exception" in line)
    assert "RuntimeError: boom" in failure["exception"]
    assert failure["correlation_id"] == "trip-5"


async def test_a_passed_deadline_is_answered_at_once() -> None:
    async with served(fairway(echo, ABSENT, metrics=Metrics())) as host, http(host) as client:
        past = {"x-fairway-deadline": str(int(time.time() * 1000) - 1)}
        assert (await client.get("/x", headers=past)).status_code == 504
        assert (await client.get("/x", headers={"x-fairway-deadline": "soon"})).status_code == 200


async def ready(host: str) -> tuple[int, str]:
    async with http(host) as client:
        answer = await client.get("/ready")
        return answer.status_code, answer.json()["status"]


async def test_readiness_follows_start_up_and_shutdown() -> None:
    proceed = asyncio.Event()
    events: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await proceed.wait()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            events.append("shutdown reached the app")
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    wrapped = fairway(app, ABSENT, metrics=Metrics())
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    lifespan = asyncio.create_task(wrapped({"type": "lifespan"}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    await asyncio.sleep(0)
    async with served(wrapped, lifespan="off") as host:
        assert await ready(host) == (503, "starting")
        proceed.set()
        assert (await outbox.get())["type"] == "lifespan.startup.complete"
        assert await ready(host) == (200, "ready")
        wrapped.lifecycle.request_began()
        await inbox.put({"type": "lifespan.shutdown"})
        await asyncio.sleep(0.01)
        assert await ready(host) == (503, "draining")
        assert events == []
        wrapped.lifecycle.request_ended()
        assert (await outbox.get())["type"] == "lifespan.shutdown.complete"
    await lifespan


async def test_draining_is_bounded() -> None:
    lifecycle = Lifecycle(drain_timeout=0.01)
    lifecycle.request_began()
    assert not await lifecycle.drain()
    assert lifecycle.state == "draining"


async def test_a_start_up_that_fails_stops_the_server() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    wrapped = fairway(app, ABSENT, metrics=Metrics())
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    await wrapped({"type": "lifespan"}, receive, send)
    assert sent == [{"type": "lifespan.startup.failed", "message": "no database"}]
    assert wrapped.lifecycle.state == "starting"


@pytest.mark.parametrize("missing", ["identity/verifying.json", "active.json"])
def test_a_governed_service_never_starts_ungoverned(tmp_path: Path, missing: str) -> None:
    found = settings(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(InvalidConfiguration, match=r"FAIRWAY_|verifying"):
        Fairway(echo, found, Metrics())


def test_the_keys_of_another_service_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="for the service 'axon'"):
        fairway(echo, settings(tmp_path, FAIRWAY_SERVICE="lynx"))


def test_identity_without_policies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="FAIRWAY_POLICY_FILE"):
        fairway(echo, settings(tmp_path, FAIRWAY_POLICY_FILE=""))


def test_a_service_without_identity_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    fairway(echo, Settings.from_environment({"FAIRWAY_SERVICE": "axon"}), metrics=Metrics())
    assert "neither verified nor decided" in capsys.readouterr().out


async def test_a_starlette_app_keeps_its_lifespan_state(capsys: pytest.CaptureFixture[str]) -> None:
    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
        yield {"shelf": "full"}

    async def shelf(request: Request) -> JSONResponse:
        return JSONResponse({"shelf": request.state.shelf})

    app = Starlette(routes=[Route("/shelf", shelf)], lifespan=lifespan)
    async with served(fairway(app, ABSENT, metrics=Metrics())) as host, http(host) as client:
        assert (await client.get("/shelf")).json() == {"shelf": "full"}
        assert (await client.get("/health")).json()["status"] == "alive"
    out = capsys.readouterr().out
    assert all(json.loads(line) for line in out.splitlines()), "only JSON lines on stdout"
    assert out.count('"path": "/shelf"') == 1
    assert "uvicorn.access" not in out, "one line per request"


SERVER = """
import asyncio, sys, uvicorn
from fairway_runtime import fairway

async def app(scope, receive, send):
    if scope["path"] == "/slow":
        await asyncio.sleep(1.0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})

async def lifespan_too(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    await app(scope, receive, send)

uvicorn.run(fairway(lifespan_too), port=int(sys.argv[1]))
"""


async def wait_until_ready(host: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            assert (await ready(host))[0] == 200
            return
        except httpx2.ConnectError:
            assert time.monotonic() < deadline, "the server did not start"
            await asyncio.sleep(0.05)


@pytest.fixture
async def process(unused_tcp_port: int) -> AsyncIterator[tuple[str, subprocess.Popen[bytes]]]:
    environment = {**os.environ, "FAIRWAY_DRAIN_DELAY": "0.6"}
    started = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(unused_tcp_port)],
        env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    host = f"127.0.0.1:{unused_tcp_port}"
    try:
        await wait_until_ready(host)
        yield host, started
    finally:
        started.kill()
        started.wait()


async def test_sigterm_turns_readiness_false_first_and_loses_no_request(
    process: tuple[str, subprocess.Popen[bytes]],
) -> None:
    host, started = process
    async with http(host) as client:
        slow = asyncio.create_task(client.get("/slow"))
        await asyncio.sleep(0.2)
        started.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.1)
        assert await ready(host) == (503, "draining")
        assert (await slow).text == "done"
    assert await asyncio.to_thread(started.wait, 10) in (0, -signal.SIGTERM)
