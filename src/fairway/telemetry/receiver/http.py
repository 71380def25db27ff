"""OTLP over HTTP: a raw ASGI application, and the server around it.

`main.py` serves it on a socket that it was given or has bound. Protobuf and JSON, plain and gzip;
answers follow the OTLP specification: 400 for what cannot be read, 413 for what is too large, 429
with `Retry-After` when there is no room, then already before the body is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import uvicorn

from fairway.errors import FairwayError, InvalidInput, Unavailable
from fairway.telemetry.receiver.reception import LARGEST, Arrived, Reception, TooLarge
from fairway.telemetry.receiver.replies import (
    INVALID_ARGUMENT,
    RETRY_SECONDS,
    SIGNALS,
    UNAVAILABLE,
    Signal,
    status,
    status_json,
    success,
    success_json,
)

Scope = Mapping[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PATHS: Final[Mapping[str, Signal]] = {f"/v1/{signal}": signal for signal in SIGNALS}
_PROTOBUF: Final = b"application/x-protobuf"
_JSON: Final = b"application/json"
_PATIENCE: Final = 30.0
"""How long the body of a request may take, in seconds."""
_SMALL: Final = 128 * 2**10
"""Bytes that are checked at once; more, and JSON, by a helper thread while the loop goes on."""
_KEEP_ALIVE: Final = 120
"""Longer than exporters wait between two batches: they need not connect again for each."""
_SHUTDOWN_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class _Answer:
    code: int
    body: bytes = b""
    kind: bytes = _PROTOBUF
    headers: tuple[tuple[bytes, bytes], ...] = ()


class OtlpHttp:
    """The application. `GET /` answers 200 to whoever wants to know whether it is there."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        assert scope["type"] == "http", "the server speaks nothing else"
        answer = await self._answer(scope, receive)
        length = str(len(answer.body)).encode()
        headers = [(b"content-type", answer.kind), (b"content-length", length), *answer.headers]
        await send({"type": "http.response.start", "status": answer.code, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> _Answer:
        signal = _PATHS.get(scope["path"])
        if signal is None:
            return _Answer(200 if scope["path"] == "/" else 404, kind=b"text/plain")
        if scope["method"] != "POST":
            return _Answer(405, kind=b"text/plain", headers=((b"allow", b"POST"),))
        headers = dict(scope["headers"])
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        encoding = headers.get(b"content-encoding", b"identity").strip().lower()
        if kind not in {_PROTOBUF, _JSON} or encoding not in {b"gzip", b"identity"}:
            return _Answer(415, b"send protobuf or JSON, plain or gzip\n", b"text/plain")
        json = kind == _JSON
        try:
            return await self._export(signal, json, encoding == b"gzip", receive)
        except FairwayError as error:
            return _refused(error, json)

    async def _export(self, signal: Signal, json: bool, gzip: bool, receive: Receive) -> _Answer:
        body = bytearray()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._read(signal, body, receive)
            arrived = Arrived(signal, bytes(body), json, gzip)
            if json or len(body) > _SMALL:
                found = await asyncio.to_thread(self._reception.accept, arrived)
            else:
                found = self._reception.accept(arrived)
        except TimeoutError:
            return _Answer(408, kind=b"text/plain")
        finally:
            self._reception.room.give_back(len(body))
        if json:
            return _Answer(200, success_json(signal, found.rejected, found.complaint), _JSON)
        return _Answer(200, success(found.rejected, found.complaint))

    async def _read(self, signal: Signal, body: bytearray, receive: Receive) -> None:
        """Read the body, while there is room for it: what was read is taken from the room."""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise InvalidInput("export-cut-off", "the sender went away", remedy="send it again")
            chunk = message.get("body", b"")
            if len(body) + len(chunk) > LARGEST:
                raise TooLarge
            if not self._reception.room.take(len(chunk)):
                raise self._reception.refusal(signal)
            body += chunk
            more = message.get("more_body", False)


def _refused(error: FairwayError, json: bool) -> _Answer:
    words = str(error)
    kind = _JSON if json else _PROTOBUF
    if isinstance(error, Unavailable):
        body = status_json(UNAVAILABLE, words) if json else status(UNAVAILABLE, words, retry=True)
        return _Answer(429, body, kind, ((b"retry-after", str(RETRY_SECONDS).encode()),))
    body = status_json(INVALID_ARGUMENT, words) if json else status(INVALID_ARGUMENT, words)
    return _Answer(413 if isinstance(error, TooLarge) else 400, body, kind)


class HttpServer(uvicorn.Server):
    """The server; signals stay with `main.py`."""

    def __init__(self, reception: Reception) -> None:
        app = OtlpHttp(reception)
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the process's signal handlers alone."""
        yield
