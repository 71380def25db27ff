from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.api.fake_control import MemoryControl
from tests.unit.cli.cli_driver import APP_FILE, CommandLine, running
from tests.unit.cli.fake_delivery import MemoryDelivery

from fairway.control.directory import EnvironmentSummary, OneEnvironment


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same output for everyone: wide, without colour, without the caller's settings."""
    for name in (
        "FORCE_COLOR", "FAIRWAY_FILE", "FAIRWAY_DEBUG", "FAIRWAY_ENV", "FAIRWAY_SERVER",
        "FAIRWAY_TOKEN",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERMINAL_WIDTH", "200")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an app file, and the working directory."""
    (tmp_path / "fairway.yaml").write_text(APP_FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fairway(capsys: pytest.CaptureFixture[str], folder: Path) -> CommandLine:
    return CommandLine(capsys, folder)


@pytest.fixture
def control(folder: Path) -> Iterator[MemoryControl]:
    """A control plane that runs for the app in `folder`."""
    plane = MemoryControl()
    with running(plane, folder):
        yield plane


@pytest.fixture
def plane() -> MemoryControl:
    """The control plane whose `delivery` is asked."""
    return MemoryControl()


@pytest.fixture
def delivery(folder: Path, plane: MemoryControl) -> Iterator[MemoryDelivery]:
    """The delivery of a control plane that runs for the app in `folder`."""
    delivery = MemoryDelivery()
    summary = EnvironmentSummary("axon-orbit", "local", "local")
    with running(plane, folder, directory=OneEnvironment(summary, delivery, plane)):
        yield delivery
