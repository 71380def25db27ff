"""What the services said: parsed, merged by time, filtered, followed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.telemetry_store import NOW, logs
from tests.unit.cli.cli_driver import CommandLine
from tests.waiting import PATIENCE

from fairway.cli.log_files import Follower, Logs
from fairway.cli.log_lines import Wanted, as_json, render_line
from fairway.cli.output import Painter
from fairway.cli.telling.filters import since_of
from fairway.errors import InvalidInput
from fairway.targets.local.layout import StateDir, write_private
from fairway.telemetry.entries import LogEntry
from fairway.telemetry.lines import Source, parse_line, source_of
from fairway.telemetry.store.writing import Writer

WRITTEN = datetime(2026, 11, 21, 8, 0, 3, 500_000, tzinfo=UTC).timestamp()
ORBIT = Source("orbit", "0")
PLAIN = Painter(colourful=False)


def line(message: str, second: int, **fields: Any) -> str:
    time = f"2026-11-21T08:00:{second:02d}.000000Z"
    return json.dumps({"time": time, "level": "info", "message": message} | fields)


@pytest.fixture
def state(folder: Path) -> StateDir:
    state = StateDir(folder)

    def write(name: str, *lines: str) -> None:
        file = state.logs / name
        write_private(file, "".join(f"{text}\n" for text in lines).encode())
        os.utime(file, (WRITTEN, WRITTEN))  # lines without a time of their own take the file's

    write("orbit.0.log", line("first", 1), line("third", 3, correlation_id="c1"))
    write("orbit.1.log", line("second", 2, level="warning"))
    write("axon.0.log", "Traceback (most recent call last):", line("fourth", 4, level="ERROR"))
    access = {"direction": "inbound", "peer": "spiffe://a.b/web", "method": "GET", "path": "/x"}
    done = {"status": 200, "duration_us": 1500, "time": "2026-11-21T08:00:02.500Z"}
    write("orbit.access.log", json.dumps(access | done | {"correlation_id": "c1"}))
    return state


def test_lines_of_all_replicas_are_merged_by_time(fairway: CommandLine, state: StateDir) -> None:
    out = fairway("logs", "orbit").out.splitlines()
    assert [text.split()[1:3] for text in out] == [
        ["orbit.0", "first"], ["orbit.1", "second"], ["orbit.0", "third"],
    ]  # fmt: skip


def test_a_correlation_id_follows_a_request_through_the_envoys(
    fairway: CommandLine, state: StateDir
) -> None:
    out = fairway("logs", "--correlation", "c1").out
    assert "inbound web: GET /x → 200 in 1.5ms" in out
    assert "third" in out
    assert "first" not in out


def test_level_and_lines_and_access(fairway: CommandLine, state: StateDir) -> None:
    assert fairway("logs", "--level", "warning").out.count("\n") == 3
    assert "fourth" in fairway("logs", "-n", "1", "--level", "error").out
    assert "inbound" not in fairway("logs").out
    assert "inbound" in fairway("logs", "--access").out


def test_json_lines_always_have_the_same_names(fairway: CommandLine, state: StateDir) -> None:
    lines = [json.loads(text) for text in fairway("logs", "--json").out.splitlines()]
    wanted = {"time", "service", "replica", "level", "message"}
    assert all(wanted <= found.keys() for found in lines)
    trace = next(found for found in lines if found["message"].startswith("Traceback"))
    assert (trace["service"], trace["level"]) == ("axon", "error")


def test_since_leaves_out_what_is_older(fairway: CommandLine, state: StateDir) -> None:
    out = fairway("logs", "orbit", "--since", "2026-11-21T08:00:02+00:00").out
    assert "first" not in out
    assert "second" in out


def test_records_sent_by_otlp_are_lines_too(fairway: CommandLine, state: StateDir) -> None:
    at = WRITTEN - 1 - NOW
    writer = Writer(state.telemetry, 1, lambda: WRITTEN)
    writer.lines([LogEntry(WRITTEN, service="orbit", instance="orbit.0", version="", level="info",
                           text="read from a file")])  # fmt: skip
    writer.logs(logs({"text": "sent", "at": at, "severity": 17, "order": "o-7"}))
    writer.close()
    lines = fairway("logs", "orbit").out.splitlines()
    assert [line.split()[2] for line in lines] == ["first", "second", "sent", "third"]
    assert fairway("logs", "--where", "order=o-7", "--level", "error").out.count("\n") == 1
    assert "sent" not in fairway("logs", "axon").out


@pytest.mark.parametrize("arguments", [("nobody",), ("--level", "loud"), ("--since", "yesterday")])
def test_what_is_not_there_is_told(
    fairway: CommandLine, state: StateDir, arguments: tuple[str, ...]
) -> None:
    done = fairway("logs", *arguments)
    assert done.code in (2, 9)
    assert "remedy" in done.err


def test_times_are_durations_or_dates() -> None:
    assert since_of("5m", 1000.0) == 700.0
    assert since_of("", 1000.0) is None
    at = datetime(2026, 11, 21, 8, tzinfo=UTC).timestamp()
    assert since_of("2026-11-21T08:00Z", 0) == at
    with pytest.raises(InvalidInput):
        since_of("five minutes", 0)


def test_a_line_of_an_envoy_has_the_time_that_it_says() -> None:
    raw = "[2026-11-21 04:53:01.060][19436][warning][main] [server.cc:1028] caught ENVOY_SIGTERM"
    found = parse_line(raw, Source("orbit", "envoy"), 1.0)
    assert found.at == datetime(2026, 11, 21, 4, 53, 1, 60_000, tzinfo=UTC).timestamp()
    assert (found.level, found.text[:9]) == ("warning", "[warning]")


def test_a_start_that_failed_is_an_error_in_words() -> None:
    error = {"code": "secret-missing", "message": "no value is known for: KEY\n  | more"}
    raw = json.dumps({"kind": "control.failed", "exit_code": 2, "error": error})
    found = parse_line(raw, Source("control"), 7.0)
    assert (found.level, found.text) == ("error", "could not start: no value is known for: KEY")
    assert "exit_code" not in render_line(found, PLAIN, ["control"], 7, ids=False)


def test_rotated_parts_come_first(state: StateDir) -> None:
    write_private(state.logs / "orbit.0.log.1", f"{line('older', 0)}\n".encode())
    texts = [found.text for found in Logs(state, access=False).history()]
    assert texts[0] == "older" or texts.index("older") < texts.index("first")


@pytest.mark.parametrize(
    ("name", "service", "label", "access"),
    [
        ("orbit.12.log", "orbit", "orbit.12", False),
        ("control.log", "control", "control", False),
        ("orbit.envoy.log", "orbit", "orbit.envoy", False),
        ("my-svc.access.log", "my-svc", "my-svc.envoy", True),
        ("access.0.log", "access", "access.0", False),
    ],
)
def test_a_file_name_says_who_wrote_it(name: str, service: str, label: str, access: bool) -> None:
    source = source_of(name)
    assert (source.service, source.label, source.access) == (service, label, access)


def test_following_gives_whole_lines_once_and_survives_a_cut(tmp_path: Path) -> None:
    file = tmp_path / "orbit.0.log"
    file.write_text("one\ntw")
    follower = Follower(file)
    assert [found.text for found in follower.fresh(5.0)] == ["one"]
    with file.open("a") as opened:
        opened.write("o\n")
    assert [found.text for found in follower.fresh(6.0)] == ["two"]
    assert follower.fresh(7.0) == []
    file.write_text("cut\n")
    assert [(found.text, found.at) for found in follower.fresh(8.0)] == [("cut", 8.0)]
    file.unlink()
    assert follower.fresh(9.0) == []


def test_a_line_ends_at_a_line_feed_and_nowhere_else(tmp_path: Path) -> None:
    """Envoy writes a caller's U+2028 and U+0085 as they are."""
    log = tmp_path / "axon.access.log"
    log.write_text('{"correlation_id": "a\u2028b\x85c"}\n', encoding="utf-8")
    (line,) = Follower(log).fresh(0.0)
    assert line.fields["correlation_id"] == "a\u2028b\x85c"


