"""API and console on one port: `create_site(offer)` is what `cli` serves.

The API answers at once; the pages are put together while nobody waits for them (`warm`), or when
the first one is asked for: templates and their machinery take half a second to import, and
`fairway up` is ready without.
"""

from __future__ import annotations

import asyncio

from fairway.api.app import create_app
from fairway.api.guard import Guard
from fairway.api.offer import Offer
from fairway.api.problems import Asgi, Receive, Scope, Send
from fairway.api.writes import NotedWrites
from fairway.console.door.entrance import CODES, issuing, login_path
from fairway.console.door.sessions import Sessions
from fairway.delivery.port import Actor

_API = "/api/"
_HEALTH = "/health"
"""Answers a load balancer, which has no token and asks by address: it serves, nothing more."""


class Website:
    """API and console behind one port, and the way in."""

    def __init__(self, offer: Offer, *, secure: bool = False) -> None:
        """With `secure` browsers send the cookie only over TLS."""
        self._offer = offer
        self._secure = secure
        self._sessions = Sessions(offer.door, offer.clock)
        self._api = create_app(offer)
        codes = NotedWrites(issuing(self._sessions), offer.trail, offer.clock)
        self._codes = Guard(codes, offer.door, offer.hosts, offer.clock)
        self._pages: asyncio.Task[Asgi] | None = None
        self._warming: asyncio.Future[None] | None = None

    def login_path(self, actor: Actor) -> str:
        """A path that logs `actor` in, once."""
        return login_path(self._sessions.code(actor))

    def warm(self) -> asyncio.Task[Asgi]:
        """Have the pages put together, in a thread."""
        if self._pages is None or (self._pages.done() and self._pages.exception()):
            self._pages = asyncio.create_task(asyncio.to_thread(self._made))
            self._pages.add_done_callback(self._warm_templates)
        return self._pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Whoever the path belongs to answers."""
        path = scope.get("path", "")
        if scope["type"] == "lifespan" or path.startswith(_API):
            await self._api(scope, receive, send)
        elif path == _HEALTH and scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        elif path == CODES:
            await self._codes(scope, receive, send)
        else:
            pages = await asyncio.shield(self.warm())
            await pages(scope, receive, send)

    def _warm_templates(self, made: asyncio.Task[Asgi]) -> None:
        if not made.cancelled() and made.exception() is None:
            from fairway.console.rendering import warm  # noqa: PLC0415 - see above

            self._warming = asyncio.get_running_loop().run_in_executor(None, warm)

    def _made(self) -> Asgi:
        from fairway.console.app import create_pages  # noqa: PLC0415 - see above

        return create_pages(self._offer, self._sessions, secure=self._secure)


def create_site(offer: Offer, *, secure: bool = False) -> Website:
    """API and console of what is offered."""
    return Website(offer, secure=secure)
