"""What the replicas of an app have written, as lines of data: read, merged, filtered, followed.

`fairway logs` and the API read through this. Works on the files alone, whether something runs or
not. Lines of JSON are understood (the runtime library writes them, and so do many programs); any
other line is kept as it is. Nothing that a program writes can make reading fail.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fairway.targets.local.log_files import KEPT, rotated

LEVELS: Mapping[str, int] = {
    "trace": 5, "debug": 10, "info": 20, "notice": 25, "warning": 30, "warn": 30, "error": 40,
    "exception": 40, "critical": 50, "fatal": 50,
}  # fmt: skip
"""Levels by name in the order of their weight; a line without one counts as `info`."""

_TIME_KEYS = ("timestamp", "time", "ts", "@timestamp")
_LEVEL_KEYS = ("level", "severity", "lvl")
_TEXT_KEYS = ("event", "message", "msg")
_MILLISECONDS = 1e11
"""Numbers above are milliseconds since the epoch, below seconds: as seconds it is the year 5138."""
_BEYOND_TIME = 1e15
_FILE_NAME = re.compile(r"(?P<name>.+?)(?:\.(?P<replica>\d+))?\.log\Z")
_POLL = 0.2
_MAX_LINE = 2**20
"""A longer line is handed on in pieces, in bytes."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. `at` is seconds since the epoch, None when neither it nor a line before says.

    `fields` holds what a JSON line has besides time, level, text and correlation id.
    """

    source: str
    replica: int | None
    text: str
    at: float | None = None
    level: str | None = None
    correlation_id: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Where it comes from: `orbit.0`."""
        return self.source if self.replica is None else f"{self.source}.{self.replica}"


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines are asked for; empty or None: all. `level` is the least, `since` in seconds
    since the epoch."""

    sources: frozenset[str] = frozenset()
    replica: int | None = None
    level: str | None = None
    correlation_id: str | None = None
    since: float | None = None

    def wants(self, line: LogLine) -> bool:
        """Whether a line is asked for."""
        return (
            (self.correlation_id is None or line.correlation_id == self.correlation_id)
            and (self.since is None or (line.at is not None and line.at >= self.since))
            and (self.level is None or _weight(line.level) >= _weight(self.level))
        )


def parse_line(source: str, replica: int | None, raw: str) -> LogLine:
    """Understand one line; one that is not a JSON object is its own text. Pure."""
    content = _json_object(raw)
    if content is None:
        return LogLine(source, replica, raw)
    text = _take(content, _TEXT_KEYS)
    level = _take(content, _LEVEL_KEYS)
    correlation = _take(content, ("correlation_id",))
    return LogLine(
        source,
        replica,
        text=_printable(text) if isinstance(text, str) else raw,
        at=_seconds(_take(content, _TIME_KEYS)),
        level=level.lower() if isinstance(level, str) else None,
        correlation_id=correlation if isinstance(correlation, str) else None,
        fields=content,
    )


def read(folder: Path, query: LogQuery, tail: int | None = None) -> list[LogLine]:
    """The lines that are there now, by time, lines without a time after the one before them."""
    streams = [_dated(_lines(path)) for path in _files(folder, query)]
    merged = (line for _, line in heapq.merge(*streams, key=lambda pair: pair[0]))
    found = [line for line in merged if query.wants(line)]
    return found if tail is None else found[len(found) - min(tail, len(found)) :]


async def follow(folder: Path, query: LogQuery) -> AsyncIterator[LogLine]:
    """Lines written from now on, of files that do not exist yet too; survives rotation."""
    tails = {path: _Tail(path, at_end=True) for path in _files(folder, query)}
    while True:
        for path in _files(folder, query):
            tail = tails.setdefault(path, _Tail(path, at_end=False))
            for line in tail.new_lines():
                if query.wants(line):
                    yield line
        await asyncio.sleep(_POLL)


class _Tail:
    """Where reading of one file has got to."""

    def __init__(self, path: Path, *, at_end: bool) -> None:
        self._path = path
        self._offset = path.stat().st_size if at_end else 0
        self._rest = b""
        self._at: float | None = None

    def new_lines(self) -> Iterator[LogLine]:
        if (size := self._path.stat().st_size) < self._offset:
            yield from self._parsed(self._end_of_rotated())
            self._offset = 0
        if size > self._offset:
            yield from self._parsed(self._read(self._path))

    def _end_of_rotated(self) -> bytes:
        """The file was cut: what was not read yet has been copied away."""
        older = rotated(self._path, 1)
        if not older.exists() or older.stat().st_size < self._offset:
            return b""
        return self._read(older)

    def _read(self, path: Path) -> bytes:
        with path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
            self._offset = file.tell()
        return data

    def _parsed(self, data: bytes) -> Iterator[LogLine]:
        *complete, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _MAX_LINE:
            complete, self._rest = [*complete, self._rest], b""
        source, replica = _origin(self._path)
        for raw in complete:
            line = parse_line(source, replica, raw.decode("utf-8", "replace").rstrip("\r"))
            self._at = line.at or self._at
            yield line if line.at is not None else _at(line, self._at)


def _files(folder: Path, query: LogQuery) -> list[Path]:
    def wanted(path: Path) -> bool:
        source, replica = _origin(path)
        return (not query.sources or source in query.sources) and (
            query.replica is None or replica == query.replica
        )

    return sorted(path for path in folder.glob("*.log") if wanted(path))


def _lines(path: Path) -> Iterator[LogLine]:
    source, replica = _origin(path)
    older = (rotated(path, number) for number in range(KEPT, 0, -1))
    for file in (*older, path):
        if file.exists():
            with file.open("r", encoding="utf-8", errors="replace", newline="\n") as text:
                for raw in text:
                    yield parse_line(source, replica, raw.rstrip("\r\n"))


def _dated(lines: Iterable[LogLine]) -> Iterator[tuple[float, LogLine]]:
    """A line without a time, such as one of a traceback, belongs to the one before it."""
    at: float | None = None
    for line in lines:
        at = line.at if line.at is not None else at
        yield (at or 0.0, line if line.at is not None else _at(line, at))


def _at(line: LogLine, at: float | None) -> LogLine:
    return LogLine(
        line.source, line.replica, line.text, at, line.level, line.correlation_id, line.fields
    )


def _origin(path: Path) -> tuple[str, int | None]:
    match = _FILE_NAME.match(path.name)
    assert match is not None, "only *.log is looked at"
    return match["name"], int(match["replica"]) if match["replica"] else None


def _json_object(raw: str) -> dict[str, Any] | None:
    if not raw.startswith("{"):
        return None
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _printable(text: str) -> str:
    """JSON can hold halves of characters, which no terminal or file takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _take(content: dict[str, Any], keys: Iterable[str]) -> Any:
    key = next((key for key in keys if key in content), None)
    return content.pop(key) if key is not None else None


def _seconds(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if _MILLISECONDS < value < _BEYOND_TIME else value
        return float(seconds) if 0 <= seconds <= _MILLISECONDS else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _weight(level: str | None) -> int:
    return LEVELS.get(level or "info", LEVELS["info"])
