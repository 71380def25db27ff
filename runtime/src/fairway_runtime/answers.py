"""Answers that the library gives itself: refusals, readiness, metrics."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from fairway_runtime.asgitypes import Send

Headers = Iterable[tuple[bytes, bytes]]


async def send_json(
    send: Send, status: int, document: Mapping[str, object], headers: Headers = ()
) -> None:
    """A whole response with a JSON object."""
    body = json.dumps(document, ensure_ascii=False).encode()
    await send_bytes(send, status, body, [(b"content-type", b"application/json"), *headers])


async def send_bytes(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """A whole response."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def refuse_websocket(send: Send) -> None:
    """Close a WebSocket before it is accepted: servers answer the handshake with a bare 403."""
    await send({"type": "websocket.close", "code": 1008})
