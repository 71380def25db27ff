"""Which app and which environment a command is about: its app file, its state, what runs.

Commands call `find_app_file`, `state_of`, `workspace_of` and `connect`. The first two read nothing
but folder names, so that `status` and `logs` answer at once and also when the app file is broken.
The only module of the command line that knows where the local target keeps its state.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fairway.cli.client import ControlClient
from fairway.cli.invocation import DEFAULT_ENVIRONMENT, DEFAULT_FILE, FILE_NAMES, Invocation
from fairway.errors import InvalidAppFile, NotFound, Unavailable
from fairway.targets.local.layout import StateDir

if TYPE_CHECKING:
    from fairway.workspace import Workspace


def find_app_file(invocation: Invocation, start: Path | None = None) -> Path:
    """The app file: as given, else `fairway.yaml` in this folder or the nearest one above.

    Raises NotFound when there is none.
    """
    if invocation.file is not None:
        return _given(invocation.file)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        for name in FILE_NAMES:
            if (folder / name).is_file():
                return folder / name
    raise NotFound(
        "no-app-file",
        f"there is no {DEFAULT_FILE} in this folder or above it",
        where=str(here),
        remedy="write one with `fairway init`, or name one with --file",
    )


def _given(file: Path) -> Path:
    path = file
    if file.is_dir():
        path = next((file / n for n in FILE_NAMES if (file / n).is_file()), file / DEFAULT_FILE)
    if not path.is_file():
        raise NotFound(
            "no-app-file",
            "there is no such app file",
            where=str(path),
            remedy="check the path after --file",
        )
    return path.resolve()


def state_of(invocation: Invocation) -> StateDir:
    """Where the state of the app is kept; creates nothing."""
    return StateDir(find_app_file(invocation).parent, invocation.environment)


def workspace_of(invocation: Invocation) -> Workspace:
    """The validated app; raises InvalidAppFile with every problem, named as seen from here."""
    from fairway.workspace import open_workspace

    file = find_app_file(invocation)
    try:
        return open_workspace(file, invocation.environment)
    except InvalidAppFile as error:
        seen = [replace(p, file=seen_from_here(file.parent / p.file)) for p in error.problems]
        raise InvalidAppFile(seen) from error


def seen_from_here(file: Path) -> str:
    """A path as a terminal in this folder makes it clickable: relative where it is below."""
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


def reach(state: StateDir) -> ControlClient | None:
    """A client of the control plane that runs for this state; None when none does."""
    try:
        found = json.loads(state.control.read_text("utf-8"))
        client = ControlClient(found["url"], found["token"], found["pid"])
    except (OSError, ValueError, KeyError):
        return None
    return client if _is_process(client.pid) and client.answers() else None


def connect(invocation: Invocation) -> ControlClient:
    """A client of the running control plane; raises Unavailable when none runs."""
    state = state_of(invocation)
    client = reach(state)
    if client is not None:
        return client
    if state.control.exists():
        raise Unavailable(
            "control-plane-dead",
            "the control plane is dead; what it started may still run and serve",
            where=str(state.home),
            remedy="`fairway up -d` adopts it, `fairway down` ends it",
        )
    raise Unavailable(
        "not-running",
        "no control plane runs for this app",
        where=str(state.home),
        remedy=_how_to_start(invocation.environment),
    )


def _how_to_start(environment: str) -> str:
    if environment == DEFAULT_ENVIRONMENT:
        return "start it with `fairway up -d`"
    return (
        f"if it is on this machine, start it with `fairway up -d --env {environment}`; if a server "
        f"keeps it, as on AWS, ask that: `fairway deployments {environment}`, "
        f"`fairway history {environment}`, `fairway drift {environment}`"
    )


def _is_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
