"""What every page of the console has at hand: `here: PageHere` in a route's parameters.

Pages ask the ports through it, render through it, and check roles through it. Guarantees: a write
without the session's CSRF token never reaches a page (`checked` is a dependency of all routes); an
error of a port becomes a page, or a notice on the page that asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from fairway.api.offer import Offer
from fairway.api.roles import check
from fairway.console.door.sessions import Notice, Session, Sessions
from fairway.console.rendering import Templates
from fairway.control.directory import Directory, EnvironmentSummary
from fairway.control.door import may
from fairway.control.port import ControlPlane, Records
from fairway.delivery.port import Actor, Delivery, Role
from fairway.errors import NotFound, Refused, Unavailable
from fairway.telemetry.port import Telemetry

_READS = frozenset({"GET", "HEAD"})
_MOST_KEPT = 200
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation. With `system` it is there only where a system runs."""

    label: str
    path: str
    icon: str
    key: str
    system: bool = True


@dataclass(slots=True)
class Kept:
    """Answers that several open pages share for a moment, so that ten tabs ask like one."""

    answers: dict[str, tuple[float, asyncio.Future[Any]]] = field(default_factory=dict)

    async def get(self, key: str, seconds: float, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """What `ask` answered at most `seconds` ago; concurrent callers ask once."""
        now = asyncio.get_running_loop().time()
        if len(self.answers) > _MOST_KEPT:
            self.answers.clear()
        found = self.answers.get(key)
        if found is None or now >= found[0] + seconds:
            found = self.answers[key] = (now, asyncio.ensure_future(ask()))
        try:
            answer: Answer = await asyncio.shield(found[1])
        except BaseException:
            if found[1].done():
                self.answers.pop(key, None)
            raise
        return answer


@dataclass(frozen=True, slots=True)
class Site:
    """What all pages share; `app.state.site`."""

    offer: Offer
    sessions: Sessions
    templates: Templates
    entries: tuple[Entry, ...]
    kept: Kept = field(default_factory=Kept)


class Page:
    """One request of somebody who is logged in, and the environment that they look at."""

    def __init__(self, request: Request, site: Site, session: Session) -> None:
        self.request = request
        self.site = site
        self.session = session
        self.environment: EnvironmentSummary | None = None
        self.environments: tuple[EnvironmentSummary, ...] = ()

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self.session.actor

    @property
    def csrf(self) -> str:
        """What every form has to bring."""
        return self.session.csrf

    @property
    def now(self) -> float:
        """The present, in Unix seconds."""
        return self.site.offer.clock()

    @property
    def has_system(self) -> bool:
        """Whether a system runs here; a shared server has only environments."""
        return self.site.offer.control is not None

    @property
    def control(self) -> ControlPlane:
        """The running system; Unavailable on a shared server."""
        if self.site.offer.control is None:
            raise Unavailable(
                "no-system-here",
                "no system runs behind this console",
                remedy="open the console of the machine where it runs (`fairway console`)",
            )
        return self.site.offer.control

    @property
    def telemetry(self) -> Telemetry:
        """What happened; Unavailable where nothing is stored."""
        return self.control.telemetry()

    async def delivery(self) -> Delivery:
        """The delivery of the environment; NotFound before the first one exists."""
        directory, at = self._place()
        return await directory.delivery(at.app, at.name)

    async def records(self) -> Records:
        """Policies, releases and audit of the environment."""
        if self.site.offer.control is not None:
            return self.site.offer.control
        directory, at = self._place()
        return await directory.records(at.app, at.name)

    def may(self, role: Role) -> bool:
        """Whether the actor's role includes `role`: for buttons."""
        return may(self.actor, role)

    def require(self, role: Role) -> None:
        """Refused when it does not: for actions."""
        check(self.actor, role)

    async def kept(self, key: str, seconds: float, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """An answer that pages of all users of this environment share for so many seconds."""
        at = self.environment
        place = f"{at.app}/{at.name}/" if at else ""
        return await self.site.kept.get(place + key, seconds, ask)

    def html(self, template: str, **context: Any) -> str:
        """A template as text; it knows the page as `page`."""
        return self.site.templates.html(template, page=self, **context)

    def fragment(self, template: str, **context: Any) -> HTMLResponse:
        """A template as an answer to a script: no layout."""
        return HTMLResponse(self.html(template, **context))

    def render(self, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A whole page; its template extends `layout.html`."""
        return HTMLResponse(self.html(template, **context), status)

    def done(self, words: str, back: str, *, level: str = "ok", detail: str = "") -> Response:
        """An action succeeded: a notice on the page, or back to `back` where there is no script."""
        notice = Notice(level, words, detail)
        if self.scripted:
            return HTMLResponse(self.html("_notice.html", notice=notice))
        self.session.notices.append(notice)
        return RedirectResponse(back, 303)

    def moved(self, to: str, words: str = "") -> Response:
        """An action succeeded and another page shows what came of it."""
        if words:
            self.session.notices.append(Notice("ok", words))
        if self.scripted:
            return Response(status_code=204, headers={"hx-redirect": to})
        return RedirectResponse(to, 303)

    @property
    def scripted(self) -> bool:
        """Whether a script of a page asks, which only needs a fragment."""
        return "hx-request" in self.request.headers

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The navigation."""
        return tuple(one for one in self.site.entries if self.has_system or not one.system)

    def _place(self) -> tuple[Directory, EnvironmentSummary]:
        if self.site.offer.directory is None or self.environment is None:
            raise NotFound(
                "no-environment",
                "nothing was deployed here yet",
                remedy="the first `fairway deploy` creates an environment",
            )
        return self.site.offer.directory, self.environment


async def checked(request: Request) -> None:
    """A dependency of all routes: a write brings the CSRF token, in a header or as a form field."""
    session: Session | None = request.state.session
    if request.method in _READS or session is None:  # without one only the login is reached
        return
    given = request.headers.get(CSRF_HEADER)
    if given is None:
        given = str((await request.form()).get(CSRF_FIELD, ""))
    if not session.right(given):
        raise Refused(
            "csrf",
            "this form was not made by a page of this session",
            remedy="reload the page and try again",
        )


async def page_of(request: Request, at: str = "") -> Page:
    """The page of a request; `at=app/environment` in any address chooses the environment."""
    session: Session = request.state.session
    page = Page(request, request.app.state.site, session)
    directory = page.site.offer.directory
    if directory is not None:
        page.environments = await directory.environments()
    named = {f"{one.app}/{one.name}": one for one in page.environments}
    if at in named:
        session.at = at
    page.environment = named.get(session.at) or next(iter(page.environments), None)
    if page.environment is not None:  # for the audit log of what it is about
        request.state.environment = f"{page.environment.app}/{page.environment.name}"
    return page


PageHere = Annotated[Page, Depends(page_of)]
