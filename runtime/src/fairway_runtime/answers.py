"""Answers that the library gives itself: refusals, readiness, metrics."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from fairway_runtime.asgitypes import Scope, Send

Headers = Iterable[tuple[bytes, bytes]]
DECISION = b"x-fairway-decision"
DENIED = (DECISION, b"deny")
"""Header of a refusal by the library: tells it from a 403 that an app answers by itself."""
_WEBSOCKET_ANSWER = "websocket.http.response"


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


async def refuse_websocket(send: Send, scope: Scope, headers: Headers = ()) -> None:
    """Refuse a WebSocket's handshake with 403, bare where the server takes no headers for it."""
    if _WEBSOCKET_ANSWER in (scope.get("extensions") or ()):
        length = (b"content-length", b"0")
        start = {"status": 403, "headers": [*headers, length]}
        await send({"type": f"{_WEBSOCKET_ANSWER}.start", **start})
        await send({"type": f"{_WEBSOCKET_ANSWER}.body", "body": b""})
        return
    await send({"type": "websocket.close", "code": 1008})
