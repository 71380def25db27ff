"""A server that answers nobody without a client certificate, and says so in the last moment.

In TLS 1.3 the client has finished before the server has seen its certificate (RFC 8446, 4.4.2.4),
so the refusal is met at the first read: as an error of TLS, not of the connection.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from tests.certificates import self_signed

_CHUNK = 65536


@asynccontextmanager
async def wanting_certificates(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Its address; clients that heed SSL_CERT_FILE trust its own certificate."""
    pem = _self_signed(folder / "server.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(pem)
    context.load_verify_locations(pem)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # the client has hung up
            await _refuse(context, reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def _refuse(
    context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Shake hands with all that the client sends, its request included: so nothing is reset."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(received, sent, server_side=True)
    received.write(await reader.read(_CHUNK))
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    writer.write(sent.read())
    received.write(await _everything(reader))
    with suppress(ssl.SSLError):
        tls.do_handshake()
    writer.write(sent.read())
    await writer.drain()
    await reader.read()


async def _everything(reader: asyncio.StreamReader) -> bytes:
    """What comes until nothing has come for a moment."""
    everything = b""
    with suppress(TimeoutError):
        while chunk := await asyncio.wait_for(reader.read(_CHUNK), 0.3):
            everything += chunk
    return everything


def _self_signed(file: Path) -> Path:
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    file.write_bytes(b"".join(self_signed(names, datetime.now(UTC))))
    return file
