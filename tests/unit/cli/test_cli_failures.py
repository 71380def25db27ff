"""How errors look, and that colour appears only where it is wanted."""

from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path

import pytest
from tests.unit.cli.cli_driver import CommandLine

from fairway.api.problems import problem
from fairway.api.statuses import STATUS_OF, error_from, error_of_exit
from fairway.cli.failures import error_data, render_error, render_problem, unusable_place
from fairway.cli.output import Painter, duration, painter, table
from fairway.errors import (
    Conflict,
    FairwayError,
    InvalidAppFile,
    InvalidInput,
    NotFound,
    Problem,
    Refused,
    Unavailable,
    Unhealthy,
)

PLAIN = Painter(colourful=False)


def test_a_problem_points_at_its_character(tmp_path: Path) -> None:
    file = tmp_path / "app.yaml"
    file.write_text("app: x\nservices:\n\tbad: 1\n")
    problem = Problem("tab", "a tab indents", "use spaces", str(file), 3, 2)
    assert render_problem(problem, PLAIN).splitlines() == [
        f"{file}:3:2: error: a tab indents [tab]",
        "    3 | \tbad: 1",
        "      | \t^",
        "  remedy use spaces",
    ]


@pytest.mark.parametrize("line", [0, 7])
def test_a_place_outside_the_file_has_no_source_line(tmp_path: Path, line: int) -> None:
    file = tmp_path / "app.yaml"
    file.write_text("app: x\n")
    text = render_problem(Problem("c", "m", "r", str(file), line, 1), PLAIN)
    assert "|" not in text
    assert "remedy r" in text


def test_a_file_that_is_gone_has_no_source_line(tmp_path: Path) -> None:
    text = render_problem(Problem("c", "m", "r", str(tmp_path / "none"), 1, 1), PLAIN)
    assert text.splitlines() == [f"{tmp_path / 'none'}:1:1: error: m [c]", "  remedy r"]


def test_an_error_says_what_where_and_remedy() -> None:
    error = NotFound("no-such", "it is not there", where="here", remedy="look there")
    assert render_error(error, PLAIN) == (
        "error: it is not there [no-such]\n  where  here\n  remedy look there"
    )
    assert render_error(NotFound("c", "m"), PLAIN) == "error: m [c]"
    assert render_error(NotFound("c", "m\n  | more"), PLAIN) == "error: m [c]\n  | more"
    assert render_error(NotFound("c", ""), PLAIN) == "error:  [c]"


def test_the_remedy_stands_apart_from_what_a_program_said() -> None:
    error = Unhealthy("died", "it ended\n  | no module x", where="orbit", remedy="install it")
    assert str(error) == "orbit: it ended\n  | no module x\n  remedy: install it"


def test_a_folder_that_cannot_be_written_is_no_defect(fairway: CommandLine) -> None:
    """A file stands where the state folder would be: what root meets too, as in a container."""
    for number, word in ((errno.EROFS, "writable"), (errno.EACCES, "access")):
        found = unusable_place(OSError(number, os.strerror(number), "/srv/app/.fairway"))
        assert found is not None
        assert "/srv/app/.fairway" in found.message
        assert word in found.remedy
    assert unusable_place(OSError(errno.EBADF, "bad", "/x")) is None
    assert unusable_place(ValueError("x")) is None
    assert fairway("init", "x" * 300).code == 5


def test_validate_reports_every_problem_and_exits_with_2(fairway: CommandLine) -> None:
    (fairway.folder / "fairway.yaml").write_text("app: X\nservices:\n  a: {helth: /}\n  b: 3\n")
    done = fairway("validate")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("error:") >= 3
    assert "fairway.yaml:3:7" in done.err
    assert "did you mean 'health'?" in done.err
    assert done.err.rstrip().endswith("problems")


def test_validate_as_json_is_the_same_list(fairway: CommandLine) -> None:
    (fairway.folder / "fairway.yaml").write_text("app: X\nservices:\n  a: {helth: /}\n")
    done = fairway("validate", "--json")
    assert (done.code, done.json["valid"]) == (2, False)
    problem = next(p for p in done.json["problems"] if p["code"] == "unknown-key")
    assert (problem["file"], problem["line"], problem["column"]) == ("fairway.yaml", 3, 7)


def test_validate_names_files_as_seen_from_here(
    fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = fairway.folder / "inner"
    inner.mkdir()
    (fairway.folder / "fairway.yaml").write_text("app: X\nservices: {}\n")
    monkeypatch.chdir(inner)
    assert str(fairway.folder / "fairway.yaml") in fairway("validate").err


def test_a_policy_problem_is_found_by_validate(fairway: CommandLine) -> None:
    file = fairway.folder / "fairway.yaml"
    file.write_text(file.read_text() + "policies: policies\n")
    (fairway.folder / "policies").mkdir()
    (fairway.folder / "policies" / "p.cedar").write_text(
        'permit (\n  principal == Client::"wep", action, resource);\n'
    )
    done = fairway("validate")
    assert done.code == 2
    assert "policies/p.cedar:2:" in done.err
    assert "web" in done.err


def test_a_valid_app_is_summed_up(fairway: CommandLine) -> None:
    done = fairway("validate")
    assert done.code == 0
    assert "valid fairway.yaml: shop with 2 services, 1 client" in done.out


KINDS = (InvalidInput, NotFound, Conflict, Unavailable, Refused)


@pytest.mark.parametrize("kind", STATUS_OF)
def test_an_error_survives_http(kind: type[FairwayError]) -> None:
    error = kind("some-code", "what", where="where", remedy="remedy")
    back = error_from(STATUS_OF[kind], json.loads(json.dumps(problem(error, "/path"))))
    assert type(back) is kind
    assert error_data(back) == error_data(error)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_the_end_of_a_process(kind: type[FairwayError]) -> None:
    error = kind("some-code", "what", where="where", remedy="remedy")
    back = error_of_exit(error.exit_code, json.loads(json.dumps(error_data(error))))
    assert type(back) is kind
    assert error_data(back) == error_data(error)


def test_the_problems_of_an_app_file_survive_the_end_of_a_process() -> None:
    error = InvalidAppFile([Problem("c", "m", "r", "f", 1, 2), Problem("d", "n", "s", "f", 3, 4)])
    back = error_of_exit(2, json.loads(json.dumps(error_data(error))))
    assert isinstance(back, InvalidAppFile)
    assert back.problems == error.problems


def test_every_error_of_http_has_the_exit_code_of_its_parent() -> None:
    assert set(KINDS) <= set(STATUS_OF)
    assert {kind.exit_code for kind in STATUS_OF} == {kind.exit_code for kind in KINDS}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_needs_a_terminal_and_no_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert painter(Terminal()).red("x") == "\x1b[31mx\x1b[0m"
    assert painter(io.StringIO()).red("x") == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert painter(Terminal()).red("x") == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert painter(Terminal()).red("x") == "x"


def test_a_table_is_aligned_with_and_without_colour() -> None:
    rows = [("a", "healthy", "x"), ("long-name", "failed", "y")]
    plain = table(("N", "STATE", "E"), rows, PLAIN, state=1).splitlines()
    assert plain == ["N          STATE    E", "a          healthy  x", "long-name  failed   y"]
    coloured = table(("N", "STATE", "E"), rows, Painter(colourful=True), state=1)
    assert "\x1b[31mfailed\x1b[0m   y" in coloured


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0ms"), (0.85, "850ms"), (59.9, "59s"), (200, "3m 20s"), (7500, "2h 05m"),
     (356_400, "4d 3h")],
)  # fmt: skip
def test_durations_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
