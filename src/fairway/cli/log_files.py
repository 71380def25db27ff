"""The log files of one app: which there are, what they hold, what is added to them.

`commands/logs` and `call` read through it, with or without a control plane. Names follow
`StateDir.log`: `<service>.<replica>.log`; an Envoy's access log is `<name>.access.log`. The
supervisor cuts a file that grew too large and keeps the older part as `<name>.log.1` and so on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from fairway.targets.local.layout import StateDir
from fairway.targets.local.log_files import cut_away
from fairway.telemetry.lines import LogLine, is_access, parse_lines, source_of

_POLL_SECONDS = 0.1
_BESIDE_TURNS = 5
_RECENT_BYTES = 4 * 2**20
"""Where a request of just now is looked for: the end of each file."""


class Logs:
    """The logs of an app: first what there is, then what is added; no line is lost between."""

    def __init__(self, state: StateDir, access: bool) -> None:
        self._state = state
        self._access = access
        self._followers: dict[Path, Follower] = {}

    def history(self) -> list[LogLine]:
        """Every line there is, those of rotated parts too: file by file, each in its order."""
        lines: list[LogLine] = []
        for path in log_files(self._state, self._access):
            lines += _rotated(path)
            lines += self._follower(path).fresh(_written(path))
        return lines

    def follow(self, beside: Callable[[], Iterable[LogLine]] = tuple) -> Iterator[LogLine]:
        """Lines as they are written, those of new files too, and of `beside`, which is asked less
        often. Never ends by itself.
        """
        for turn in count():
            for path in log_files(self._state, self._access):
                yield from self._follower(path).fresh(time.time())
            if turn % _BESIDE_TURNS == 0:
                yield from beside()
            time.sleep(_POLL_SECONDS)

    def _follower(self, path: Path) -> Follower:
        return self._followers.setdefault(path, Follower(path))


def log_files(state: StateDir, access: bool) -> list[Path]:
    """The present log files, without their rotated parts."""
    files = [path for path in state.logs.glob("*.log") if not is_access(path.name)]
    if access:
        files += access_files(state)
    return sorted(files)


def access_files(state: StateDir) -> list[Path]:
    """The access log of every Envoy."""
    return sorted(state.logs.glob("*.access.log"))


class Follower:
    """Reads what is added to one file, also across the supervisor's cut of a large one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._source = source_of(path.name)

    def fresh(self, now: float) -> list[LogLine]:
        """The whole lines that were added; a half-written one waits for the next time."""
        missed = b""
        try:
            if self._path.stat().st_size < self._offset:
                missed = cut_away(self._path, self._offset)
                self._offset = 0
            with self._path.open("rb") as file:
                file.seek(self._offset)
                added = missed + file.read()
        except FileNotFoundError:
            return []
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += max(0, len(whole) - len(missed))
        return parse_lines(whole, self._source, now)


def _rotated(path: Path) -> list[LogLine]:
    parts = sorted(path.parent.glob(f"{path.name}.*"), reverse=True)
    lines: list[LogLine] = []
    for part in parts:
        with suppress(FileNotFoundError):  # rotated away between listing and reading
            lines += parse_lines(part.read_bytes(), source_of(path.name), _written(part))
    return lines


def _written(path: Path) -> float:
    """When a file was last written: the time of lines that say none."""
    return path.stat().st_mtime if path.exists() else 0.0


def lines_with(paths: list[Path], correlation: str) -> list[dict[str, Any]]:
    """The JSON lines of some files that carry a correlation id."""
    found: list[dict[str, Any]] = []
    for path in paths:
        found += _matching(path, correlation)
    return found


def audit_records(state: StateDir, correlation: str) -> list[dict[str, Any]]:
    """The audit entries of one request, of all writers, by time. Verifies nothing."""
    records = lines_with(sorted(state.audit.glob("*.jsonl")), correlation)
    return sorted(records, key=lambda record: float(record["time"]))


def _matching(path: Path, correlation: str) -> Iterator[dict[str, Any]]:
    wanted = correlation.encode()
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _RECENT_BYTES))
            for raw in file:
                if wanted in raw and raw.endswith(b"\n"):
                    record = json.loads(raw)
                    if record.get("correlation_id") == correlation:
                        yield record
    except FileNotFoundError:  # rotated away, or its Envoy is gone
        return