@given(st.text())
def test_any_line_whatever_is_shown_somehow(raw: str) -> None:
    for access in (False, True):
        found = parse_line(raw, Source("a", "0", access), 1.0)
        assert Wanted()(found)
        json.dumps(as_json(found))
        assert render_line(found, PLAIN, ["a"], 3, ids=True)


@given(st.dictionaries(st.sampled_from(
    ["time", "level", "message", "status", "duration_us", "peer", "kind", "subject", "at"]
), st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()))  # fmt: skip
def test_any_json_object_is_shown_somehow(fields: dict[str, Any]) -> None:
    for access in (False, True):
        found = parse_line(json.dumps(fields), Source("a", "0", access), 1.0)
        assert Wanted()(found)
        json.dumps(as_json(found))
        assert render_line(found, PLAIN, ["a"], 3, ids=True)


def test_colour_is_by_service_and_level() -> None:
    found = parse_line(line("bad", 1, level="error"), ORBIT, 0)
    text = render_line(found, Painter(colourful=True), ["axon", "orbit"], 7, ids=False)
    assert "\x1b[35morbit\x1b[0m.0" in text
    assert "\x1b[31mbad\x1b[0m" in text


def test_following_a_pipe_shows_lines_as_they_come(state: StateDir) -> None:
    command = [sys.executable, "-m", "fairway.cli.main", "logs", "orbit", "-f", "-n", "1"]
    with subprocess.Popen(command, cwd=state.app_dir, stdout=subprocess.PIPE) as following:
        assert following.stdout is not None
        watchdog = threading.Timer(20, following.kill)  # a missing line must fail, not hang
        watchdog.start()
        assert b"third" in following.stdout.readline()
        with state.log("orbit", 0).open("a") as file:
            file.write(line("fifth", 5) + "\n")
        write_private(state.log("orbit", 7), f"{line('new replica', 6)}\n".encode())
        seen = following.stdout.readline() + following.stdout.readline()
        following.send_signal(signal.SIGINT)
        assert following.wait(PATIENCE) == 130
        watchdog.cancel()
    assert b"fifth" in seen
    assert b"new replica" in seen
