"""What to tell a person at 3 a.m. when a replica does not run. Pure.

The runner of a replica collects the facts, this module finds the words: what happened, the last
lines of the log, and a remedy that fits them. It is a guess from the program's own output, for
people only: no code decides by it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fairway.targets.local.naming import service_of
from fairway.targets.local.processes import Exit

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes of a shell that cannot run a program (POSIX, "Exit Status for Commands")."""

LAST_LINES = 10


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a replica failed. `exit` is None while its process still runs."""

    label: str
    command: str
    log: Path
    port: int | None
    exit: Exit | None
    last_lines: tuple[str, ...]
    finding: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a replica does not run: one line, the remedy, and the evidence."""

    what: str
    remedy: str
    command: str
    log: Path
    last_lines: tuple[str, ...]

    @property
    def evidence(self) -> str:
        """What happened with the command, the path of the log and its last lines."""
        tail = "".join(f"\n  | {line}" for line in self.last_lines)
        return f"{self.what}\n  command: {self.command}\n  log: {self.log}{tail}"

    def __str__(self) -> str:
        return f"{self.evidence}\n  remedy: {self.remedy}"


def explain(facts: Facts) -> Failure:
    """Put the facts into words."""
    return Failure(
        what=_what(facts),
        remedy=_remedy(facts),
        command=facts.command,
        log=facts.log,
        last_lines=facts.last_lines[-LAST_LINES:],
    )


def _what(facts: Facts) -> str:
    if facts.exit is None:
        return f"{facts.label} runs but is not healthy ({facts.finding})"
    if facts.exit.code == NOT_FOUND:
        return f"{facts.label} could not start: its program was not found"
    if facts.exit.code == NOT_EXECUTABLE:
        return f"{facts.label} could not start: its program is not executable"
    return f"{facts.label} ended: {facts.exit}"


def _remedy(facts: Facts) -> str:
    if facts.exit is not None and facts.exit.code in (NOT_FOUND, NOT_EXECUTABLE):
        return "install the program or correct `run`; PATH and the service's own .venv are searched"
    text = "\n".join(facts.last_lines)
    for pattern, remedy in _HINTS:
        if match := pattern.search(text):
            return remedy.format(*match.groups(), port=facts.port)
    if facts.exit is None:
        return (
            f"check that it listens on 127.0.0.1:$PORT (here {facts.port}) and that `health` names "
            "a path that answers 2xx; raise `health.start_timeout` if it only needs longer"
        )
    return f"run the command by hand, or read the whole log: fairway logs {service_of(facts.label)}"


_HINTS: Sequence[tuple[re.Pattern[str], str]] = [
    (
        re.compile(r"(?i)address already in use|EADDRINUSE"),
        "another program holds its port: make it listen on $PORT (here {port}), or stop the other",
    ),
    (
        re.compile(r"No module named '?([\w.]+)'?"),
        "install the Python module {0} where the command runs, for instance in the service's .venv",
    ),
    (
        re.compile(r"Cannot find (?:module|package) '([^']+)'"),
        "install the Node package {0}: npm install in the service's folder",
    ),
    (
        re.compile(r"Could not import module \"([^\"]+)\""),
        "check that {0} exists in the service's folder, and that importing it raises no error",
    ),
    (
        re.compile(r"(?i)permission denied"),
        "give this user the permission that the log names",
    ),
    (
        re.compile(r"KeyError: '([A-Z][A-Z0-9_]*)'"),
        "set the variable {0}: under `env` of the service, or as a secret (fairway secrets set)",
    ),
]  # fmt: skip
