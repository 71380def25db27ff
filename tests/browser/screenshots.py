"""`python -m tests.browser.screenshots`: every page of the console as a picture, with real data.

`make images` runs it and writes `docs/images/console-*.png`, which the README shows: axon-orbit
under load, after a release that was rolled back, while a good one is on its way.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page
from tests.browser.console_system import begun, console_of, loaded, token_of, use, used_system
from tests.browser.rig import DESK, PHONE, Visitor, chromium, chromium_path, log_in, visiting
from tests.driver import ROOT, Driver

IMAGES = ROOT / "docs" / "images"
RATE = 25
"""Requests a second."""
HISTORY = 45.0
"""Seconds of load before the first picture: charts need something to draw."""


def _nothing(_: Page) -> None:
    """The page is right as it comes."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: where, and what is done there before it is taken."""

    name: str
    path: str
    act: Callable[[Page], None] = _nothing
    scheme: Literal["light", "dark"] = "light"
    phone: bool = False


def of_newest_trace(page: Page) -> None:
    """A request that went all the way, with the details of its last hop."""
    whole = page.locator("tr", has_text="axon").first
    whole.get_by_role("link").first.click()
    page.locator(".hop", has_text="axon").last.click()
    page.locator("#span dt").first.wait_for()


def of_running_deployment(page: Page) -> None:
    """The canary that is under way, once both versions have numbers."""
    page.locator(".under-way").get_by_role("link").first.click()
    page.locator("[aria-current=step]", has_text="25 %").wait_for(timeout=90_000)
    time.sleep(3.0)  # for a look that shows more than the first requests


def of_denied_call(page: Page) -> None:
    """A call that the mesh refuses, with its reason."""
    page.get_by_role("button", name="Send").click()
    page.locator(".why").wait_for()


SHOTS = (
    Shot("deployment", "/deployments", of_running_deployment),
    Shot("overview", "/"),
    Shot("overview-dark", "/", scheme="dark"),
    Shot("overview-phone", "/", phone=True),
    Shot("services", "/services"),
    Shot("service", "/services/orbit"),
    Shot("logs", "/logs?service=axon"),
    Shot("traces", "/traces?service=axon"),
    Shot("trace", "/traces?service=axon&until=20s", of_newest_trace),
    Shot("metrics", "/metrics?since=5m"),
    Shot("policies", "/policies"),
    Shot("policy-editor", "/policies/edit"),
    Shot(
        "explorer",
        "/explorer?service=axon&operation=POST+/reason&identity=intruder",
        of_denied_call,
    ),
)


def main() -> int:
    """Start the system, let things happen, take the pictures."""
    path = chromium_path()
    if path is None:
        sys.stderr.write("no Chromium: install it, or set FAIRWAY_CHROMIUM\n")
        return 1
    with (
        tempfile.TemporaryDirectory() as folder,
        used_system(Path(folder)) as driver,
        loaded(driver, RATE),
        chromium(path) as browser,
    ):
        _let_things_happen(driver)
        deploying = begun(driver, "deploy", "local", "-m", "answers in more words")
        for shot in SHOTS:
            take(browser, driver, shot)
        deploying.communicate(timeout=120)
    return 0


def _let_things_happen(driver: Driver) -> None:
    """A release that fails, some denials, and time for charts to fill."""
    until = time.monotonic() + HISTORY
    begun(driver, "deploy", "local", "-m", "a bad idea", FAULT="errors").communicate(timeout=120)
    while time.monotonic() < until:
        use(driver, 10)
        time.sleep(2.0)
    source = driver.folder / "services" / "orbit" / "orbit" / "__init__.py"
    source.write_text(source.read_text() + "\n# says more\n")


def take(browser: Browser, driver: Driver, shot: Shot) -> None:
    """One picture."""
    size = PHONE if shot.phone else DESK
    profile = {"color_scheme": shot.scheme, "device_scale_factor": 2 if shot.phone else 1}
    with visiting(browser, console_of(driver), size=size, **profile) as visitor:
        log_in(visitor, token_of(driver))
        _take(visitor, shot)


def _take(visitor: Visitor, shot: Shot) -> None:
    page = visitor.open(shot.path)
    page.locator("h1").first.wait_for()
    shot.act(page)
    time.sleep(1.5)  # charts are drawn after the page, by what they fetch
    page.screenshot(path=IMAGES / f"console-{shot.name}.png")


if __name__ == "__main__":
    sys.exit(main())
