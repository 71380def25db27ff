"""The life of a control plane in the foreground and in the background, and how it is shown."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from tests.unit.api.fake_control import MemoryControl
from tests.waiting import PATIENCE

from fairway.cli.background import start_in_background
from fairway.cli.output import Painter
from fairway.cli.place import reach
from fairway.cli.progress import JsonProgress, LiveProgress, PlainProgress, choose
from fairway.cli.session import live
from fairway.control.port import Event, SystemStatus
from fairway.errors import Conflict, InvalidAppFile, Unavailable
from fairway.targets.local.layout import StateDir


class Seen:
    """A view that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.settled = 0

    def show(self, event: Event) -> None:
        self.events.append(event)

    def settle(self) -> None:
        self.settled += 1


class SlowControl(MemoryControl):
    """Starts and stops only when it is told that it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_start = asyncio.Event()
        self.may_stop = asyncio.Event()
        self.starting = asyncio.Event()
        self.stopping = asyncio.Event()

    async def start(self) -> None:
        self.starting.set()
        await self.may_start.wait()
        await super().start()

    async def stop(self) -> None:
        self.stopping.set()
        await self.may_stop.wait()
        await super().stop()

    async def hurry(self) -> None:
        await super().hurry()
        self.may_stop.set()


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


async def test_runs_until_somebody_stops_it(state: StateDir) -> None:
    control, seen, ready = MemoryControl(), Seen(), []

    def remember(status: SystemStatus, url: str, link: str) -> None:
        assert link.startswith(f"{url}/login?code=")
        ready.append((status.phase, json.loads(state.control.read_text()), url))
        asyncio.get_running_loop().call_soon(stop.set)

    stop = asyncio.Event()
    running = asyncio.create_task(live(control, state, seen, remember))
    await stop.wait()
    await control.stop()
    await running

    ((phase, written, url),) = ready
    assert (phase, written["pid"], written["url"]) == ("running", os.getpid(), url)
    assert len(written["token"]) >= 32
    assert not state.control.exists()
    assert [event.id for event in seen.events] == list(range(1, len(seen.events) + 1))
    assert seen.events[-1].kind == "system.stopped"


async def test_control_json_is_only_for_its_owner(state: StateDir) -> None:
    control = MemoryControl()

    def check(*_: object) -> None:
        assert state.control.stat().st_mode & 0o777 == 0o600
        os.kill(os.getpid(), signal.SIGTERM)

    await live(control, state, Seen(), check)
    assert control.phase == "stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_stops_gracefully(state: StateDir, number: signal.Signals) -> None:
    control = MemoryControl()
    await live(control, state, Seen(), lambda *_: os.kill(os.getpid(), number))
    assert (control.phase, control.hurried) == ("stopped", False)


async def test_a_second_signal_hurries(state: StateDir) -> None:
    control = SlowControl()
    control.may_start.set()
    running = asyncio.create_task(
        live(control, state, Seen(), lambda *_: os.kill(os.getpid(), signal.SIGINT))
    )
    await control.stopping.wait()
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(running, PATIENCE)
    assert (control.phase, control.hurried) == ("stopped", True)


async def test_interrupted_while_starting_takes_everything_down(state: StateDir) -> None:
    control = SlowControl()
    control.may_stop.set()

    async def interrupt() -> None:
        await control.starting.wait()
        os.kill(os.getpid(), signal.SIGINT)

    interrupting = asyncio.create_task(interrupt())
    with pytest.raises(BaseException) as caught:
        await _kept(live(control, state, Seen(), lambda *_: None))
    assert isinstance(caught.value, _Interrupted)
    await interrupting
    assert control.phase == "stopped"
    assert not state.control.exists()


class _Interrupted(Exception):
    pass


async def _kept(running: object) -> None:
    """A KeyboardInterrupt as an ordinary exception: it would end pytest's event loop."""
    try:
        await running  # type: ignore[misc]
    except KeyboardInterrupt:
        raise _Interrupted from None


async def test_a_failed_start_shows_what_happened_and_raises(state: StateDir) -> None:
    seen = Seen()
    control = MemoryControl(failure=Unavailable("no-envoy", "no Envoy"))
    with pytest.raises(Unavailable):
        await live(control, state, seen, lambda *_: None)
    assert seen.events
    assert seen.settled
    assert not state.control.exists()


EVENT = '{{"id": {0}, "at": 1.0, "kind": "service.healthy", "subject": "axon", "message": "m{0}"}}'
READY = """
import asyncio, json, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from fairway.cli.progress import JsonProgress
from fairway.cli.session import live
from fairway.targets.local.layout import StateDir
from tests.unit.api.fake_control import MemoryControl
print("words that are no JSON")
state = StateDir(Path({folder!r}))
asyncio.run(live(MemoryControl(), state, JsonProgress(), lambda *_: None))
"""


