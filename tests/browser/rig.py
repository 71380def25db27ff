"""A real Chromium and the people in front of it; whatever goes wrong in a page is remembered.

A `Visitor` is one browser profile (cookies, size, colours) with one page. Leaving it asserts that
no page wrote an error to the console, threw, was refused something by its Content-Security-Policy,
asked another host for anything, or got an answer of 500 and above.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    sync_playwright,
)
from tests.npm import npm_package

PATIENCE = 20_000
"""Milliseconds that a condition in a page may take to become true on a loaded machine."""
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 375, "height": 740}
_NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
_AXE = (
    "axe-core",
    "4.14.1",
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)
_WATCH = """
window.refused = [];
document.addEventListener('securitypolicyviolation', event =>
  window.refused.push(`${event.violatedDirective} refuses ${event.blockedURI}`));
"""
_RUN_AXE = """
async () => (await axe.run(document, {resultTypes: ['violations']})).violations
  .filter(each => ['serious', 'critical'].includes(each.impact))
  .flatMap(each => each.nodes.map(node => `${each.id}: ${each.help}: ${node.target} ${node.html}`))
"""


def chromium_path() -> str | None:
    """The browser to drive: named, on PATH, or the one that Playwright brought; None without."""
    named = os.environ.get("FAIRWAY_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, _NAMES)), None)
    if found:
        return found
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """A browser without a window. As root it runs without its sandbox: it sees only our pages."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = _launched(playwright, path, arguments)
        try:
            yield browser
        finally:
            browser.close()


def _launched(playwright: Playwright, path: str, arguments: list[str]) -> Browser:
    return playwright.chromium.launch(executable_path=path, args=arguments)


@dataclass
class Visitor:
    """Someone at a console. `expected` are parts of troubles that a test provokes on purpose.

    `log` is what the control plane wrote; its end is shown with what went wrong.
    """

    page: Page
    base: str
    troubles: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    log: Path | None = None

    def open(self, path: str) -> Page:
        """Go to a page of the console; returns when it is drawn."""
        self.collect()
        self.page.goto(f"{self.base}{path}")
        return self.page

    def collect(self) -> None:
        """Take over what the present page was refused, before it is left."""
        refused = self.page.evaluate("window.refused ?? []")
        self.troubles += [f"{urlsplit(self.page.url).path}: {each}" for each in refused]

    def assert_no_trouble(self) -> None:
        """Nothing went wrong in any page so far, but what was expected."""
        self.collect()
        unforeseen = [
            each for each in self.troubles if not any(part in each for part in self.expected)
        ]
        assert not unforeseen, "\n".join([*unforeseen, *self._last_lines()])

    def serious_violations(self) -> list[str]:
        """What axe-core calls serious or critical on the present page."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(axe_source())
        found: list[str] = self.page.evaluate(_RUN_AXE)
        return found

    def scrolls_sideways(self) -> list[str]:
        """What sticks out of the page to the right; empty when nothing does."""
        found: list[str] = self.page.evaluate(
            """() => {
              const wide = document.documentElement.clientWidth;
              if (document.documentElement.scrollWidth <= wide) return [];
              return [...document.body.querySelectorAll('*')]
                .filter(each => each.getBoundingClientRect().right > wide + 1)
                .map(each => `${each.tagName}.${each.className} ` + each.textContent.slice(0, 40));
            }"""
        )
        return found

    def weigh(self) -> list[int]:
        """The bytes of each answer from now on, as they came over the wire; it grows."""
        weights: list[int] = []
        session = self.page.context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", lambda e: weights.append(e["encodedDataLength"]))
        return weights

    def _last_lines(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log else []
        return [line for line in lines if not line.startswith("{")][-25:]

    # What pages tell

    def watch(self) -> None:
        """Remember every trouble from now on."""
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.troubles.append(f"thrown: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(f"console: {message.text} ({message.location['url']})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.base, "data:")):
            self.troubles.append(f"asked elsewhere: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.troubles.append(f"{response.status} for {response.url}")


@contextmanager
def visiting(
    browser: Browser, base: str, *, size: Mapping[str, int] = DESK, **profile: Any
) -> Iterator[Visitor]:
    """A new profile at a console that lives at `base`; leaving it asserts that all went well."""
    context = browser.new_context(viewport=dict(size), reduced_motion="reduce", **profile)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(_WATCH)
    visitor = Visitor(context.new_page(), base)
    visitor.watch()
    try:
        yield visitor
        visitor.assert_no_trouble()
    finally:
        context.close()


def axe_source() -> str:
    """axe-core, as it is run in a page."""
    return (npm_package(*_AXE) / "axe.min.js").read_text("utf-8")


def log_in(visitor: Visitor, token: str) -> None:
    """Log in by a fresh link, as `fairway console` gets one with the token of the API.

    No page is drawn yet: the cookie is there, and where it leads is not followed.
    """
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx2.post(f"{visitor.base}/login/codes", headers=headers, timeout=20)
    link = visitor.base + answer.json()["path"]
    assert visitor.page.context.request.get(link, max_redirects=0).status == 303
