"""Log lines as data: what a process wrote, who it was, when, how bad. Pure.

The receiver makes entries of the store from them, `fairway logs` filters and prints them. A line of
`fairway-runtime` (or of any program that logs JSON objects) has fields; a line of another program
is text, with a guessed level; its time is the one that it begins with (ISO 8601) or holds in the
Common Log Format, without a zone in the machine's, else that of the line before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

LEVELS = ("debug", "info", "warning", "error", "critical")
_ALIASES = {"warn": "warning", "err": "error", "fatal": "critical", "trace": "debug"}
_GUESS = re.compile(r"\b(DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b", re.IGNORECASE)
_ENVOY = re.compile(r"\[(?P<time>[\d-]+ [\d:.]+)\]\[\d+\](?P<text>\[.*)", re.DOTALL)
"""A line of Envoy's own log: `[2026-11-21 04:53:01.060][19436][warning][main] …`, in UTC."""
_ISO = re.compile(
    r"\[?(?P<day>\d{4}-\d\d-\d\d)[T ](?P<clock>\d\d:\d\d:\d\d)(?:[.,](?P<part>\d{1,9}))?"
    r" ?(?P<zone>Z|[+-]\d\d:?\d\d)?(?![\d:])",
    re.ASCII,
)
"""How a line begins that tells the time as `logging`, Go's `slog` and many others write it."""
_COMMON = re.compile(
    r"\[(?P<day>\d\d)/(?P<month>[A-Z][a-z]{2})/(?P<year>\d{4})[: ](?P<clock>\d\d:\d\d:\d\d)"
    r"(?: (?P<zone>[+-]\d{4}))?\]",
    re.ASCII,
)
"""Common Log Format, https://httpd.apache.org/docs/current/logs.html#common; Python's `http.server`
puts a space for the first colon and leaves the zone out.
"""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEAD = 300
"""So far into a line a time is looked for: later it is part of what is said."""
_FAR_FUTURE = 4e9
"""A number beyond it (year 2096) is no time in seconds."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who wrote a file: a replica of a service, an Envoy, the control plane."""

    service: str
    replica: str = ""
    access: bool = False

    @property
    def label(self) -> str:
        """`orbit.0`, or only the name where there are no replicas."""
        return f"{self.service}.{self.replica}" if self.replica else self.service


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. `fields` is empty for plain text; `timed` says that the line tells `at` itself."""

    source: Source
    at: float
    level: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    timed: bool = True

    @property
    def correlation(self) -> str:
        """The correlation id, else empty."""
        return str(self.fields.get("correlation_id") or "")


def source_of(file_name: str) -> Source:
    """Who wrote a file, by its name: `orbit.0.log`, `orbit.r8.0.log.1`, `orbit.access.log`."""
    if is_access(file_name):
        return Source(file_name.partition(".")[0], "envoy", access=True)
    stem = file_name.partition(".log")[0]
    service, _, replica = stem.partition(".")
    return Source(service, replica)


def is_access(file_name: str) -> bool:
    """Whether a file is the access log of an Envoy, or an older part of one."""
    return ".access.log" in file_name


def parse_lines(content: bytes, source: Source, otherwise: float) -> list[LogLine]:
    """Lines with times; those of a file that never says the time get `otherwise`."""
    lines: list[LogLine] = []
    before = 0.0
    # Not splitlines(): that splits at U+2028 too, which a caller may put into a correlation id.
    for raw in content.decode("utf-8", "replace").split("\n"):
        if not raw.strip():
            continue
        line = parse_line(raw, source, before or otherwise)
        if line.fields or line.timed:
            before = line.at
        lines.append(line)
    return lines


def parse_line(raw: str, source: Source, before: float) -> LogLine:
    """A line of a file; `before` is the time of the line above it (unix seconds)."""
    fields = _object(raw)
    if fields is None:
        return _plain_line(raw, source, before)
    if isinstance(fields.get("error"), dict) and fields.get("kind") == "control.failed":
        return LogLine(source, before, "error", _failure_text(fields["error"]), timed=False)
    at = _time(fields.get("time") or fields.get("timestamp") or fields.get("at")) or before
    if source.access:
        return LogLine(source, at, _access_level(fields), access_text(fields), fields)
    level = str(fields.get("level", "info")).lower()
    level = _ALIASES.get(level, level)
    text = str(fields.get("message") or fields.get("event") or fields.get("msg") or "")
    if "kind" in fields and fields.get("subject"):
        text = f"{fields['subject']}: {text}"
    return LogLine(source, at, level if level in LEVELS else "info", text, fields)


def _plain_line(raw: str, source: Source, before: float) -> LogLine:
    envoy = _ENVOY.match(raw)
    if envoy is None:
        at = _said_time(raw)
        return LogLine(source, at or before, _guess(raw), raw, timed=at is not None)
    at = _time(envoy["time"])
    return LogLine(source, at or before, _guess(raw), envoy["text"], timed=at is not None)


def _said_time(raw: str) -> float | None:
    """The time that a plain line tells; one without a zone is that of this machine's."""
    if found := _ISO.match(raw):
        part = (found["part"] or "0")[:6].ljust(6, "0")
        return _moment(f"{found['day']}T{found['clock']}.{part}", found["zone"])
    found = _COMMON.search(raw, 0, _HEAD)
    if found is None or found["month"] not in _MONTHS:
        return None
    month = _MONTHS.index(found["month"]) + 1
    day = f"{found['year']}-{month:02d}-{found['day']}"
    return _moment(f"{day}T{found['clock']}", found["zone"])


def _moment(local: str, zone: str | None) -> float | None:
    with suppress(ValueError, OverflowError, OSError):  # the 31st of a short month, the year 0
        at = datetime.fromisoformat(f"{local}{zone or ''}").timestamp()
        return at if 0 < at < _FAR_FUTURE else None
    return None


def _failure_text(error: Mapping[str, Any]) -> str:
    """How a control plane in the background ended, without the program's output: that is below."""
    first = str(error.get("message", "")).partition("\n")[0]
    return f"could not start: {first}"


def _object(raw: str) -> dict[str, Any] | None:
    if not raw.startswith("{"):
        return None
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):  # no JSON, or nested deeper than anybody reads
        return None
    return found if isinstance(found, dict) else None


def _time(value: object) -> float | None:
    if isinstance(value, int | float):
        return float(value) if 0 < value < _FAR_FUTURE else None
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    at = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return at if 0 < at < _FAR_FUTURE else None


def _guess(raw: str) -> str:
    if raw.startswith("Traceback"):
        return "error"
    found = _GUESS.search(raw[:60])
    if found is None:
        return "info"
    word = found[1].lower()
    return _ALIASES.get(word, word)


def _access_level(fields: Mapping[str, Any]) -> str:
    status = fields.get("status")
    return "error" if isinstance(status, int) and status >= 500 else "info"


def access_text(fields: Mapping[str, Any]) -> str:
    """A line of an Envoy's access log in words."""
    micros = fields.get("duration_us")
    took = f" in {micros / 1000:.1f}ms" if isinstance(micros, int) else ""
    peer = f" {str(fields['peer']).rpartition('/')[2]}" if fields.get("peer") else ""
    words = f"{fields.get('method')} {fields.get('path')} → {fields.get('status')}{took}"
    return f"{fields.get('direction')}{peer}: {words}"
