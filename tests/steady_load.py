"""Requests at a constant rate from a thread of its own, each answer kept: did anyone lose one?

Keeps its connections open as real clients do, and never repeats a request.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_PATIENCE = 10.0


@dataclass
class Load:
    """What was answered so far: `(sent, status, body)`; a lost request has status 0."""

    answers: list[tuple[float, int, str]] = field(default_factory=list)

    @property
    def failed(self) -> Counter[str]:
        """Everything but 200, by status and words."""
        return Counter(f"{status} {body}" for _, status, body in self.answers if status != 200)

    def bodies(self, since: float) -> Counter[str]:
        """What requests got that were sent after a moment (monotonic seconds)."""
        return Counter(body for sent, _, body in list(self.answers) if sent > since)


@asynccontextmanager
async def steady_load(url: str, rate: float, connections: int = 10) -> AsyncIterator[Load]:
    """`rate` requests a second until the block ends, and all of them answered."""
    load, stop = Load(), threading.Event()
    interval = connections / rate
    work = _everyone(url, interval, connections, load, stop)
    thread = threading.Thread(target=lambda: asyncio.run(work))
    thread.start()
    try:
        yield load
    finally:
        stop.set()
        await asyncio.to_thread(thread.join, _PATIENCE)


async def _everyone(
    url: str, interval: float, many: int, load: Load, stop: threading.Event
) -> None:
    starts = (number * interval / many for number in range(many))
    await asyncio.gather(*(_client(url, start, interval, load, stop) for start in starts))


async def _client(
    url: str, start: float, interval: float, load: Load, stop: threading.Event
) -> None:
    where, due = urlsplit(url), time.monotonic() + start
    request = f"GET {where.path} HTTP/1.1\r\nhost: {where.netloc}\r\n\r\n".encode()
    streams = None
    while not stop.is_set():
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due += interval
        sent = time.monotonic()
        try:
            if streams is None:
                streams = await asyncio.open_connection(where.hostname, where.port)
            status, body = await asyncio.wait_for(_asked(*streams, request), _PATIENCE)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            status, body, streams = 0, type(error).__name__, None
        load.answers.append((sent, status, body))
    if streams is not None:
        streams[1].close()


async def _asked(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, str]:
    writer.write(request)
    status = int((await reader.readuntil(b"\r\n")).split()[1])
    length = 0
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, (await reader.readexactly(length)).decode()
