"""How a start or a stop looks while it happens: live on a terminal, lines in a pipe, JSON.

`session` (in the foreground) and `background` (for `up -d`) feed it events; `choose` picks the
form. A view only shows: it never waits, never asks the control plane anything.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from fairway.cli.output import Painter, duration, is_terminal, note, painter, to_json_line
from fairway.control.port import Event, Level

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

_RANK: dict[Level, int] = {"debug": 0, "info": 1, "warning": 2, "error": 3}


class Progress(Protocol):
    """Shows events until `settle`; afterwards it may still be fed, as lines."""

    def show(self, event: Event) -> None:
        """Show what happened."""
        ...

    def settle(self) -> None:
        """The start or stop is over: leave the terminal tidy."""
        ...


class JsonProgress:
    """One JSON object per line on standard output, for programs (and for `up -d` itself)."""

    def show(self, event: Event) -> None:
        """Print the event, whatever its level."""
        sys.stdout.write(f"{to_json_line(event)}\n")
        sys.stdout.flush()

    def settle(self) -> None:
        """Lines need no tidying."""


class PlainProgress:
    """One line per event on standard error: seconds since the first one, who, what."""

    def __init__(self, paint: Painter, verbose: bool) -> None:
        self._paint = paint
        self._least = _RANK["debug" if verbose else "info"]
        self._first: float | None = None

    def show(self, event: Event) -> None:
        """Print the event if its level is asked for."""
        self._first = event.at if self._first is None else self._first
        if _RANK[event.level] >= self._least:
            note(event_line(event, event.at - self._first, self._paint))

    def settle(self) -> None:
        """Lines need no tidying."""


class LiveProgress:
    """A line per subject that changes in place (Rich); warnings and errors stay above it."""

    def __init__(self, paint: Painter, verbose: bool) -> None:
        self._plain = PlainProgress(paint, verbose)
        self._latest: dict[str, Event] = {}
        self._first: float | None = None
        self._live: Live | None = None
        self._settled = False

    def show(self, event: Event) -> None:
        """Update the subject's line."""
        if self._settled:
            self._plain.show(event)
            return
        from rich.text import Text

        self._first = event.at if self._first is None else self._first
        self._latest[event.subject] = event
        live = self._live or self._open()
        if _RANK[event.level] >= _RANK["warning"]:
            # As text: a style of the whole print would colour the live lines below it as well.
            live.console.print(Text(f"{event.subject} {event.message}", style="yellow"))
        live.update(self._render(event.at - self._first))

    def settle(self) -> None:
        """Remove the changing lines: what follows is said in words."""
        self._settled = True
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _open(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(stderr=True), transient=True, refresh_per_second=8)
        self._live.start()
        return self._live

    def _render(self, elapsed: float) -> Table:
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        for subject, event in self._latest.items():
            done = event.kind.endswith((".healthy", ".running", ".stopped", ".done", ".adopted"))
            mark = Text("✓", style="green") if done else Spinner("dots", style="yellow")
            grid.add_row(mark, Text(subject or "system", style="bold"), Text(event.message))
        grid.add_row("", Text(duration(elapsed), style="dim"), "")
        return grid


def choose(*, as_json: bool, verbose: bool) -> Progress:
    """The fitting view: JSON when asked for, live for a person, lines for a pipe or CI."""
    if as_json:
        return JsonProgress()
    paint = painter(sys.stderr)
    return (
        LiveProgress(paint, verbose) if is_terminal(sys.stderr) else PlainProgress(paint, verbose)
    )


def event_line(event: Event, elapsed: float, paint: Painter) -> str:
    """An event as a line: when, who, what."""
    when = paint.dim(f"{elapsed:7.1f}s")
    subject = paint.bold((event.subject or "system").ljust(12))
    colour = {"warning": paint.yellow, "error": paint.red}.get(event.level, str)
    return f"{when}  {subject} {colour(event.message)}"
