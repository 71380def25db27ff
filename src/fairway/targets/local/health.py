"""Health checks of replicas: an HTTP path that answers 2xx, else an open port.

The runner of a replica is the only caller. A check never raises: it says what it saw. The HTTP
client is written out, because a check is one request in a loop: importing and driving a full
client would cost more than the service's own answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fairway.targets.local.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Finding:
    """What a health check saw; `detail` is for people, for instance `GET /health: 503`."""

    ok: bool
    detail: str


async def probe(port: int, path: str | None, patience: float) -> Finding:
    """Check one replica within `patience` seconds."""
    what = f"GET {path}" if path else f"port {port}"
    try:
        async with asyncio.timeout(patience):
            return await (_ask(port, path) if path else _connect(port))
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


async def _ask(port: int, path: str) -> Finding:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\n"
            "User-Agent: fairway-health\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode()
        )
        return _judge(path, await reader.readuntil(b"\n"))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return Finding(False, f"GET {path}: the answer is not HTTP/1.1")
    finally:
        writer.transport.abort()


def _judge(path: str, status_line: bytes) -> Finding:
    parts = status_line.split(None, 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/") or not parts[1].isdigit():
        return Finding(False, f"GET {path}: the answer is not HTTP/1.1")
    status = int(parts[1])
    return Finding(200 <= status < 300, f"GET {path}: {status}")
