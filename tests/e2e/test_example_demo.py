"""`make demo`, as a newcomer and as CI see it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.driver import EXAMPLES, Driver, clean_environment, copy_of
from tests.waiting import eventually

pytestmark = [pytest.mark.envoy, pytest.mark.slow, pytest.mark.xdist_group("system")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_of(EXAMPLES / "axon-orbit", tmp_path / "axon-orbit")


def test_in_ci_it_shows_what_it_promises_and_takes_itself_down(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, folder / "demo.py"],
        env=clean_environment(CI="true"),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ALLOWED 200 " in done.stdout
    assert "DENIED 403 " in done.stdout
    assert "http://127.0.0.1:" in done.stdout
    assert "/login?code=" in done.stdout
    assert Driver(folder).fairway("status", check=False).returncode != 0


def outcomes(driver: Driver) -> set[str]:
    """How the requests ended that it goes on to send, as their traces tell."""
    return {trace["outcome"] for trace in driver.json("traces", "-n", "200")["traces"]}


@contextmanager
def staying(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo as a person starts it, once it stays up."""
    demo = subprocess.Popen(
        [sys.executable, folder / "demo.py"],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(120, demo.kill)
    watchdog.start()
    try:
        assert demo.stdout
        assert any("until Ctrl-C" in line for line in demo.stdout)
        yield demo
    finally:
        watchdog.cancel()
        demo.kill()


def test_without_ci_it_stays_until_ctrl_c(folder: Path) -> None:
    driver = Driver(folder)
    with staying(folder) as demo:
        assert demo.stdout
        assert driver.status()["phase"] == "running"
        asyncio.run(eventually(lambda: {"ok", "denied"} <= outcomes(driver)))
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
        assert demo.wait(60) == 0
    assert driver.fairway("status", check=False).returncode != 0


def test_it_notices_that_it_was_taken_down(folder: Path) -> None:
    with staying(folder) as demo:
        assert demo.stdout
        Driver(folder).down()
        assert "It was taken down." in demo.stdout.read()
        assert demo.wait(60) == 0
