"""A Procfile as an app file: `web` is public, what uses `$PORT` listens, the rest are workers."""

from __future__ import annotations

import re
from typing import Any

from fairway.errors import InvalidAppFile, Problem
from fairway.model.importing.draft import Draft, Imported, name_from
from fairway.model.names import shown

_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+)[ \t]*:[ \t]*(?P<command>\S.*)")
_PORT = re.compile(r"\$\{?PORT\b")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


def app_from_procfile(text: str, *, name: str = "my-app", file: str = "Procfile") -> Imported:
    """The app file for a Procfile; `file` names it in problems.

    Raises InvalidAppFile with every line that is not `name: command`, or where there is none.
    """
    draft = Draft(name_from(name, set()))
    problems: list[Problem] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = None if _CONTROL.search(line) else _LINE.fullmatch(line)
        if match is None:
            problems.append(_not_a_process(file, number, line))
        else:
            _add(draft, match["name"], match["command"])
    if not draft.services and not problems:
        problems.append(_problem(file, 1, "the Procfile starts nothing"))
    if problems:
        raise InvalidAppFile(problems)
    return draft.finished(file)


def _add(draft: Draft, process: str, command: str) -> None:
    name = name_from(process, set(draft.services))
    if name != process:
        draft.note(f"'{process}' is called '{name}' here")
    draft.services[name] = _service(draft, name, process, command)


def _service(draft: Draft, name: str, process: str, command: str) -> dict[str, Any]:
    if process == "release":
        draft.note(f"'{name}' became a job: it runs once, to its end")
        return {"kind": "job", "run": command}
    if process != "web" and not _PORT.search(command):
        return {"kind": "worker", "run": command}
    if not _PORT.search(command):
        draft.note(f"'{name}' does not name $PORT: make sure that it listens on that port")
    draft.note(f"'{name}' has no health path: add 'health: /health', a path that answers 2xx")
    return {"run": command, "public": "/"} if process == "web" else {"run": command}


def _not_a_process(file: str, line: int, text: str) -> Problem:
    # What follows ':' may hold a password, so only the name is shown.
    return _problem(file, line, f"{shown(text.split(':', 1)[0])} begins no process")


def _problem(file: str, line: int, message: str) -> Problem:
    remedy = "write 'name: command' on a line of its own: 'web: python web.py --port $PORT'"
    return Problem("procfile", message, remedy, file, line, 1)
