"""Log lines as data: what a process wrote, who it was, when, how bad. Pure.

The receiver makes entries of the store from them, `fairway logs` filters and prints them. A line of
`fairway-runtime` (or of any program that logs JSON objects) has fields; a line of another program
is text, with a guessed level and the time of the line before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

LEVELS = ("debug", "info", "warning", "error", "critical")
_ALIASES = {"warn": "warning", "err": "error", "fatal": "critical", "trace": "debug"}
_GUESS = re.compile(r"\b(DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b", re.IGNORECASE)
_ENVOY = re.compile(r"\[(?P<time>[\d-]+ [\d:.]+)\]\[\d+\](?P<text>\[.*)", re.DOTALL)
"""A line of Envoy's own log: `[2026-11-21 04:53:01.060][19436][warning][main] …`, in UTC."""
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
    """One line. `fields` is empty for plain text."""

    source: Source
    at: float
    level: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)

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
        if line.fields:
            before = line.at
        lines.append(line)
    return lines


def parse_line(raw: str, source: Source, before: float) -> LogLine:
    """A line of a file; `before` is the time of the line above it (unix seconds)."""
    fields = _object(raw)
    if fields is None:
        return _plain_line(raw, source, before)
    if isinstance(fields.get("error"), dict) and fields.get("kind") == "control.failed":
        return LogLine(source, before, "error", _failure_text(fields["error"]))
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
        return LogLine(source, before, _guess(raw), raw)
    at = _time(envoy["time"]) or before
    return LogLine(source, at, _guess(raw), envoy["text"])


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
