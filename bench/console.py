"""How long a person waits for the console: its pages in a real Chromium, while the system is used.

The first page counts from an empty browser: nothing cached, no connection open. A page is there
when it is loaded, as the browser itself measures it (Navigation Timing, `loadEventEnd`).
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser
from tests.browser.console_system import console_of, loaded, token_of, used_system
from tests.browser.rig import Visitor, chromium, chromium_path, log_in, visiting
from tests.driver import Driver

from bench.report import Figure

ROUNDS = 7
RATE = 20
"""Requests a second through the system meanwhile."""
FIRST_LIMIT = 300.0
"""Milliseconds."""
WEIGHT_LIMIT = 250.0
"""Kilobytes."""
PAGES = {
    "overview": "/",
    "a service": "/services/orbit",
    "logs": "/logs",
    "traces": "/traces",
    "metrics": "/metrics",
    "deployments": "/deployments",
    "policies": "/policies",
    "explorer": "/explorer",
}


def measure_console() -> Sequence[Figure]:
    """Medians; nothing where there is no browser."""
    path = chromium_path()
    if path is None:
        return ()
    with (
        tempfile.TemporaryDirectory() as folder,
        used_system(Path(folder)) as driver,
        loaded(driver, RATE),
        chromium(path) as browser,
    ):
        return [*_first(browser, driver), *_each(browser, driver)]


def _first(browser: Browser, driver: Driver) -> list[Figure]:
    times, weights = [], []
    for _ in range(ROUNDS):
        with visiting(browser, console_of(driver)) as visitor:
            log_in(visitor, token_of(driver))
            cookies = visitor.page.context.cookies()
        with visiting(browser, console_of(driver)) as visitor:
            visitor.page.context.add_cookies(cookies)  # type: ignore[arg-type]  # as they came
            weighed = visitor.weigh()
            times.append(_loaded(visitor, "/"))
            weights.append(sum(weighed) / 1000)
    return [
        Figure("console", "first page", statistics.median(times), "ms", limit=FIRST_LIMIT),
        Figure("console", "its weight", statistics.median(weights), "kB", limit=WEIGHT_LIMIT),
    ]


def _each(browser: Browser, driver: Driver) -> list[Figure]:
    with visiting(browser, console_of(driver)) as visitor:
        log_in(visitor, token_of(driver))
        return [
            Figure("console", name, statistics.median(_again(visitor, path)), "ms")
            for name, path in PAGES.items()
        ]


def _again(visitor: Visitor, path: str) -> list[float]:
    return [_loaded(visitor, path) for _ in range(ROUNDS)]


def _loaded(visitor: Visitor, path: str) -> float:
    """Milliseconds from asking for a page until it is loaded."""
    page = visitor.open(path)
    took = "performance.getEntriesByType('navigation')[0].loadEventEnd"
    page.wait_for_function(f"{took} > 0")
    found: float = page.evaluate(took)
    return found
