"""A legacy system: a plain HTTP server outside the mesh, which knows nothing of Fairway."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

LEGACY = "legacy"
"""What it answers."""


@dataclass
class OldSystem:
    """Answers everything alike, with a status that can be changed."""

    url: str = ""
    status: int = 200

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            while await reader.readuntil(b"\r\n\r\n"):
                head = f"HTTP/1.1 {self.status} X\r\ncontent-length: {len(LEGACY)}\r\n\r\n"
                writer.write((head + LEGACY).encode())
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def old_system() -> AsyncIterator[OldSystem]:
    """One that listens on a port of its own."""
    system = OldSystem()
    server = await asyncio.start_server(system.answer, "127.0.0.1", 0)
    system.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield system
    server.close()
