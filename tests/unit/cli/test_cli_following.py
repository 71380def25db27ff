"""Following a deployment: what the views show, and what ends it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pty
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.unit.cli.fake_delivery import (
    PAUSED,
    SUCCEEDS,
    MemoryDelivery,
    looked,
    numbers,
)
from tests.waiting import PATIENCE

from fairway.cli.delivering import follow
from fairway.cli.delivering.follow import Follower
from fairway.cli.delivering.live_view import LiveView, picture
from fairway.cli.delivering.numbers import bar, sparkline
from fairway.cli.delivering.views import LinesView
from fairway.cli.output import Painter
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import DeliveryEvent, Watching
from fairway.delivery.words import latency, share
from fairway.errors import Unavailable

PLAIN = Painter(colourful=False)


class Noted:
    """A view that keeps what it is shown."""

    def __init__(self) -> None:
        self.events: list[int] = []
        self.statuses: list[str] = []
        self.settled = 0

    def tell(self, event: DeliveryEvent) -> None:
        self.events.append(event.id)

    def look(self, deployment: Deployment, watching: Watching | None) -> None:
        self.statuses.append(deployment.status)

    def settle(self) -> None:
        self.settled += 1


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_LOOK_SECONDS", 0.01)


async def followed(delivery: MemoryDelivery, *, patient: bool = True) -> tuple[follow.Seen, Noted]:
    view = Noted()
    delivery.add("d1")
    seen = await Follower(delivery, view, patient).follow("d1", asyncio.Event())
    return seen, view


async def test_every_event_is_shown_once_and_the_end_is_seen() -> None:
    seen, view = await followed(MemoryDelivery())
    assert (seen.deployment.status, view.events, view.settled) == ("succeeded", [1, 2], 1)
    assert view.statuses == ["pending", "applying", "shifting", "succeeded"]


async def test_a_control_plane_that_is_gone_for_a_moment_is_waited_for() -> None:
    seen, view = await followed(MemoryDelivery(outages=4))
    assert (seen.deployment.status, view.events) == ("succeeded", [1, 2])


async def test_one_that_stays_away_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_GONE_SECONDS", 0.05)
    with pytest.raises(Unavailable):
        await followed(MemoryDelivery(outages=1000))


async def test_an_impatient_one_ends_when_a_person_is_needed() -> None:
    seen, _ = await followed(MemoryDelivery(steps=PAUSED), patient=False)
    assert seen.deployment.paused == "no verdict"


async def test_a_patient_one_goes_on_until_told_to_stop() -> None:
    delivery, view, detach = MemoryDelivery(steps=PAUSED), Noted(), asyncio.Event()
    delivery.add("d1")
    asyncio.get_running_loop().call_later(0.1, detach.set)
    seen = await Follower(delivery, view, patient=True).follow("d1", detach)
    assert seen.detached
    assert not seen.deployment.over
    assert view.settled == 1


def a_deployment() -> Deployment:
    delivery = MemoryDelivery()
    return replace(delivery.add("d1", at=100.0), **SUCCEEDS[1])


def drawn(deployment: Deployment, watching: Watching | None, now: float = 104.0) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(picture(deployment, watching, now))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_picture_has_everything_at_a_glance() -> None:
    watching = replace(looked(), deadline=107.4)
    text = drawn(a_deployment(), watching)
    assert "shop → local  r8 from r7  shifting  canary 1/2  4s" in text
    assert "███████████████" in text
    assert "▁▅█" in text
    assert "3.1 ms" in text
    assert "7.9 ms" in text
    assert "✓ orbit r8 is as good as r7" in text
    assert "stage 1 of 2: 25 %, watched for another 3s" in text
    assert "Ctrl-C stops watching" in text


def test_the_picture_says_what_it_waits_for() -> None:
    text = drawn(replace(a_deployment(), **PAUSED[0]), looked(harmed=31))
    assert "✗ orbit r8 is worse" in text
    assert "50.0 %" in text
    assert "it is paused: no verdict" in text
    assert "fairway resume d1 --env local" in text


def test_the_picture_of_one_without_numbers() -> None:
    text = drawn(a_deployment(), None)
    assert "shifting" in text
    assert "requests" not in text


def test_events_stay_above_the_picture() -> None:
    out = io.StringIO()
    view = LiveView(Console(file=out, force_terminal=True, width=100), clock=lambda: 104.0)
    view.look(a_deployment(), looked())
    view.tell(DeliveryEvent(1, 101.0, "DeploymentRolledBack", "d1", "back at r7", {}))
    view.settle()
    view.settle()
    assert "back at r7" in out.getvalue()


def test_a_reason_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    view = LinesView(PLAIN)
    for number, kind in enumerate(("AnalysisCompleted", "DeploymentRollingBack"), 1):
        view.tell(DeliveryEvent(number, float(number), kind, "d1", "r8 is worse", {}))
    assert capsys.readouterr().err.count("r8 is worse") == 1


def test_the_evidence_for_a_rollback_is_left_to_the_closing_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = "orbit ended\n  | no module x"
    LinesView(PLAIN).tell(DeliveryEvent(1, 1.0, "RollbackStarted", "d1", words, {}))
    LinesView(PLAIN).tell(DeliveryEvent(2, 2.0, "HookCompleted", "d1", words, {}))
    err = capsys.readouterr().err
    assert (err.count("orbit ended"), err.count("no module x")) == (2, 1)


def test_a_log_gets_the_numbers_now_and_then_and_a_wait_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = [0.0]
    view = LinesView(PLAIN, clock=lambda: now[0])
    for second in (0.0, 1.0, 2.0, 6.0):
        now[0] = second
        watching = looked(harmed=int(second))
        view.look(replace(a_deployment(), **PAUSED[0]), watching)
    view.look(replace(a_deployment(), **PAUSED[0]), watching)
    err = capsys.readouterr().err
    assert err.count("orbit r8: 25 % of new requests") == 2
    assert err.count("it is paused: no verdict") == 1


def test_numbers_in_a_log_are_never_older_than_what_was_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = LinesView(PLAIN, clock=lambda: 1.0)
    view.look(a_deployment(), replace(looked(), at=5.0))
    assert "orbit r8: 25 %" in capsys.readouterr().err
    view.tell(DeliveryEvent(1, 7.0, "TrafficShifted", "d1", "r8 gets 50 %", {}))
    view.look(a_deployment(), replace(looked(harmed=1), at=6.9))
    assert capsys.readouterr().err.splitlines() == ["    0.0s  r8 gets 50 %"]
    fresh = replace(looked(), at=7.2, versions=(numbers("r8", 50, 0),))
    view.look(a_deployment(), fresh)
    assert "orbit r8: 50 %" in capsys.readouterr().err
    view.look(a_deployment(), replace(fresh, at=7.7, versions=(numbers("r8", 50, 1),)))
    assert capsys.readouterr().err == ""


def test_where_nobody_asks_anything_both_views_say_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    silent = replace(looked(), at=9.0, versions=(replace(numbers("r8", 25, 0), requests=0),))
    hint = "it waits for requests: send some"
    view = LinesView(PLAIN)
    view.look(a_deployment(), replace(silent, at=3.0))
    view.look(a_deployment(), looked())
    assert hint not in capsys.readouterr().err
    for _ in range(2):
        view.look(a_deployment(), silent)
    err = capsys.readouterr().err
    assert err.count(hint) == 1
    assert "fairway promote d1 --env local" in err
    assert hint in drawn(a_deployment(), silent)


@pytest.mark.parametrize(
    ("values", "drawing"),
    [((), ""), ((0.0, 0.0), "▁▁"), ((0.0, 5.0, 10.0), "▁▅█"), ((1.0,) * 20, "█" * 16)],
)
def test_a_sparkline_is_as_tall_as_its_highest_value(
    values: tuple[float, ...], drawing: str
) -> None:
    assert sparkline(values) == drawing


def test_numbers_are_short_and_honest() -> None:
    assert [bar(p, 4) for p in (0, 25, 50.5, 100, 120)] == ["    ", "█   ", "██  ", "████", "████"]
    assert (share(0, 0), share(1, 1000), share(1, 3)) == ("-", "0.10 %", "33.3 %")
    assert [latency(s) for s in (None, 0.00084, 0.0123, 0.9996, 1.25)] == [
        "-", "840 µs", "12.3 ms", "1.00 s", "1.25 s",
    ]  # fmt: skip


FOLLOWING = """\
import asyncio, sys
from tests.unit.cli.fake_delivery import PAUSED, MemoryDelivery
from fairway.cli.client import ControlClient
from fairway.cli.delivering.door import Door
from fairway.cli.delivering.shipping import see_through

