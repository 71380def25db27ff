"""The console: pages for people over the same ports that the API offers to programs.

`site` puts it beside the API. The door (`gate`), the notes of writes and the size limit stand
before the pages, as they do in the API. A page is a module with a `router` and an `ENTRY` for the
navigation; it is named once, below.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from fairway.api.guard import Admission
from fairway.api.limits import BodyLimit
from fairway.api.offer import Offer
from fairway.api.problems import Asgi, Receive, Scope, Send, status_of
from fairway.api.writes import NotedWrites
from fairway.console import assets
from fairway.console.assets import Assets
from fairway.console.door import login
from fairway.console.door.gate import Cookies, Gate
from fairway.console.door.sessions import Notice, Sessions
from fairway.console.page import Page, Site, checked, page_of
from fairway.console.pages import (
    deployments,
    explorer,
    logs,
    metrics,
    overview,
    policies,
    services,
    traces,
)
from fairway.console.rendering import Templates
from fairway.errors import FairwayError, NotFound

PAGES = (overview, services, logs, traces, metrics, deployments, policies, explorer)


def create_pages(offer: Offer, sessions: Sessions, *, secure: bool = False) -> Asgi:
    """The guarded pages. With `secure` browsers send the cookie only over TLS."""
    cookies = Cookies(secure=secure)
    files = Assets()
    templates = Templates(files)
    app = _routes()
    app.state.assets = files
    entries = tuple(page.ENTRY for page in PAGES)
    app.state.site = Site(offer, sessions, templates, entries)
    admission = Admission(offer.door, offer.clock)
    app.state.desk = login.Desk(offer, sessions, cookies, templates, admission)
    bounded = BodyLimit(GZipMiddleware(app, minimum_size=1000, compresslevel=5))
    return Gate(_Noted(bounded, offer), sessions, cookies, offer.hosts)


class _Noted:
    """Writes of somebody who is logged in are noted; the login notes itself."""

    def __init__(self, app: Asgi, offer: Offer) -> None:
        self._app = app
        self._noted = NotedWrites(app, offer.trail, offer.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        somebody = "actor" in scope["state"] and scope["path"] != "/login"
        await (self._noted if somebody else self._app)(scope, receive, send)


def _routes() -> FastAPI:
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(checked)],
    )
    app.include_router(assets.router)
    app.include_router(login.router)
    for page in PAGES:
        app.include_router(page.router)
    _install_failures(app)
    return app


def _install_failures(app: FastAPI) -> None:
    """Every error is shown the same way."""

    @app.exception_handler(FairwayError)
    async def known(request: Request, error: FairwayError) -> Response:
        return await _failure(request, error, status_of(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return await _failure(
            request, FairwayError("invalid-request", str(first["msg"]), where=place), 400
        )

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: HTTPException) -> Response:
        words = NotFound("no-such-page", str(error.detail), where=request.url.path)
        return await _failure(request, words, error.status_code)

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, _: Exception) -> Response:
        # Starlette raises it again after this answer, so the server's log has the traceback.
        words = FairwayError(
            "defect",
            "the console failed in a way that nobody foresaw",
            remedy="the log of the control plane says more; please report it",
        )
        return await _failure(request, words, 500)


async def _failure(request: Request, error: FairwayError, status: int) -> Response:
    """A notice on the page that asked, or a page of its own."""
    if request.scope.get("state", {}).get("session") is None:
        return Response(str(error), status)
    page: Page = await page_of(request)
    if page.scripted or request.headers.get("accept") == "text/event-stream":
        notice = Notice("bad", error.message, _detail(error))
        headers = {"hx-retarget": "#notices", "hx-reswap": "beforeend"}
        return HTMLResponse(page.html("_notice.html", notice=notice), status, headers)
    title = HTTPStatus(status).phrase
    return page.render("error.html", status, error=error, title=title, status_code=status)


def _detail(error: FairwayError) -> str:
    return "; ".join(each for each in (error.where, error.remedy) if each)
