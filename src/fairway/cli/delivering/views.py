"""A deployment for those who do not look at a terminal: lines for a log, JSON for programs.

`follow` feeds them; `choose_view` takes the fitting one, which on a terminal is `live_view`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from fairway.cli.delivering.follow import View
from fairway.cli.delivering.hints import without_requests
from fairway.cli.output import Painter, is_terminal, note, painter, to_json_line
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import DeliveryEvent, VersionNumbers, Watching
from fairway.delivery.words import latency, plural, share, waits_for

_LINE_SECONDS = 5.0
"""How often the numbers are worth a line in a log."""
_BUSY_SECONDS = 15.0
"""How often what the target does is."""


class JsonView:
    """One JSON object per line on standard output: `{"event": …}` and `{"watching": …}`."""

    def __init__(self) -> None:
        self._seen: Watching | None = None

    def tell(self, event: DeliveryEvent) -> None:
        """Print the event."""
        self._print({"event": event})

    def look(self, deployment: Deployment, watching: Watching | None) -> None:
        """Print what the engine saw, once for each of its looks."""
        if watching is not None and watching != self._seen:
            self._seen = watching
            self._print({"watching": watching, "status": deployment.status})

    def settle(self) -> None:
        """Lines need no tidying."""

    def _print(self, value: object) -> None:
        sys.stdout.write(f"{to_json_line(value)}\n")
        sys.stdout.flush()


class LinesView:
    """A line per event on standard error, and every few seconds one with the numbers.

    Numbers follow each event as soon as there are newer ones; none is older than what was told.
    """

    def __init__(self, paint: Painter, clock: Callable[[], float] = time.monotonic) -> None:
        self._paint = paint
        self._clock = clock
        self._begun: float | None = None
        self._next = 0.0
        self._waits = ""
        self._hint = ""
        self._doing, self._doing_next = "", 0.0
        self._told: set[str] = set()
        self._numbers: tuple[VersionNumbers, ...] = ()
        self._told_at = 0.0

    def tell(self, event: DeliveryEvent) -> None:
        """Print when it happened, and what; a reason that several events give, once."""
        self._begun = event.at if self._begun is None else self._begun
        self._told_at, self._next = event.at, 0.0  # the next numbers show what has come of it
        if event.words not in self._told:
            self._told.add(event.words)
            note(event_line(event, event.at - self._begun, self._paint))

    def look(self, deployment: Deployment, watching: Watching | None) -> None:
        """Print what is waited for when that changes; numbers when they are new, now and then."""
        if (waits := waits_for(deployment)) != self._waits:
            self._waits = waits
            note(f"          {self._paint.yellow(waits)}")
        self._advise(without_requests(deployment, watching))
        self._busy("" if watching is None else watching.doing)
        if watching is None or watching.versions == self._numbers or self._clock() < self._next:
            return
        if watching.at < self._told_at:  # seen before what was told last: it would look undone
            return
        if not deployment.course.stages[watching.stage].watched:
            return
        self._next, self._numbers = self._clock() + _LINE_SECONDS, watching.versions
        for words in (*map(version_words, watching.versions), watching.words):
            note(self._paint.dim(f"          {words}"))

    def _advise(self, hint: str) -> None:
        """Once is enough for a log."""
        if hint and not self._hint:
            self._hint = hint
            note(f"          {self._paint.yellow(hint)}")

    def _busy(self, doing: str) -> None:
        """What takes minutes gives a sign of life, now and then."""
        if doing and doing != self._doing and self._clock() >= self._doing_next:
            self._doing, self._doing_next = doing, self._clock() + _BUSY_SECONDS
            for region in doing.split("; "):
                note(self._paint.dim(f"          {region}"))

    def settle(self) -> None:
        """Lines need no tidying."""


def event_line(event: DeliveryEvent, elapsed: float, paint: Painter) -> str:
    """An event as a line: when, and what in words."""
    return f"{paint.dim(f'{elapsed:7.1f}s')}  {told_as(event)}"


def told_as(event: DeliveryEvent) -> str:
    """Its words; of a rollback the first line, since the closing words show all the evidence."""
    words = event.words or event.type
    return words.partition("\n")[0] if event.type == "RollbackStarted" else words


def version_words(version: VersionNumbers) -> str:
    """One version's numbers as words."""
    return (
        f"{version.service} {version.version}: {version.weight} % of new requests, "
        f"{plural(version.requests, 'request')}, {share(version.errors, version.requests)} errors, "
        f"p50 {latency(version.p50)}, p95 {latency(version.p95)}"
    )


def choose_view(*, as_json: bool) -> View:
    """JSON when asked for, live for a person, lines for a pipe or CI."""
    if as_json:
        return JsonView()
    if is_terminal(sys.stderr):
        from fairway.cli.delivering.live_view import LiveView

        return LiveView()
    return LinesView(painter(sys.stderr))
