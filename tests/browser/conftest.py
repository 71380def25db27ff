"""One browser and one real system for all browser tests, which follow one another in one process.

Both end with the last browser test that this process runs: Playwright's loop must be gone before an
asynchronous test begins, and one system's Envoys before the next one's start.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.console_system import console_of, token_of, used_system
from tests.browser.rig import PATIENCE, Visitor, chromium, chromium_path, log_in, visiting
from tests.driver import Driver

expect.set_options(timeout=PATIENCE)
_open = ExitStack()
_kept: dict[str, Any] = {}
Kept = TypeVar("Kept")


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        _close()


def pytest_sessionfinish() -> None:
    _close()


def _close() -> None:
    _kept.clear()
    _open.close()


def kept(name: str, make: Callable[[], AbstractContextManager[Kept]]) -> Kept:
    """What `make` opens, shared by all browser tests."""
    if name not in _kept:
        _kept[name] = _open.enter_context(make())
    found: Kept = _kept[name]
    return found


@cache
def _browser() -> str | None:
    return chromium_path()


@pytest.fixture
def browser() -> Browser:
    """Chromium. Without one tests are skipped; with FAIRWAY_REQUIRE_BROWSER they fail."""
    path = _browser()
    if path is None or shutil.which("npm") is None:
        words = (
            "NOT TESTED IN A BROWSER: needs chromium (or FAIRWAY_CHROMIUM=/path/to/it) and npm "
            "on PATH"
        )
        (pytest.fail if os.environ.get("FAIRWAY_REQUIRE_BROWSER") else pytest.skip)(words)
    return kept("browser", lambda: chromium(path))


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """axon-orbit, running, with some allowed and some denied calls behind it."""
    return kept("system", lambda: used_system(tmp_path_factory.mktemp("browser")))


@pytest.fixture
def visitor(browser: Browser, system: Driver) -> Iterator[Visitor]:
    """Somebody who is logged in to the system's console."""
    with visiting(browser, console_of(system)) as found:
        found.log = system.state / "logs" / "control.log"
        log_in(found, token_of(system))
        yield found
