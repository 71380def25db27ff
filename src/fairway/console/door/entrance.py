"""Links that log somebody in: `fairway up` prints one, `fairway console` asks for another.

`issuing` stands behind the API's guard, so whoever has a bearer token gets a link for themselves.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import JSONResponse

from fairway.api.problems import Asgi, Receive, Scope, Send
from fairway.console.door.sessions import Sessions

LOGIN = "/login"
CODES = "/login/codes"
"""Where programs with a bearer token ask for a link."""


def login_path(code: str, wanted: str = "") -> str:
    """The address that logs somebody in."""
    return f"{LOGIN}?{urlencode({'code': code} | ({'next': wanted} if wanted else {}))}"


def issuing(sessions: Sessions) -> Asgi:
    """Answers a POST with the path of a login link; the guard before it knows who asks."""

    async def issue(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await JSONResponse({"detail": "POST"}, 405, {"allow": "POST"})(scope, receive, send)
            return
        path = login_path(sessions.code(scope["state"]["actor"]))
        answer = JSONResponse({"path": path}, 201, {"cache-control": "no-store"})
        await answer(scope, receive, send)

    return issue
