"""A console over the control plane in memory, and people who are logged in to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html import unescape

import httpx2
from tests.unit.api.rig import HOST, Rig

from fairway.console.site import Website, create_site
from fairway.control.door import Door
from fairway.control.port import ControlPlane
from fairway.delivery.port import Actor, Role

BASE = f"http://{HOST}"
SAME_ORIGIN = {"origin": BASE, "sec-fetch-site": "same-origin"}
PAGE = {"accept": "text/html,*/*"}


@dataclass
class ConsoleRig:
    """The parts behind the console; `shared` leaves the running system out."""

    parts: Rig = field(default_factory=Rig)
    shared: bool = False
    secure: bool = False
    control: ControlPlane | None = None

    def __post_init__(self) -> None:
        offer = self.parts.offer()
        control = None if self.shared else self.control or self.parts.control
        self.site: Website = create_site(replace(offer, control=control), secure=self.secure)

    @property
    def door(self) -> Door:
        return self.parts.tokens

    def browser(self) -> httpx2.AsyncClient:
        """Somebody who is not logged in."""
        transport = httpx2.ASGITransport(app=self.site, raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url=BASE, headers=PAGE)

    async def person(self, name: str = "ada", role: Role = "admin") -> Person:
        """Somebody who is."""
        browser = self.browser()
        answer = await browser.get(self.site.login_path(Actor(name, role)))
        assert answer.status_code == 303, answer.text
        return Person(browser, csrf_of((await browser.get("/")).text))


@dataclass
class Person:
    """A browser with a session and the token of its forms."""

    browser: httpx2.AsyncClient
    csrf: str

    async def get(self, path: str) -> httpx2.Response:
        return await self.browser.get(path)

    async def post(self, path: str, scripted: bool = True, **fields: str) -> httpx2.Response:
        headers = SAME_ORIGIN | ({"hx-request": "true"} if scripted else {})
        return await self.browser.post(path, data={"csrf": self.csrf, **fields}, headers=headers)


def csrf_of(html: str) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', html)
    assert found, html[:500]
    return unescape(found[1])
