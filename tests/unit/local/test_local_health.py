"""Health checks say what they saw, whatever the other side does."""

import asyncio
from contextlib import asynccontextmanager

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
