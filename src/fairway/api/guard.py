"""Who may talk to the control plane: a local process that can read `control.json`.

`app` wraps the whole API in it. Every request, reads and the OpenAPI document too, needs the
bearer token, compared in constant time. The `Host` header must name the loopback interface, so
that a web page whose DNS name was rebound to 127.0.0.1 gets nowhere even with a leaked token.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """ASGI middleware: passes on only what comes from a loopback name with the right token."""

    def __init__(self, app: Asgi, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or 403 here, or let the API answer."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there is nothing but HTTP here: refused before it is accepted
            await send({"type": "websocket.close", "code": 1008})
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if not names_loopback(headers.get(b"host", b"").decode("latin-1")):
            await _refuse(send, 403, "foreign-host", "this API answers only on the loopback names")
        elif not hmac.compare_digest(headers.get(b"authorization", b""), self._expected):
            await _refuse(send, 401, "unauthorized", "the bearer token is missing or wrong")
        else:
            await self._app(scope, receive, send)


def names_loopback(host: str) -> bool:
    """Whether a `Host` header (with or without a port) names the loopback interface."""
    name, separator, port = host.rpartition(":")
    if not separator or not port.isdigit():
        name = host
    return name.lower() in LOOPBACK_NAMES


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    remedy = "read the URL and the token from control.json in the app's state folder"
    error = {"code": code, "message": message, "where": "", "remedy": remedy}
    headers = [(b"content-type", b"application/json")]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": error}).encode()})
