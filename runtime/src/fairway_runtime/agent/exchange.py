"""One GET over a fresh connection, and what Envoy's statistics look like.

A tiny HTTP client of its own, because importing a full one would cost a tenth of a second.
"""

from __future__ import annotations

import asyncio

from fairway_runtime.agent.confirming import Statistics


async def exchange(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    host: str,
    target: str,
    method: str = "GET",
) -> tuple[int, bytes]:
    """One request without a body over a fresh connection: status and body.

    Raises OSError, EOFError or ValueError.
    """
    reader, writer = streams
    try:
        # HTTP/1.0 style: the end of the connection is the end of the body, never chunks.
        writer.write(
            f"{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.read()
    finally:
        writer.close()
    return int(head.split(b" ", 2)[1]), _unchunked(head, body)


def parse_statistics(text: str) -> Statistics:
    """Envoy's plain text statistics: `name: 12` and `name: "text"`."""
    found: dict[str, int | str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        if value.startswith('"'):
            found[name] = value.strip('"')
        elif value.isdigit():
            found[name] = int(value)
    return found


def _unchunked(head: bytes, body: bytes) -> bytes:
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            break
        parts.append(body[:length])
        body = body[length + 2 :]
    return b"".join(parts)
