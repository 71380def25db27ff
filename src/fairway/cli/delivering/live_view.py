"""A deployment on a terminal while it goes: what happened above, how it stands below, in place.

`choose_view` takes it for a person. `picture` is pure; `LiveView` redraws it with Rich.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fairway.cli.delivering.hints import without_requests
from fairway.cli.delivering.numbers import bar, sparkline
from fairway.cli.delivering.verdict import what_to_do
from fairway.cli.delivering.views import told_as
from fairway.cli.output import duration
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import DeliveryEvent, VersionNumbers, Watching
from fairway.delivery.words import latency, share, waits_for

_STATUS_STYLES = {
    "succeeded": "bold green",
    "rolling_back": "bold red",
    "rolled_back": "bold red",
    "failed": "bold red",
    "cancelled": "bold yellow",
    "awaiting_approval": "bold yellow",
}
_OUTCOMES = {"pass": ("✓", "green"), "fail": ("✗", "red")}
_UNDECIDED = ("…", "yellow")
_BAD_EVENTS = ("RolledBack", "Failed", "Rejected", "RollbackStarted")


class LiveView:
    """Redraws the picture in place; events stay above it."""

    def __init__(
        self, console: Console | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._clock = clock
        self._live: Live | None = None
        self._begun: float | None = None
        self._told: set[str] = set()

    def tell(self, event: DeliveryEvent) -> None:
        """Print the event above the picture; a reason that several events give, once."""
        self._begun = event.at if self._begun is None else self._begun
        if event.words in self._told:
            return
        self._told.add(event.words)
        style = "red" if event.type.endswith(_BAD_EVENTS) else ""
        when = Text(f"{event.at - self._begun:7.1f}s  ", style="dim")
        self._console.print(when + Text(told_as(event), style=style))

    def look(self, deployment: Deployment, watching: Watching | None) -> None:
        """Redraw."""
        live = self._live or self._open()
        live.update(picture(deployment, watching, self._clock()), refresh=True)

    def settle(self) -> None:
        """Remove the picture: how it ended is said in words."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _open(self) -> Live:
        self._live = Live(console=self._console, transient=True, auto_refresh=False)
        self._live.start()
        return self._live


def picture(deployment: Deployment, watching: Watching | None, now: float) -> RenderableType:
    """How a deployment stands: headline, versions, verdict, and what it waits for."""
    parts: list[RenderableType] = [Text(), _headline(deployment, now)]
    if watching is not None and watching.versions:
        parts.append(_versions(deployment, watching))
    if watching is not None and watching.doing:
        parts.append(Text(watching.doing, style="yellow"))
    if watching is not None and watching.words and not deployment.over:
        parts.append(_verdict(watching))
        parts += _remaining(watching, now)
        if hint := without_requests(deployment, watching):
            parts.append(Text(hint, style="bold yellow"))
    return Group(*parts, *_waiting(deployment))


def _headline(deployment: Deployment, now: float) -> Text:
    base = f" from r{deployment.base}" if deployment.base else ""
    kind = next(iter(deployment.plan.strategy), "rolling").replace("_", "-")
    stages = len(deployment.course.stages)
    elapsed = duration(max(0.0, (deployment.ended_at or now) - deployment.at))
    return Text.assemble(
        (f"{deployment.app} → {deployment.environment}  ", "bold"),
        (f"{deployment.cohort}", "bold cyan"),
        (f"{base}  ", "dim"),
        (
            deployment.status.replace("_", " "),
            _STATUS_STYLES.get(deployment.status, "bold yellow"),
        ),
        (f"  {kind} {min(deployment.stage + 1, stages)}/{stages}  {elapsed}", "dim"),
    )


def _versions(deployment: Deployment, watching: Watching) -> Table:
    grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name in ("service", "version", "new requests"):
        grid.add_column(name)
    for name in ("%", "requests", "per s", "errors", "p50", "p95"):
        grid.add_column(name, justify="right")
    grid.add_column("")
    for version in watching.versions:
        grid.add_row(*_cells(version, candidate=version.version == deployment.cohort))
    return grid


def _cells(version: VersionNumbers, *, candidate: bool) -> Iterator[Text]:
    colour = "cyan" if candidate else "blue"
    yield Text(version.service)
    yield Text(version.version, style=f"bold {colour}")
    yield Text(bar(version.weight), style=colour)
    yield Text(str(version.weight))
    yield Text(str(version.requests))
    yield Text(f"{version.rate:.1f}")
    yield Text(share(version.errors, version.requests), style="red" if version.errors else "green")
    yield Text(latency(version.p50))
    yield Text(latency(version.p95))
    yield Text(sparkline(version.recent), style=colour)


def _verdict(watching: Watching) -> Text:
    mark, colour = _OUTCOMES.get(watching.outcome, _UNDECIDED)
    return Text.assemble((f"{mark} ", f"bold {colour}"), (watching.words, colour))


def _remaining(watching: Watching, now: float) -> Iterator[Text]:
    if watching.deadline is None:
        return
    left = watching.deadline - now
    stage = f"stage {watching.stage + 1} of {watching.stages}: {watching.weight} %"
    more = f", watched for another {duration(left)}" if left > 0 else ""
    yield Text(f"{stage}{more}", style="dim")


def _waiting(deployment: Deployment) -> Iterator[Text]:
    words = waits_for(deployment)
    if words:
        yield Text(words, style="bold yellow")
        yield from (Text(f"  {command}", style="yellow") for command in what_to_do(deployment))
    if not deployment.over:
        yield Text("Ctrl-C stops watching; the deployment goes on", style="dim")