delivery = MemoryDelivery(steps=PAUSED)
door = Door(delivery, ControlClient("http://127.0.0.1:1", "t"), "shop", "local")
sys.exit(asyncio.run(see_through(door, delivery.add("d1"), as_json=False)))
"""


def test_ctrl_c_on_a_terminal_ends_the_looking_and_says_how_to_look_again() -> None:
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "CI"} | {"TERM": "xterm"}
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", FOLLOWING], cwd=root, stdin=theirs, stdout=theirs, stderr=theirs,
        env=environment,
    )  # fmt: skip
    os.close(theirs)
    shown = read_until(ours, "it is paused")
    process.send_signal(signal.SIGINT)
    shown += read_to_the_end(ours)
    assert process.wait(PATIENCE) == 130
    _, _, last = shown.partition("goes on being deployed without you")
    assert "fairway abort d1 --env local" in last
    assert "Traceback" not in shown


def read_until(terminal: int, words: str) -> str:
    text, deadline = "", time.monotonic() + PATIENCE
    while words not in text:
        assert time.monotonic() < deadline, text
        text += os.read(terminal, 4096).decode("utf-8", "replace")
    return text


def read_to_the_end(terminal: int) -> str:
    text = b""
    with contextlib.suppress(OSError):  # how Linux says that nobody has the other side any more
        while chunk := os.read(terminal, 4096):
            text += chunk
    os.close(terminal)
    return text.decode("utf-8", "replace")
