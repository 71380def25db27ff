"""HTTP/1.1, HTTP/2, gRPC and WebSocket pass through every hop; trace context is made and kept."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx2
import pytest
import websockets
from tests.e2e.mesh_rig import APP, rig, with_service
from tests.waiting import eventually

from fairway.targets.mesh.view import Version

pytestmark = pytest.mark.envoy

TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]")
GRPC_APP = with_service(
    with_service(
        APP,
        "axon",
        kind="grpc",
        health={"interval": "200ms"},
        intents={
            "ask": {"method": "POST", "path": "/brain.Brain/Ask"},
            "chat": {"method": "POST", "path": "/brain.Brain/Chat", "stream": True},
            "hide": {"method": "POST", "path": "/brain.Brain/Hide"},
        },
        public="/brain.Brain/",
    ),
    "orbit",
    calls={"axon": {"intents": ["ask", "chat"], "timeout": "400ms"}},
)


async def test_http2_without_tls_passes_from_the_service_to_another(tmp_path: Path) -> None:
    async with rig(tmp_path) as world, httpx2.AsyncClient(http1=False, http2=True) as client:
        answer = await client.post(world.egress("orbit", "axon") + "/reason", content=b"x" * 9_000)
        assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
        front = await client.get(world.gateway + "/page")
        assert (front.status_code, front.http_version) == (200, "HTTP/2")


async def test_the_shared_egress_goes_by_host_with_or_without_a_port(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        shared = f"http://127.0.0.1:{world.ports.egress['orbit']}/reason"
        for host in ("axon.internal", "axon.internal:80", "axon.shop.internal", "AXON.internal"):
            answer = await world.http.post(shared, headers={"host": host})
            assert answer.status_code == 200
            assert world.programs["axon"][0].seen[-1].headers["host"].lower() == host.lower()


async def test_an_undeclared_host_is_refused_with_a_remedy(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        shared = f"http://127.0.0.1:{world.ports.egress['orbit']}/idle"
        answer = await world.http.get(shared, headers={"host": "rogue.internal"})
        assert answer.status_code == 403
        assert answer.json()["reason"] == "orbit declares no call to rogue.internal"
        assert answer.json()["remedy"] == "declare it in the app file under services.orbit.calls"


async def test_a_websocket_passes_the_gateway_and_both_sides(tmp_path: Path) -> None:
    app = with_service(APP, "axon", intents={"talk": {"method": "GET", "path": "/talk",
                                                      "stream": True}})  # fmt: skip
    app = with_service(app, "orbit", calls={"axon": {"intents": ["talk"], "timeout": "300ms"}})
    async with rig(tmp_path, app) as world:
        for port in (world.ports.gateway, world.ports.egress_to["orbit", "axon"]):
            async with websockets.connect(f"ws://127.0.0.1:{port}/talk") as socket:
                await socket.send("hello")
                assert (await socket.recv()).endswith(":hello")
                await asyncio.sleep(0.6)  # longer than the call's timeout
                await socket.send("still there")
                assert (await socket.recv()).endswith(":still there")


async def test_a_websocket_without_a_grant_is_refused(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        port = world.ports.egress_to["orbit", "axon"]
        with pytest.raises(websockets.exceptions.InvalidStatus) as caught:
            async with websockets.connect(f"ws://127.0.0.1:{port}/reason"):
                pass
        assert caught.value.response.status_code == 403


async def test_grpc_passes_unary_and_streaming(tmp_path: Path) -> None:
    replicas = {"axon": 0, "orbit": 1, "rogue": 1}
    async with AsyncExitStack() as world_end, rig(tmp_path, GRPC_APP, replicas=replicas) as world:
        server, port = await _grpc_server()
        world_end.push_async_callback(server.stop, None)
        await world.apply(axon=(Version("r1", 100, (port,)),))
        target = f"127.0.0.1:{world.ports.egress_to['orbit', 'axon']}"
        async with grpc.aio.insecure_channel(target) as channel:
            assert await channel.unary_unary("/brain.Brain/Ask")(b"why") == b"answer to why"
            chat = channel.stream_stream("/brain.Brain/Chat")(_questions())
            assert [reply async for reply in chat] == [b"1", b"2", b"3"]
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary("/brain.Brain/Hide")(b"")
            assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
        async with grpc.aio.insecure_channel(f"127.0.0.1:{world.ports.gateway}") as channel:
            assert await channel.unary_unary("/brain.Brain/Ask")(b"you") == b"answer to you"


async def _questions() -> AsyncIterator[bytes]:
    """Slower than the call's timeout: an intent marked `stream` has none."""
    for number in (b"1", b"2", b"3"):
        yield number
        await asyncio.sleep(0.3)


async def _grpc_server() -> tuple[grpc.aio.Server, int]:
    async def ask(request: bytes, context: Any) -> bytes:
        return b"answer to " + request

    async def chat(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request

    handlers = {
        "Ask": grpc.unary_unary_rpc_method_handler(ask),
        "Hide": grpc.unary_unary_rpc_method_handler(ask),
        "Chat": grpc.stream_stream_rpc_method_handler(chat),
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("brain.Brain", handlers),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


async def test_trace_context_and_request_id_are_made_where_there_are_none(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        answer = await world.http.get(world.gateway + "/page")
        seen = world.programs["orbit"][0].seen[-1].headers
        assert TRACEPARENT.fullmatch(seen["traceparent"])
        assert seen["x-request-id"] == answer.headers["x-request-id"]
        assert seen["x-correlation-id"] == seen["x-request-id"]


async def test_trace_context_and_ids_that_came_along_are_kept(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        trace = "0af7651916cd43dd8448eb211c80319c"
        for flag in ("00", "01"):
            sent = {
                "traceparent": f"00-{trace}-b7ad6b7169203331-{flag}",
                "x-request-id": "chosen-by-the-client",
                "x-correlation-id": "order-7",
            }
            answer = await world.http.get(world.gateway + "/page", headers=sent)
            assert answer.headers["x-request-id"] == "chosen-by-the-client"
            seen = world.programs["orbit"][0].seen[-1].headers
            _, trace_id, span_id, sampled = seen["traceparent"].split("-")
            assert (trace_id, sampled) == (trace, flag)
            assert span_id != "b7ad6b7169203331"
            assert seen["x-request-id"] == "chosen-by-the-client"
            assert seen["x-correlation-id"] == "order-7"


@pytest.mark.parametrize(("percent", "flag"), [(0, "00"), (100, "01")])
async def test_the_declared_share_of_traces_is_sampled(
    tmp_path: Path, percent: int, flag: str
) -> None:
    app = {**APP, "environments": {"local": {"telemetry": {"sampling": percent}}}}
    async with rig(tmp_path, app) as world:
        for _ in range(10):
            await world.http.get(world.gateway + "/page")
        flags = {seen.headers["traceparent"][-2:] for seen in world.programs["orbit"][0].seen}
        assert flags == {flag}


async def test_spans_reach_a_collector(tmp_path: Path) -> None:
    received: list[bytes] = []

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    collector = await asyncio.start_server(collect, "127.0.0.1", 0)
    port = collector.sockets[0].getsockname()[1]
    telemetry = {"otlp": f"http://127.0.0.1:{port}", "sampling": 100}
    app = {**APP, "environments": {"local": {"telemetry": telemetry}}}
    async with collector, rig(tmp_path, app) as world:
        await world.http.get(world.gateway + "/page")
        await eventually(lambda: len(received) >= 2)  # from the gateway and from orbit's sidecar
    assert all(head.startswith(b"POST /v1/traces HTTP/1.1") for head in received)
