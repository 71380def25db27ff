"""Health checks say what they saw, whatever the other side does."""

import asyncio
from contextlib import asynccontextmanager

import h2.config
import h2.connection
import h2.events
import pytest

from fairway.targets.local.health import probe


@asynccontextmanager
async def answering(answer: bytes | None, asked: list[bytes] | None = None):
    async def serve(reader, writer):
        line = await reader.readline()
        if asked is not None:
            asked.append(line)
        if answer is None:
            await asyncio.sleep(30)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answer", "ok", "detail"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True, "GET /health: 200"),
        (b"HTTP/1.0 204 No Content\r\n\r\n", True, "GET /health: 204"),
        (b"HTTP/1.1 302 Found\r\n\r\n", False, "GET /health: 302"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", False, "GET /health: 503"),
        (b"SSH-2.0-x\r\n", False, "GET /health: the answer is not HTTP/1.1"),
        (b"HTTP/1.1\r\n", False, "GET /health: the answer is not HTTP/1.1"),
        (b"", False, "GET /health: the answer is not HTTP/1.1"),
        (b"x" * 200_000, False, "GET /health: the answer is not HTTP/1.1"),
    ],
)
async def test_an_http_path_must_answer_2xx(answer, ok, detail):
    asked: list[bytes] = []
    async with answering(answer, asked) as port:
        finding = await probe(port, "/health", 2.0)
    assert (finding.ok, finding.detail) == (ok, detail)
    assert asked == [b"GET /health HTTP/1.1\r\n"]


async def test_silence_is_a_failure():
    async with answering(None) as port:
        finding = await probe(port, "/health", 0.1)
    assert (finding.ok, finding.detail) == (False, "GET /health: no answer within 0.1 s")


async def test_without_a_path_an_open_port_is_enough():
    async with answering(None) as port:
        assert (await probe(port, None, 1.0)).ok
    finding = await probe(port, None, 1.0)
    assert not finding.ok
    assert finding.detail == f"port {port}: nothing listens on port {port}"


@asynccontextmanager
async def answering_http2(status, padding=None):
    """A server of the library `h2`, which knows nothing of our client."""

    async def serve(reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(4096):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    asked.append(dict(event.headers))
                    headers = [(":status", status), ("content-type", "text/plain")]
                    connection.send_headers(event.stream_id, headers, end_stream=True)
            writer.write(connection.data_to_send())

    asked = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()


@pytest.mark.parametrize(
    "status",
    ["200", "201", "202", "204", "206", "226", "299", "302", "404", "418", "429", "500", "503"],
)
async def test_a_program_that_speaks_http2_only(status):
    async with answering_http2(status) as (port, asked):
        finding = await probe(port, "/health", 2.0, http2=True)
    assert (finding.ok, finding.detail) == (status.startswith("2"), f"GET /health: {status}")
    assert asked == [
        {
            b":method": b"GET",
            b":scheme": b"http",
            b":path": b"/health",
            b":authority": f"127.0.0.1:{port}".encode(),
        }
    ]


@pytest.mark.parametrize("length", [126, 127, 254, 255, 300, 5000])
async def test_long_paths_over_http2(length):
    path = "/" + "x" * (length - 1)
    async with answering_http2("200") as (port, asked):
        assert (await probe(port, path, 2.0, http2=True)).ok
    assert asked[0][b":path"] == path.encode()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        bytes.fromhex("000000070000000000"),
        bytes.fromhex("000000010400000001"),
        bytes.fromhex("00000101040000000182"),
        bytes.fromhex("0000030104000000014881ff"),
    ],
)
async def test_what_is_not_http2_is_said(answer):
    async with answering(answer) as port:
        finding = await probe(port, "/health", 2.0, http2=True)
    assert (finding.ok, finding.detail) == (False, "GET /health: the answer is not HTTP/2")
