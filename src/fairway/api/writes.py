"""Notes every write: who asked for what, and how it ended.

ASGI middleware inside the guard, so that the actor is known and refusals are noted as well. Bodies
are never looked at. Questions that come as a POST because they are long (`QUERY`) change nothing
and are left out.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from fairway.api.problems import Asgi, Receive, Scope, Send
from fairway.control.door import Trail, Write
from fairway.delivery.port import Actor

QUERY = {"x-fairway-query": True}
"""The `openapi_extra` of an operation that changes nothing though it is a POST."""
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class NotedWrites:
    """Notes each write once its answer begins; the answer waits until it is noted."""

    def __init__(self, app: Asgi, trail: Trail, clock: Callable[[], float]) -> None:
        self._app = app
        self._trail = trail
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note it when it is a write."""
        if scope["type"] != "http" or scope["method"] in _READS:
            await self._app(scope, receive, send)
            return

        async def noted(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and not _is_query(scope):
                await self._trail.note(self._write(scope, message["status"]))
            await send(message)

        await self._app(scope, receive, noted)

    def _write(self, scope: Scope, status: int) -> Write:
        state = scope["state"]
        actor: Actor = state["actor"]
        about = state.get("environment", "")
        return Write(
            self._clock(), actor.name, actor.role, scope["method"], scope["path"], status, about
        )


def _is_query(scope: Scope) -> bool:
    extra = getattr(scope.get("route"), "openapi_extra", None) or {}
    return bool(extra.get("x-fairway-query"))
