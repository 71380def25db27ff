"""What a person reads when a replica does not run: what, the evidence, a remedy that fits."""

from dataclasses import replace
from pathlib import Path

import pytest

from fairway.targets.local.failures import Facts, explain
from fairway.targets.local.processes import Exit

FACTS = Facts(
    label="orbit.0",
    command="uvicorn orbit.main:app --port $PORT",
    log=Path("/app/.fairway/local/logs/orbit.0.log"),
    port=18001,
    exit=Exit(code=1),
    last_lines=("one", "two"),
)


def test_everything_is_in_it():
    assert str(explain(FACTS)) == (
        "orbit.0 ended: exit code 1\n"
        "  command: uvicorn orbit.main:app --port $PORT\n"
        "  log: /app/.fairway/local/logs/orbit.0.log\n"
        "  | one\n  | two\n"
        "  remedy: run the command by hand, or read the whole log: fairway logs orbit"
    )


def test_only_the_last_ten_lines_are_shown():
    lines = tuple(str(n) for n in range(30))
    assert explain(replace(FACTS, last_lines=lines)).last_lines == lines[-10:]


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("OSError: [Errno 98] Address already in use", "another program holds its port"),
        ("Error: listen EADDRINUSE: address in use :::80", "make it listen on $PORT (here 18001)"),
        ("ModuleNotFoundError: No module named 'fastapi'", "install the Python module fastapi"),
        ("/usr/bin/python: No module named uvicorn", "install the Python module uvicorn"),
        ("Error: Cannot find module 'express'", "install the Node package express"),
        (
            'ERROR: Error loading ASGI app. Could not import module "main".',
            "check that main exists",
        ),
        ("KeyError: 'AXON_MODEL_KEY'", "set the variable AXON_MODEL_KEY"),
        ("PermissionError: Permission denied: '/x'", "give this user the permission"),
        ("something else", "run the command by hand"),
    ],
)
def test_the_remedy_fits_the_last_lines(line, remedy):
    assert remedy in explain(replace(FACTS, last_lines=("noise", line))).remedy


@pytest.mark.parametrize(("code", "what"), [(127, "not found"), (126, "not executable")])
def test_a_program_that_cannot_run(code, what):
    failure = explain(replace(FACTS, exit=Exit(code=code)))
    assert what in failure.what
    assert failure.remedy.startswith("install the program or correct `run`")


def test_a_program_that_runs_but_does_not_answer():
    failure = explain(replace(FACTS, exit=None, finding="GET /health: 404"))
    assert failure.what == "orbit.0 runs but is not healthy (GET /health: 404)"
    assert "listens on 127.0.0.1:$PORT (here 18001)" in failure.remedy
