"""`fairway logs`: what the services said, in their files and by OTLP, also when nothing runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from itertools import chain
from typing import Annotated

import typer

from fairway.cli.invocation import current
from fairway.cli.log_files import Logs, log_files
from fairway.cli.log_lines import Wanted, as_json, render_line
from fairway.cli.log_times import with_read_times
from fairway.cli.output import painter, say, to_json_line
from fairway.cli.place import state_of
from fairway.cli.sent_logs import SentLogs
from fairway.cli.telling.filters import pairs_of, since_of, telemetry_of
from fairway.errors import InvalidInput, NotFound
from fairway.model.names import did_you_mean
from fairway.targets.local.layout import StateDir
from fairway.telemetry.lines import LEVELS, LogLine, source_of

app = typer.Typer(add_completion=False)


@app.command()
def logs(
    context: typer.Context,
    services: Annotated[
        list[str] | None, typer.Argument(help="Only these services; also `gateway`, `control`.")
    ] = None,
    following: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on showing what is added.")
    ] = False,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Only younger lines: 5m, 2h, 2026-11-21T08:00.")
    ] = "",
    level: Annotated[str, typer.Option(help=f"At least this bad: {', '.join(LEVELS)}.")] = "debug",
    correlation: Annotated[
        str, typer.Option(metavar="ID", help="Only this request, with the Envoys it passed.")
    ] = "",
    trace: Annotated[
        str, typer.Option(metavar="ID", help="Only this trace, with the Envoys it passed.")
    ] = "",
    version: Annotated[str, typer.Option("--release", help="Only this version: r8.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option("--where", "-w", metavar="NAME=VALUE", help="A field of the line."),
    ] = None,
    access: Annotated[
        bool, typer.Option("--access", help="With the access logs of the Envoys.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many old lines.")] = 200,
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Show what the services said, in their output and by OTLP.

    Lines of all replicas are merged by time. `--correlation` and `--trace` follow one request
    through every Envoy and service.
    """
    invocation = current(context)
    state = state_of(invocation)
    access = access or bool(correlation or trace)
    _check_names(state, services or [])
    wanted = Wanted(
        frozenset(services or ()), since_of(since, time.time()), _level(level), correlation,
        trace.lower(), version, pairs_of(where),
    )  # fmt: skip
    printer = _Printer(state, json_lines, bool(invocation.verbose), following)
    found, sent = Logs(state, access), SentLogs(lambda: telemetry_of(invocation), wanted)
    history = with_read_times(found.history(), lambda: telemetry_of(invocation))
    before = chain(filter(wanted, history), filter(wanted, sent.history(lines)))
    printer.show(sorted(before, key=lambda line: line.at)[-lines:])
    if following:
        printer.show(filter(wanted, found.follow(sent.fresh)))


class _Printer:
    def __init__(self, state: StateDir, json_lines: bool, ids: bool, following: bool) -> None:
        sources = [source_of(path.name) for path in log_files(state, access=True)]
        self._names = sorted({source.service for source in sources})
        self._width = max((len(source.label) for source in sources), default=8)
        self._json = json_lines
        self._ids = ids
        self._following = following
        self._paint = painter()

    def show(self, lines: Iterable[LogLine]) -> None:
        for line in lines:
            if self._json:
                say(to_json_line(as_json(line)))
            else:
                say(render_line(line, self._paint, self._names, self._width, self._ids))
            if self._following:
                sys.stdout.flush()


def _level(text: str) -> str:
    if text in LEVELS:
        return text
    raise InvalidInput(
        "invalid-level",
        f"{text!r} is not a level",
        where="--level",
        remedy=f"choose one of {', '.join(LEVELS)}",
    )


def _check_names(state: StateDir, services: list[str]) -> None:
    known = sorted({source_of(path.name).service for path in log_files(state, access=True)})
    for name in services:
        if name not in known:
            raise NotFound(
                "no-logs",
                f"there are no logs of {name!r}",
                where=str(state.logs),
                remedy=did_you_mean(name, known, "see `fairway status`")
                if known
                else "start with `fairway up`",
            )
