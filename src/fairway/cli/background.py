"""Starting the control plane in the background, for `up -d` and a first `deploy`.

The child is `fairway control-plane`, a session of its own with its output in `logs/control.log`, so
that it outlives the terminal. Until it is ready its events are read from that file (there is no API
yet) and shown as if it ran here; if it dies, its own error is raised here with the same exit code.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fairway.api.statuses import error_of_exit
from fairway.cli.client import ControlClient
from fairway.cli.invocation import Invocation
from fairway.cli.output import note
from fairway.cli.place import find_app_file, reach
from fairway.cli.progress import Progress
from fairway.control.port import Event
from fairway.errors import FairwayError, Unavailable
from fairway.targets.local.layout import StateDir, open_state, private_dir

_POLL_SECONDS = 0.05
FAILED = "control.failed"
"""The kind of the last line of a control plane that could not start; carries its error."""


def bring_up(invocation: Invocation, progress: Progress, *, watch: bool = False) -> ControlClient:
    """Start the app of this folder in the background, as `up -d` and a first `deploy` do."""
    file = find_app_file(invocation)
    opened = open_state(
        file.parent, invocation.environment, stamp=datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    )
    for message in opened.messages:
        note(message)
    command = control_plane_command(file, invocation.environment, watch=watch)
    return start_in_background(command, opened.state, progress)


def start_in_background(
    command: Sequence[str], state: StateDir, progress: Progress
) -> ControlClient:
    """Start, show progress, return once the API answers and everything is healthy.

    Raises the child's error when it dies. Ctrl-C takes the child down and raises on.
    """
    log = state.log("control")
    private_dir(log.parent)
    with open(log, "ab", opener=_private) as output:
        offset = output.tell()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        return _wait(child, state, progress, _Tail(log, offset))
    except KeyboardInterrupt:
        child.send_signal(signal.SIGTERM)
        child.wait()
        raise
    finally:
        progress.settle()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def control_plane_command(file: Path, environment: str, *, watch: bool = False) -> list[str]:
    """What runs in the background for an app file."""
    module = [sys.executable, "-m", "fairway.cli.main", "control-plane"]
    options = ["--file", str(file), "--env", environment]
    return [*module, *options, *(["--watch"] if watch else [])]


def _wait(
    child: subprocess.Popen[bytes], state: StateDir, progress: Progress, tail: _Tail
) -> ControlClient:
    while True:
        ended = child.poll() is not None
        for line in tail.lines():
            _show(line, progress)
        if ended:
            raise tail.failure or _died(child, tail)
        client = reach(state) if state.control.exists() else None
        if client is not None and client.pid == child.pid:
            return client
        time.sleep(_POLL_SECONDS)


def _show(line: dict[str, Any], progress: Progress) -> None:
    if line.get("kind") != FAILED and line.keys() >= {"id", "at", "kind", "subject", "message"}:
        progress.show(Event(**line))


def _died(child: subprocess.Popen[bytes], tail: _Tail) -> FairwayError:
    return Unavailable(
        "control-plane-died",
        f"the control plane ended with code {child.returncode} while starting: {tail.words}",
        where=str(tail.path),
        remedy="run `fairway up` in the foreground to watch it, or read that file",
    )


class _Tail:
    """What the child wrote since it started, as whole JSON lines; the rest is kept as words."""

    def __init__(self, path: Path, offset: int) -> None:
        self.path = path
        self.failure: FairwayError | None = None
        self.words = ""
        self._offset = offset

    def lines(self) -> Iterator[dict[str, Any]]:
        """New whole lines that are JSON objects."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            fresh = file.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._offset += len(whole)
        for raw in whole.splitlines():
            try:
                line = json.loads(raw)
            except ValueError:
                self.words = raw.decode("utf-8", "replace")
                continue
            if isinstance(line, dict):
                self._notice(line)
                yield line

    def _notice(self, line: dict[str, Any]) -> None:
        if line.get("kind") == FAILED:
            self.failure = error_of_exit(line["exit_code"], line["error"])
