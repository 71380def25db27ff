"""Log lines for people and programs: which are asked for, and how they are shown. Pure.

`telemetry/lines.py` understands them, `log_files` reads the files, `commands/logs` prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fairway.cli.output import Painter
from fairway.targets.local.naming import version_of
from fairway.telemetry.lines import LEVELS, LogLine

_SHOWN_ELSEWHERE = frozenset(
    {"time", "level", "message", "service", "environment", "release", "replica", "logger"}
    | {"id", "at", "kind", "subject"}  # of the control plane's own events
)
_IDS = ("correlation_id", "trace_id", "span_id", "request_id", "traceparent")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are asked for. `services` empty means all."""

    services: frozenset[str] = frozenset()
    since: float | None = None
    level: str = "debug"
    correlation: str = ""
    trace: str = ""
    version: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, line: LogLine) -> bool:
        """Whether a line is asked for."""
        return (
            (not self.services or line.source.service in self.services)
            and (self.since is None or line.at >= self.since)
            and LEVELS.index(line.level) >= LEVELS.index(self.level)
            and (not self.correlation or line.correlation == self.correlation)
            and (not self.trace or trace_of(line).startswith(self.trace))
            and (not self.version or self.version == _version(line))
            and all(str(line.fields.get(name)) == value for name, value in self.fields.items())
        )


def trace_of(line: LogLine) -> str:
    """The id of the trace that a line belongs to, by whichever field says it; else empty."""
    given = line.fields.get("trace_id")
    if isinstance(given, str):
        return given
    parts = str(line.fields.get("traceparent") or "").split("-")
    return parts[1] if len(parts) > 1 else ""


def _version(line: LogLine) -> str:
    """Which version wrote a line, or (an access log) answered."""
    said = line.fields.get("release") or line.fields.get("version")
    return str(said) if said else version_of(line.source.label)


def render_line(line: LogLine, paint: Painter, names: list[str], width: int, ids: bool) -> str:
    """A line for a person: time, who, how bad, what, and the other fields."""
    when = datetime.fromtimestamp(line.at, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
    gap = " " * (width - len(line.source.label))
    who = paint.name(line.source.service, names) + line.source.label[len(line.source.service) :]
    colour = {"warning": "yellow", "error": "red", "critical": "red", "debug": "dim"}.get(
        line.level
    )
    text = paint.paint(line.text, colour) if colour else line.text
    more = paint.dim(_fields(line, ids))
    return f"{paint.dim(when)} {who}{gap} {text}{' ' if more else ''}{more}"


def _fields(line: LogLine, ids: bool) -> str:
    if line.source.access:
        return f"correlation_id={line.correlation}" if ids and line.correlation else ""
    return " ".join(
        f"{name}={value}"
        for name, value in line.fields.items()
        if name not in _SHOWN_ELSEWHERE and (ids or name not in _IDS)
    )


def as_json(line: LogLine) -> dict[str, Any]:
    """A line for a program: always with time, service, replica, level and message."""
    known = {
        "time": datetime.fromtimestamp(line.at, UTC).isoformat(),
        "service": line.source.service,
        "replica": line.source.replica,
        "level": line.level,
        "message": line.text,
    }
    return {**line.fields, **known}
