"""Beyond its capacity the receiver refuses at once, counts it, and says when to come again."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import httpx2
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from tests.receiver_rig import LOOPBACK, PROTOBUF, exported, free_port
from tests.waiting import eventually

from fairway.errors import Unavailable
from fairway.telemetry.config import Address
from fairway.telemetry.receiver.grpc_server import grpc_server
from fairway.telemetry.receiver.http import HttpServer
from fairway.telemetry.receiver.reception import Arrived, Counts, Reception, Room

BODY = exported(10)
ROOM = int(2.5 * len(BODY))


def small() -> Reception:
    """Room for one request that waits and one that arrives; nobody stores anything."""
    return Reception(Room(ROOM), Counts())


@asynccontextmanager
async def served(reception: Reception) -> AsyncIterator[str]:
    listener = socket.create_server((LOOPBACK, 0))
    server = HttpServer(reception)
    running = asyncio.create_task(server.serve([listener]))
    await eventually(lambda: server.started)
    yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    server.should_exit = True
    await running


async def test_http_refuses_with_429_until_there_is_room() -> None:
    reception = small()
    async with served(reception) as url, httpx2.AsyncClient(base_url=url) as client:
        assert (await client.post("/v1/traces", content=BODY, headers=PROTOBUF)).is_success
        refused = await client.post("/v1/traces", content=BODY * 3, headers=PROTOBUF)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        status = Status.FromString(refused.content)
        retry = RetryInfo()
        assert status.details[0].Unpack(retry)
        assert retry.retry_delay.seconds == 1
        packed = {"content-encoding": "gzip", "content-type": "application/json"}
        in_json = await client.post("/v1/logs", content=gzip.compress(b"{}"), headers=packed)
        assert in_json.json() == {}

        assert reception.counts.by_kind("shed") == {"traces": 1}
        assert reception.counts.by_kind("received") == {"spans": 10}
        waiting = reception.next(0)
        assert waiting is not None
        reception.stored(waiting)
        assert reception.room.held == 0
        assert (await client.post("/v1/traces", content=BODY, headers=PROTOBUF)).is_success


async def test_a_sender_that_stops_in_the_middle_holds_no_room() -> None:
    reception = small()
    async with served(reception) as url:
        port = int(url.rpartition(":")[2])
        _, writer = await asyncio.open_connection(LOOPBACK, port)
        head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n"
        writer.write(f"{head}content-length: {len(BODY)}\r\n\r\n".encode() + BODY[:-1])
        await eventually(lambda: reception.room.held == len(BODY) - 1)
        writer.close()
        await eventually(lambda: reception.room.held == 0)


def test_grpc_refuses_with_resource_exhausted_and_a_retry_info() -> None:
    reception = Reception(Room(len(BODY)), Counts())
    address = Address(LOOPBACK, free_port())
    server = grpc_server(reception, address)
    try:
        with grpc.insecure_channel(str(address)) as channel:
            export = channel.unary_unary(
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
            )
            assert export(BODY, timeout=10) == b""
            with pytest.raises(grpc.RpcError) as refused:
                export(BODY, timeout=10)
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        trailing = dict(refused.value.trailing_metadata())
        details = Status.FromString(trailing["grpc-status-details-bin"])
        assert details.code == 8
        assert details.details[0].Is(RetryInfo.DESCRIPTOR)
        assert reception.counts.by_kind("shed") == {"traces": 1}
    finally:
        server.stop(0).wait()


def test_two_receivers_never_share_a_port() -> None:
    address = Address(LOOPBACK, free_port())
    server = grpc_server(small(), address)
    try:
        with pytest.raises(Unavailable):
            grpc_server(small(), address)
    finally:
        server.stop(0).wait()


def test_what_is_refused_is_not_forwarded() -> None:
    forwarded: list[Arrived] = []
    reception = Reception(Room(len(BODY)), Counts(), forwarded.append)
    arrived = Arrived("traces", BODY)
    reception.accept(arrived)
    with pytest.raises(Unavailable):
        reception.accept(arrived)
    assert forwarded == [arrived]
