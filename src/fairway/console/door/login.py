"""Logging in and out: by the one-time code of a printed link, or by pasting a token.

A code in an address is worthless once it was used, so it may stay in the history of the browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from fairway.api.guard import Admission, address_of
from fairway.api.offer import Offer
from fairway.api.problems import status_of
from fairway.console.door.entrance import LOGIN
from fairway.console.door.gate import Cookies
from fairway.console.door.sessions import Sessions
from fairway.console.rendering import Templates
from fairway.control.door import Write
from fairway.delivery.port import Actor
from fairway.errors import FairwayError

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Desk:
    """What the login needs; `app.state.desk`."""

    offer: Offer
    sessions: Sessions
    cookies: Cookies
    templates: Templates
    admission: Admission

    async def note(self, actor: Actor) -> None:
        """Every login is in the trail."""
        write = Write(self.offer.clock(), actor.name, actor.role, "POST", LOGIN, 303)
        await self.offer.trail.note(write)


@router.get(LOGIN, include_in_schema=False)
async def login(
    request: Request, code: str = "", wanted: Annotated[str, Query(alias="next")] = "/"
) -> Response:
    """The form, or in by the code of a link."""
    desk = _desk(request)
    wanted = _local(wanted)
    if not code:
        return _form(desk, wanted)
    try:
        cookie = desk.sessions.redeem(code)
    except FairwayError as error:
        if request.state.session is not None:  # a link that was opened twice does no harm
            return RedirectResponse(wanted, 303)
        return _form(desk, wanted, error)
    return await _in(desk, request, cookie, wanted)


@router.post(LOGIN, include_in_schema=False)
async def login_by_token(
    request: Request, token: Annotated[str, Form()] = "", wanted: Annotated[str, Form()] = "/"
) -> Response:
    """In by a token of the API; wrong ones are put off as there."""
    desk = _desk(request)
    token = token.strip()
    try:
        actor = await desk.admission.admit(address_of(request.scope), token)
    except FairwayError as error:
        return _form(desk, _local(wanted), error)
    return await _in(desk, request, desk.sessions.open(actor, token), _local(wanted))


@router.post("/logout", include_in_schema=False)
async def logout(request: Request) -> Response:
    """Out, here and in every open stream."""
    desk = _desk(request)
    headers = dict(request.scope["headers"])
    desk.sessions.end(desk.cookies.read(headers))
    response = RedirectResponse(LOGIN, 303)
    desk.cookies.write(response, headers, "")
    return response


async def _in(desk: Desk, request: Request, cookie: str, wanted: str) -> Response:
    session = await desk.sessions.find(cookie)
    assert session is not None, "it was opened just now"
    await desk.note(session.actor)
    response = RedirectResponse(wanted, 303)
    desk.cookies.write(response, dict(request.scope["headers"]), cookie)
    return response


def _form(desk: Desk, wanted: str, error: FairwayError | None = None) -> Response:
    local = desk.offer.control is not None
    html = desk.templates.html("login.html", error=error, wanted=wanted, local=local)
    return HTMLResponse(html, status_of(error) if error else 200)


def _local(wanted: str) -> str:
    """Where to go after the login: never to another host."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\", LOGIN))
    return wanted if plain and wanted.isprintable() else "/"


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
