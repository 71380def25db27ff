"""Every log file of an app, followed: its lines become entries, access lines requests as well.

Used by `pipeline.py`, from its one thread. Files are looked for at each turn, so a new replica's
log is followed within one. How far each was read is kept in `positions.json` once that is stored:
after a crash some lines are read twice, none is missed.

Every access line is counted as a request. As a record, an uneventful one is kept only while its
Envoy has answered fewer than `UNEVENTFUL_PER_SECOND` in that second: under load these would fill
the store, and drive out what is worth keeping.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from fairway.plan.observed import WORKING_TREE
from fairway.telemetry.config import ServiceFacts
from fairway.telemetry.entries import LogEntry, RequestEntry
from fairway.telemetry.lines import LogLine, Source, is_access, parse_lines, source_of
from fairway.telemetry.port import LOG_LEVELS, LogLevel
from fairway.telemetry.receiver.access import AccessLog
from fairway.telemetry.receiver.files import complain, replace_file
from fairway.telemetry.receiver.tailing import Mark, Tail

_ELSEWHERE: Final = frozenset(
    {"time", "timestamp", "level", "message", "msg", "service", "environment", "release"}
    | {"replica", "trace_id", "span_id"}
)
"""Fields that an entry holds otherwise."""
_TO_ITS_MESSAGE: Final = "event"
UNEVENTFUL_PER_SECOND: Final = 50


@dataclass(frozen=True, slots=True)
class Found:
    """What some lines of one file hold."""

    entries: tuple[LogEntry, ...]
    requests: tuple[RequestEntry, ...]


class LogFolder:
    """The log files of one app. `since` (Unix seconds) is when its present life began: what was
    written before is left out of files that nobody has followed so far.
    """

    def __init__(
        self, folder: Path, positions: Path, services: Mapping[str, ServiceFacts], since: float
    ) -> None:
        self._folder = folder
        self._positions = positions
        self._since = since
        self._marks = _read_marks(positions)
        self._tails: dict[str, Tail] = {}
        self._kept = dict(self._marks)
        self._access = AccessLog(services)
        self._uneventful: dict[str, tuple[int, int]] = {}

    def told(self, services: Mapping[str, ServiceFacts]) -> None:
        """Take over what the services are now."""
        self._access = AccessLog(services)

    def turn(self, now: float) -> Iterator[Found]:
        """What was added to all files since the last turn, block by block."""
        paths = sorted(self._folder.glob("*.log"))
        self._tails = {
            path.name: self._tails[path.name] for path in paths if path.name in self._tails
        }
        for path in paths:
            tail = self._tails.get(path.name)
            if tail is None:
                tail = self._tails[path.name] = Tail(path, self._marks.get(path.name), self._since)
            for block in tail.blocks():
                yield self._understood(block, path.name, min(now, _written(path, now)))

    def again(self) -> None:
        """Read again what was read since `keep`: it could not be stored."""
        self._marks = self._kept
        self._tails.clear()

    def keep(self) -> None:
        """Write down how far everything was read: when that is stored."""
        marks = {name: tail.mark for name, tail in self._tails.items()}
        if marks != self._kept:
            content = {name: asdict(mark) for name, mark in marks.items()}
            replace_file(self._positions, json.dumps(content).encode())
            self._kept = marks

    def _understood(self, block: bytes, name: str, written: float) -> Found:
        """What a block holds. Anybody may write anything into a log: what nobody foresaw is left
        out, else it would be read again and again, and nothing behind it ever.
        """
        try:
            return self._found(block, name, written)
        except Exception as error:  # noqa: BLE001 - see above
            complain(f"some lines of {name} cannot be understood: {error!r}")
            return Found((), ())

    def _found(self, block: bytes, name: str, written: float) -> Found:
        lines = parse_lines(block, source_of(name), written)
        if name not in self._marks:
            lines = [line for line in lines if line.at >= self._since]
        if not is_access(name):
            return Found(tuple(entry_of(line) for line in lines), ())
        requests = tuple(entry for line in lines for entry in self._access.requests(line))
        kept = (line for line in lines if self._is_kept(name, line))
        return Found(tuple(self._access.entry(line) for line in kept), requests)

    def _is_kept(self, name: str, line: LogLine) -> bool:
        if not self._access.is_uneventful(line):
            return True
        second, count = self._uneventful.get(name, (0, 0))
        count = count + 1 if int(line.at) <= second else 1
        self._uneventful[name] = (max(second, int(line.at)), count)
        return count <= UNEVENTFUL_PER_SECOND


def _written(path: Path, otherwise: float) -> float:
    """When a file was written to: the time of lines that say none."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return otherwise


def entry_of(line: LogLine) -> LogEntry:
    """A line that a process wrote, as an entry of the store."""
    fields = line.fields
    shown = {name: value for name, value in fields.items() if name not in _ELSEWHERE}
    if shown.get(_TO_ITS_MESSAGE) == line.text:
        del shown[_TO_ITS_MESSAGE]
    return LogEntry(
        line.at,
        line.source.service,
        line.source.label,
        str(fields.get("release") or _version(line.source)),
        _level(line.level),
        line.text,
        shown,
        str(fields.get("trace_id") or ""),
        str(fields.get("span_id") or ""),
    )


def _version(source: Source) -> str:
    """The version that a log file's name tells: `r8` of `orbit.r8.0`; Envoys have none."""
    version, _, replica = source.replica.rpartition(".")
    return version or WORKING_TREE if replica.isdecimal() else ""


def _level(level: str) -> LogLevel:
    return next((known for known in LOG_LEVELS if known == level), "error")


def _read_marks(path: Path) -> dict[str, Mark]:
    """Nothing when there is no file, or a damaged one: then the present run is read again."""
    try:
        return {name: Mark(**mark) for name, mark in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
