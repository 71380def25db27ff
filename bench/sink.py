"""Where traces and metrics go during a measurement: answers every POST with 200 and forgets it.

Run as `python -m bench.sink <port>`, in a process of its own, so that exporting costs the measured
programs what it costs anywhere: a connection and the bytes.
"""

from __future__ import annotations

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"


async def forget(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until the other side leaves."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await _skip_body(head, reader)
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _skip_body(head: bytes, reader: asyncio.StreamReader) -> None:
    """Envoy sends chunks; taking their end for a request would answer twice and lose the
    connection.
    """
    if _field(head, b"transfer-encoding") == b"chunked":
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + len(b"\r\n"))
        await reader.readline()
    else:
        await reader.readexactly(int(_field(head, b"content-length") or b"0"))


def _field(head: bytes, wanted: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == wanted:
            return value.strip()
    return b""


async def main(port: int) -> None:
    """Listen for ever."""
    server = await asyncio.start_server(forget, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
