"""The console's door: every request passes it, and every answer gets the same security headers.

`app` wraps the pages in it. Guarantees: nothing but login page and static files is answered without
a session; the `Host` must be a name of this control plane; a write comes from a page of this very
origin (its CSRF token is looked at in `page`, where the form is read). The actor is left in the
request's state, where `roles` and `NotedWrites` find it.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response

from fairway.api.guard import check_host
from fairway.api.problems import Asgi, Receive, Scope, Send, status_of
from fairway.console.door.entrance import LOGIN
from fairway.console.door.sessions import SESSION_SECONDS, Session, Sessions
from fairway.errors import FairwayError, Refused

STATIC = "/static/"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With `no-referrer` browsers send `Origin: null` with a form, which `check_origin` refuses.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_READS = frozenset({"GET", "HEAD"})
_BOUNCE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Fairway</title>'
    '<meta http-equiv="refresh" content="0"><p>One moment…'
)


class Cookies:
    """The session cookie. Its name has the port: cookies do not keep ports of one host apart.

    Services on the same host are sent it all the same. They run as the user who owns the system
    and could read its token from disk, so that gives nothing away.
    """

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure

    def name(self, headers: dict[bytes, bytes]) -> str:
        """What it is called at the address of this request."""
        port = headers.get(b"host", b"").decode("latin-1").rpartition(":")[2]
        return f"fairway_session_{port}" if port.isdigit() else "fairway_session"

    def read(self, headers: dict[bytes, bytes]) -> str:
        """Its value, empty without one. Read as browsers write it: `SimpleCookie` gives up at the
        first odd one, and whatever else runs on this host may have set some.
        """
        found = cookie_parser(headers.get(b"cookie", b"").decode("latin-1"))
        return found.get(self.name(headers), "")

    def write(self, response: Response, headers: dict[bytes, bytes], value: str) -> None:
        """Set it; an empty value takes it away."""
        response.set_cookie(
            self.name(headers),
            value,
            max_age=int(SESSION_SECONDS) if value else 0,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )


class Gate:
    """ASGI middleware before the pages."""

    def __init__(
        self, app: Asgi, sessions: Sessions, cookies: Cookies, hosts: frozenset[str]
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._cookies = cookies
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, or answer here."""
        if scope["type"] != "http":  # refused before it is accepted
            await send({"type": "websocket.close", "code": 1008})
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        guarded = _with_headers(send)
        try:
            check_host(headers.get(b"host", b"").decode("latin-1"), self._hosts)
            if scope["method"] not in _READS:
                check_origin(headers)
            session = await self._sessions.find(self._cookies.read(headers))
        except FairwayError as error:
            await Response(str(error), status_of(error))(scope, receive, guarded)
            return
        if session is None and not _open(scope["path"]):
            await _to_login(scope, headers)(scope, receive, guarded)
            return
        _leave(scope, session)
        await self._app(scope, receive, guarded)


def check_origin(headers: dict[bytes, bytes]) -> None:
    """Refused unless the browser says that a page of this origin sent it."""
    site = headers.get(b"sec-fetch-site", b"").decode("latin-1")
    origin = headers.get(b"origin", b"").decode("latin-1")
    host = headers.get(b"host", b"").decode("latin-1")
    foreign_site = site not in ("", "same-origin")
    foreign_origin = bool(origin) and urlsplit(origin).netloc.lower() != host.lower()
    if foreign_site or foreign_origin or not (site or origin):
        raise Refused(
            "foreign-origin",
            "this request does not come from a page of the console",
            remedy="open the console at its own address and try again there",
        )


def _open(path: str) -> bool:
    return path == LOGIN or path.startswith(STATIC)


def _leave(scope: Scope, session: Session | None) -> None:
    state = scope.setdefault("state", {})
    state["session"] = session
    if session is not None:
        state["actor"] = session.actor


def _to_login(scope: Scope, headers: dict[bytes, bytes]) -> Response:
    """A page that is asked for leads to the login; what a page fetches is just refused.

    A link on a foreign page brings no SameSite=Strict cookie, though the user may be logged in:
    the page then asks for itself once more, which counts as same-origin.
    """
    wants_page = scope["method"] in _READS and b"text/html" in headers.get(b"accept", b"")
    if not wants_page or b"hx-request" in headers:
        return Response("log in first", 401, headers={"hx-refresh": "true"})
    if headers.get(b"sec-fetch-site") == b"cross-site":
        return HTMLResponse(_BOUNCE, headers={"cache-control": "no-store"})
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    return RedirectResponse(f"{LOGIN}?next={quote(wanted, safe='')}", 303)


def _with_headers(send: Send) -> Send:
    async def guarded(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            found = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                found[name] = value
            found.setdefault("cache-control", "no-store")
        await send(message)

    return guarded
