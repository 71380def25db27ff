"""No request's body is read beyond a limit: a control plane holds it in memory to understand it.

ASGI middleware inside the guard. Artifacts are not held in memory; their route has its own limit.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

from fairway.api.problems import Asgi, Receive, Scope, Send, send_problem
from fairway.api.statuses import TooLarge

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes: an app file of 5,000 services takes about three million."""
_TOO_LARGE = TooLarge(
    "too-large",
    f"a request may have {LARGEST_BODY // 1024**2} MiB",
    remedy="send sources as artifacts, not within the request",
)


class BodyLimit:
    """Answers 413 to what says that it is too large, and to what turns out to be."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a body that ends at the limit."""
        if scope["type"] != "http" or "/artifacts/" in scope["path"]:
            await self._app(scope, receive, send)
        elif _announced(scope) > LARGEST_BODY:
            await send_problem(scope, send, _TOO_LARGE)
        else:
            await self._bounded(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, _bounded(receive), send)
        except _Overrun:  # met by a middleware: FastAPI answers what its routes meet
            await send_problem(scope, send, _TOO_LARGE)


class _Overrun(HTTPException):
    """FastAPI takes any other error while it reads a body for JSON that cannot be read."""


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def bounded() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY:
            raise _Overrun(413, _TOO_LARGE.message)
        return message

    return bounded


def _announced(scope: Scope) -> int:
    text = dict(scope["headers"]).get(b"content-length", b"")
    return int(text) if text.isdigit() else 0
