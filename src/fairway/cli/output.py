"""What commands print with: JSON, plain tables, and colour only where it is wanted.

Every command uses it. Colour needs a terminal and no `NO_COLOR` (https://no-color.org); a pipe
gets the same words without escape codes. Rich is imported only for live progress (`progress`).
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

_CODES = {
    "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36",
    "bold": "1", "dim": "2",
}  # fmt: skip
_CYCLE = ("cyan", "magenta", "green", "yellow", "blue")
_STATE_COLOURS = {
    "healthy": "green",
    "running": "green",
    "done": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "degraded": "yellow",
    "backoff": "yellow",
    "failed": "red",
    "stopped": "dim",
    "succeeded": "green",
    "applying": "yellow",
    "shifting": "yellow",
    "verifying": "yellow",
    "awaiting approval": "yellow",
    "rolling back": "red",
    "rolled back": "red",
    "cancelled": "yellow",
}


def inert(text: str) -> str:
    """What a program has sent, as one line without anything that a terminal would obey."""
    line = " ".join(text.splitlines())
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line)


@dataclasses.dataclass(frozen=True, slots=True)
class Painter:
    """Wraps text in colour, or leaves it alone."""

    colourful: bool

    def paint(self, text: str, colour: str) -> str:
        """Text in one of the named colours."""
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self.colourful and text else text

    def red(self, text: str) -> str:
        """Something is wrong."""
        return self.paint(text, "red")

    def green(self, text: str) -> str:
        """Something is well."""
        return self.paint(text, "green")

    def yellow(self, text: str) -> str:
        """Something is not well yet."""
        return self.paint(text, "yellow")

    def bold(self, text: str) -> str:
        """What the eye should find first."""
        return self.paint(text, "bold")

    def dim(self, text: str) -> str:
        """What the eye may skip."""
        return self.paint(text, "dim")

    def state(self, state: str) -> str:
        """A state of a service, a replica or the system."""
        return self.paint(state, _STATE_COLOURS.get(state, "bold"))

    def name(self, name: str, names: Sequence[str]) -> str:
        """A name in a colour of its own, the same in every run: by its place among `names`."""
        place = sorted(names).index(name) if name in names else 0
        return self.paint(name, _CYCLE[place % len(_CYCLE)])


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at the stream; `CI` means that nobody does."""
    return stream.isatty() and not os.environ.get("CI")


def painter(stream: TextIO | None = None) -> Painter:
    """A painter for a stream (standard output): colour on a terminal without `NO_COLOR`."""
    target = stream or sys.stdout
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Painter(wanted and (target.isatty() or bool(os.environ.get("FORCE_COLOR"))))


def say(text: str = "") -> None:
    """A line on standard output."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """A line on standard error: progress and hints, which a pipe should not swallow as data."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def say_json(value: Any) -> None:
    """A value as indented JSON on standard output; dataclasses become objects."""
    say(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def to_json_line(value: Any) -> str:
    """A value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    paint: Painter,
    *,
    state: int | None = None,
) -> str:
    """Columns as wide as their longest cell; the column `state` (by index) is coloured."""
    widths = [max(len(row[i]) for row in [headers, *rows]) for i in range(len(headers))]

    def line(cells: Sequence[str], header: bool) -> str:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        if header:
            return paint.dim("  ".join(padded).rstrip())
        if state is not None:
            gap = " " * (widths[state] - len(cells[state]))
            padded[state] = paint.state(cells[state]) + gap
        return "  ".join(padded).rstrip()

    return "\n".join([line(headers, True), *(line(row, False) for row in rows)])


def duration(seconds: float) -> str:
    """A time span as people say it: `850ms`, `12s`, `3m 20s`, `2h 05m`, `4d 3h`."""
    whole = int(seconds)
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600}h"


def when(at: float) -> str:
    """A time for people: local, to the second."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def coloured_diff(text: str, paint: Painter) -> str:
    """A unified diff with its plus and minus lines in colour."""
    return "\n".join(_diff_line(line, paint) for line in text.splitlines())


def _diff_line(line: str, paint: Painter) -> str:
    if line.startswith(("+++", "---")):
        return paint.bold(line)
    if line.startswith("+"):
        return paint.green(line)
    if line.startswith("-"):
        return paint.red(line)
    return paint.dim(line) if line.startswith("@@") else line