def test_the_background_is_awaited_and_its_events_are_shown(state: StateDir) -> None:
    root = str(Path(__file__).parents[3])
    script = READY.format(root=root, folder=str(state.app_dir))
    seen = Seen()
    client = start_in_background([sys.executable, "-c", script], state, seen)
    try:
        assert client.get("/api/v1/status")["phase"] == "running"
        assert [e.kind for e in seen.events][-1] == "system.running"
        assert state.log("control").stat().st_mode & 0o777 == 0o600
        assert os.getsid(client.pid) == client.pid
    finally:
        os.kill(client.pid, signal.SIGTERM)
        os.waitpid(client.pid, 0)
    assert reach(state) is None


def failing(line: dict[str, object]) -> list[str]:
    text = json.dumps(line)
    return [sys.executable, "-c", f"import sys; print({text!r}); sys.exit(4)"]


def test_the_error_of_the_background_is_raised_here(state: StateDir) -> None:
    error = {"code": "taken", "message": "held", "where": "w", "remedy": "r"}
    with pytest.raises(Conflict) as caught:
        start_in_background(
            failing({"kind": "control.failed", "exit_code": 4, "error": error}), state, Seen()
        )
    assert (caught.value.code, caught.value.remedy) == ("taken", "r")


def test_the_problems_of_the_app_file_come_through(state: StateDir) -> None:
    problem = {"code": "c", "message": "m", "remedy": "r", "file": "f", "line": 1, "column": 2}
    error = {"code": "x", "message": "m", "where": "", "remedy": "", "problems": [problem]}
    with pytest.raises(InvalidAppFile) as caught:
        start_in_background(
            failing({"kind": "control.failed", "exit_code": 2, "error": error}), state, Seen()
        )
    assert caught.value.problems[0].column == 2


def test_a_background_that_dies_without_a_word_is_said(state: StateDir) -> None:
    with pytest.raises(Unavailable) as caught:
        start_in_background([sys.executable, "-c", "raise RuntimeError('boom')"], state, Seen())
    assert caught.value.code == "control-plane-died"
    assert "boom" in caught.value.message
    assert "control.log" in caught.value.where


def test_old_lines_of_the_log_are_not_taken_for_new_ones(state: StateDir) -> None:
    log = state.log("control")
    log.parent.mkdir(parents=True)
    log.write_text(EVENT.format(1) + "\n")
    seen = Seen()
    with pytest.raises(Unavailable):
        start_in_background([sys.executable, "-c", f"print('{EVENT.format(2)}')"], state, seen)
    assert [event.message for event in seen.events] == ["m2"]


def event(number: int, level: str = "info", kind: str = "service.starting") -> Event:
    return Event(number, 100.0 + number, kind, "axon", f"message {number}", level)  # type: ignore[arg-type]


def test_lines_say_when_who_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    view = PlainProgress(Painter(colourful=False), verbose=False)
    for shown in (event(1), event(2, "debug"), event(3, "warning")):
        view.show(shown)
    assert capsys.readouterr().err.splitlines() == [
        "    0.0s  axon         message 1",
        "    2.0s  axon         message 3",
    ]


def test_verbose_lines_have_the_details(capsys: pytest.CaptureFixture[str]) -> None:
    view = PlainProgress(Painter(colourful=False), verbose=True)
    view.show(event(2, "debug"))
    assert "message 2" in capsys.readouterr().err


def test_json_lines_are_whole_events(capsys: pytest.CaptureFixture[str]) -> None:
    JsonProgress().show(event(7))
    assert Event(**json.loads(capsys.readouterr().out)) == event(7)


def test_live_progress_leaves_the_terminal_tidy(capsys: pytest.CaptureFixture[str]) -> None:
    view = LiveProgress(Painter(colourful=False), verbose=False)
    view.show(event(1))
    view.show(event(2, kind="service.healthy"))
    view.settle()
    view.settle()
    view.show(event(3))
    assert capsys.readouterr().err.splitlines()[-1].endswith("message 3")


def test_who_looks_decides_how_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.delenv("CI", raising=False)
    assert isinstance(choose(as_json=False, verbose=False), LiveProgress)
    assert isinstance(choose(as_json=True, verbose=False), JsonProgress)
    monkeypatch.setenv("CI", "true")
    assert isinstance(choose(as_json=False, verbose=False), PlainProgress)
