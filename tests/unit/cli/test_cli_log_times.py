"""When a line was written: as it says, or as the receiver read it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.cli.cli_driver import CommandLine

from fairway.cli.log_times import timed
from fairway.targets.local.layout import StateDir, write_private
from fairway.telemetry.entries import LogEntry
from fairway.telemetry.lines import LogLine, Source, parse_line, parse_lines
from fairway.telemetry.port import LogRecord
from fairway.telemetry.store.writing import Writer

WEB = Source("web", "0")
AT = 1_795_258_930.0
"""2026-11-21 11:02:10 UTC, an hour later where these tests are."""


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(
    ("raw", "after"),
    [
        ("2026-11-21T11:02:10Z up", 0.0),
        ("2026-11-21T11:02:10.250+00:00 up", 0.25),
        ("2026-11-21 12:02:10,500 INFO up", 0.5),
        ("[2026-11-21 12:02:10 +0100] [7] [INFO] Listening", 0.0),
        ("2026-11-21T11:02:10.123456789Z up", 0.123456),
        ('127.0.0.1 - - [21/Nov/2026 12:02:10] "GET / HTTP/1.1" 200 -', 0.0),
        ('::1 - bob [21/Nov/2026:11:02:10 +0000] "GET / HTTP/1.1" 200 9', 0.0),
    ],
)
def test_a_plain_line_may_tell_its_time(raw: str, after: float) -> None:
    line = parse_line(raw, WEB, 1.0)
    assert (line.at, line.timed, line.text) == (pytest.approx(AT + after), True, raw)


@pytest.mark.parametrize(
    "raw",
    [
        "2026-11-21 is the day", "2026-13-41T11:02:10Z up", "at 2026-11-21T11:02:10Z it began",
        "- [21/Now/2026 12:02:10] -", "- [31/Feb/2026 12:02:10] -", "0000-00-00 00:00:00 x",
    ],
)  # fmt: skip
def test_what_is_no_time_is_text(raw: str) -> None:
    line = parse_line(raw, WEB, 1.0)
    assert (line.at, line.timed, line.text) == (1.0, False, raw)


def test_lines_below_one_with_a_time_belong_to_it() -> None:
    content = b"first\n2026-11-21T11:02:10Z failed\n  detail\n"
    assert [line.at for line in parse_lines(content, WEB, 9.0)] == [9.0, AT, AT]


def plain(*texts: str) -> list[LogLine]:
    return parse_lines("\n".join(texts).encode(), WEB, 100.0)


def record(at: float, text: str, instance: str = "web.0") -> LogRecord:
    return LogRecord(int(at), at, "web", instance, "", "info", text, {})


def test_lines_get_the_times_at_which_they_were_read() -> None:
    records = [record(1, "tick"), record(2, "tock"), record(3, "tick"), record(4, "tick", "web.1")]
    found = timed(plain("tick", "tock", "tick"), records)
    assert [line.at for line in found] == [1.0, 2.0, 3.0]


def test_what_the_store_has_forgotten_is_no_younger_than_what_follows() -> None:
    found = timed(plain("old", "tick", "tick", "new"), [record(3, "tick")])
    assert [(line.text, line.at) for line in found] == [
        ("old", 3.0), ("tick", 3.0), ("tick", 3.0), ("new", 100.0),
    ]  # fmt: skip


def test_since_leaves_out_plain_lines_that_are_older(fairway: CommandLine, folder: Path) -> None:
    state, now = StateDir(folder), time.time()
    write_private(state.log("web", 0), b"started\nsome request\n")
    os.utime(state.log("web", 0), (now, now))
    writer = Writer(state.telemetry, 1, lambda: now)
    writer.lines([
        LogEntry(at, service="web", instance="web.0", version="", level="info", text=text)
        for at, text in ((now - 300, "started"), (now - 1, "some request"))
    ])  # fmt: skip
    writer.close()
    shown = fairway("logs", "--since", "30s").out
    assert "some request" in shown
    assert "started" not in shown
    assert "started" in fairway("logs", "--since", "10m").out
