"""The API on a real loopback socket: heartbeats, streams that end, a taken port."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import asdict

import httpx2
import pytest
from tests.unit.api.fake_control import MemoryControl
from tests.waiting import PATIENCE

from fairway.api.app import create_app
from fairway.api.events import Message, encode, of_system, server_sent
from fairway.api.offer import local_offer
from fairway.api.server import serve
from fairway.control.port import Event
from fairway.errors import Unavailable

HEADERS = {"authorization": "Bearer t"}


async def test_serves_on_loopback_and_ends_streams_when_the_system_stops() -> None:
    control = MemoryControl()
    async with (
        serve(create_app(local_offer(control, "t", "ada", time.time))) as url,
        httpx2.AsyncClient(headers=HEADERS) as client,
    ):
        assert url.startswith("http://127.0.0.1:")
        assert (await client.get(f"{url}/api/v1/status")).json()["phase"] == "running"
        async with client.stream("GET", f"{url}/api/v1/events") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == ": heartbeat"
            await control.stop()
            rest = [line async for line in lines]
    assert "event: system.stopped" in rest


async def test_an_open_stream_does_not_hold_up_the_end() -> None:
    control = MemoryControl()
    client = httpx2.AsyncClient(headers=HEADERS)
    async with asyncio.timeout(PATIENCE), client:
        async with serve(create_app(local_offer(control, "t", "ada", time.time))) as url:
            stream = await client.send(
                client.build_request("GET", f"{url}/api/v1/events"), stream=True
            )
            assert stream.status_code == 200
        assert control.phase == "running"
        await stream.aclose()


async def test_a_taken_port_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable) as caught:
            async with serve(
                create_app(local_offer(MemoryControl(), "t", "ada", time.time)), ("127.0.0.1", port)
            ):
                pass
    assert str(port) in caught.value.message
    assert caught.value.remedy


async def test_silence_is_filled_with_heartbeats_and_no_event_is_lost() -> None:
    control = MemoryControl()
    stream = server_sent(of_system(control.events()), heartbeat=0.01)
    seen = [await anext(stream) for _ in range(3)]
    assert seen == [b": heartbeat\n\n"] * 3
    await control.emit("service.healthy", "axon", "well")
    rest = b""
    while b"event" not in rest:
        rest = await anext(stream)
    event = Event(1, 1000.0, "service.healthy", "axon", "well")
    assert rest == encode(Message(1, "service.healthy", asdict(event)))
    await stream.aclose()  # type: ignore[attr-defined]
