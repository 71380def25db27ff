"""A receiver of webhooks on a real socket that answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.waiting import PATIENCE


@dataclass
class Post:
    """One request, as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """`answer` gives the status of the nth request (from 1); 0 never answers."""

    answer: Callable[[Post, int], int] = lambda _post, _number: 204
    posts: list[Post] = field(default_factory=list)
    url: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, count: int) -> list[Post]:
        async with asyncio.timeout(PATIENCE):
            while len(self.posts) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.posts

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")[1:]
                pairs = (line.partition(": ") for line in lines if line)
                headers = {name.lower(): value for name, _, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                post = Post(headers, body)
                self.posts.append(post)
                status = self.answer(post, len(self.posts))
                self._changed.set()
                if not status:
                    await asyncio.sleep(60)
                extra = "location: http://127.0.0.1:1/\r\n" if status == 302 else ""
                writer.write(f"HTTP/1.1 {status} X\r\n{extra}content-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the other side has hung up, or the test is over
        finally:
            writer.close()


@asynccontextmanager
async def listening(receiver: Receiver) -> AsyncIterator[Receiver]:
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()
