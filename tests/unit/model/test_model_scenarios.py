"""Golden scenarios: an app file and everything that loading it reports."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fairway.errors import InvalidAppFile, Problem
from fairway.model.load import load_app

FOLDER = Path(__file__).parents[2] / "scenarios" / "app-files"
SCENARIOS = sorted(FOLDER.glob("*.yaml"))
VARIABLES = {"REGION": "eu-central-1", "TOKEN": "hidden-value"}
WRITE = os.environ.get("FAIRWAY_WRITE_SCENARIOS") == "1"


def report(file: Path) -> str:
    try:
        loaded = load_app(
            file.name,
            file.read_text("utf-8"),
            read=lambda path: (FOLDER / path).read_text("utf-8"),
            variables=VARIABLES,
        )
    except InvalidAppFile as error:
        return "".join(line("problem", problem) for problem in error.problems)
    return "".join(line("warning", warning) for warning in loaded.warnings)


def line(kind: str, problem: Problem) -> str:
    words = f"{problem.message}\n    remedy: {problem.remedy}"
    return f"{problem.where} {kind} [{problem.code}] {words}\n"


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) > 20


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_scenario(file: Path) -> None:
    expected = file.with_suffix(".problems")
    reported = report(file)
    if WRITE:
        expected.write_text(reported, "utf-8")
    assert reported == expected.read_text("utf-8")


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_no_value_of_a_variable_is_shown(file: Path) -> None:
    assert VARIABLES["TOKEN"] not in report(file)


def test_no_expectation_without_its_app_file() -> None:
    assert {f.stem for f in FOLDER.glob("*.problems")} == {f.stem for f in SCENARIOS}
