"""A `run:` line runs as the program itself wherever it is one plain command."""

import os
import subprocess

import pytest

from fairway.targets.local.commands import shell


@pytest.mark.parametrize(
    "line",
    [
        "uvicorn axon.main:app --port $PORT",
        "./server --name 'a;b' --port ${PORT:-80}",
        '"my program" > out.txt',
        "echo hello",
    ],
)
def test_a_plain_command_replaces_the_shell(line):
    assert shell(line) == ("/bin/sh", "-c", f"exec {line}")


@pytest.mark.parametrize(
    "line",
    [
        "cd app && node server.js",
        "a | b",
        "a; b",
        "a & b",
        "(a)",
        "a\nb",
        "PORT=1 a",
        "exec a",
        "if true",
        "a `b`",
        "a 'open",
        "",
        ". ./env",
    ],
)
def test_shell_syntax_is_left_to_the_shell(line):
    assert shell(line) == ("/bin/sh", "-c", line)


def test_the_variables_of_the_replica_are_expanded():
    environment = {**os.environ, "PORT": "4711"}
    done = subprocess.run(
        shell("echo port=$PORT"), env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "port=4711\n"
