"""The example as a system that somebody looks at: started, asked a little, and kept busy."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.driver import EXAMPLES, TOOLS, Driver, clean_environment, copy_of, running
from tests.traffic import ORDER


@contextmanager
def used_system(folder: Path) -> Iterator[Driver]:
    """axon-orbit, started, and asked a little so that every page has something to show."""
    example = copy_of(EXAMPLES / "axon-orbit", folder / "axon-orbit")
    driver = Driver(example, clean_environment())
    driver.fairway("secrets", "set", "AXON_MODEL_KEY", stdin="a key for tests\n")
    with running(driver):
        use(driver)
        driver.fairway("deploy", "local", "-m", "the first release")
        yield driver


def use(driver: Driver, calls: int = 20) -> None:
    """Some calls through the gateway; of ten each one is denied."""
    with driver.gateway() as gateway:
        for number in range(calls):
            intent = "retrain" if number % 10 == 9 else "reason"
            gateway.post("/dispatch", json=ORDER | {"intent": intent})


@contextmanager
def loaded(driver: Driver, rate: int, seconds: int = 600) -> Iterator[None]:
    """So many requests a second through the gateway until the block ends."""
    what = ("load", "orbit", "dispatch", "--data", json.dumps(ORDER), "--json")
    how = ("--rate", str(rate), "--duration", f"{seconds}s")
    load = begun(driver, *what, *how)
    try:
        yield
    finally:
        load.send_signal(signal.SIGINT)
        load.communicate(timeout=30)


def begun(driver: Driver, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """A command that goes on by itself."""
    return subprocess.Popen(
        [TOOLS / "fairway", *arguments],
        cwd=driver.folder,
        env=driver.environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def console_of(driver: Driver) -> str:
    """Where its console is."""
    url: str = _control(driver)["url"]
    return url


def token_of(driver: Driver) -> str:
    """The token of its API."""
    token: str = _control(driver)["token"]
    return token


def _control(driver: Driver) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((driver.state / "control.json").read_text())
    return found
