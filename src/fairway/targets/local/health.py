"""Health checks of replicas: an HTTP path that answers 2xx, else an open port.

The runner of a replica is the only caller. A check never raises: it says what it saw. The HTTP
client is written out, because a check is one request in a loop: importing and driving a full
client would cost more than the service's own answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fairway.targets.local.health_http2 import ask_http2
from fairway.targets.local.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Finding:
    """What a health check saw; `detail` is for people, for instance `GET /health: 503`."""

    ok: bool
    detail: str


async def probe(port: int, path: str | None, patience: float, *, http2: bool = False) -> Finding:
    """Check one replica within `patience` seconds; `http2` when it does not speak HTTP/1.1."""
    what = f"GET {path}" if path else f"port {port}"
    try:
        async with asyncio.timeout(patience):
            return await (_ask(port, path, http2) if path else _connect(port))
    except TimeoutError:
        return Finding(False, f"{what}: no answer within {patience:g} s")
    except ConnectionRefusedError:
        return Finding(False, f"{what}: nothing listens on port {port}")
    except OSError as error:
        return Finding(False, f"{what}: {error.strerror or error}")


async def _connect(port: int) -> Finding:
    _, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.transport.abort()
    return Finding(True, f"port {port} is open")


async def _ask(port: int, path: str, http2: bool) -> Finding:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    ask = ask_http2 if http2 else _ask_http1
    try:
        status = await ask(reader, writer, f"{LOOPBACK}:{port}", path)
    except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return Finding(False, f"GET {path}: the answer is not {'HTTP/2' if http2 else 'HTTP/1.1'}")
    finally:
        writer.transport.abort()
    return Finding(200 <= status < 300, f"GET {path}: {status}")


async def _ask_http1(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authority: str, path: str
) -> int:
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {authority}\r\n"
        "User-Agent: fairway-health\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode()
    )
    parts = (await reader.readuntil(b"\n")).split(None, 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/"):
        raise ValueError("not a status line")
    return int(parts[1])
