"""`fairway traces`: what requests went through, the newest last."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from fairway.cli.invocation import current
from fairway.cli.output import painter, say, say_json, to_json_line
from fairway.cli.telling.filters import (
    FOLLOW_SECONDS,
    one_of,
    pairs_of,
    seconds_of,
    since_of,
    telemetry_of,
)

if TYPE_CHECKING:
    from fairway.telemetry.port import Telemetry, TraceQuery, TraceSummary

app = typer.Typer(add_completion=False)
_OUTCOMES = ("ok", "error", "denied")


@app.command()
def traces(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="Only traces that pass this service.")] = "",
    version: Annotated[str, typer.Option("--release", help="Only this version: r8.")] = "",
    outcome: Annotated[str, typer.Option(help=f"Only {', '.join(_OUTCOMES)}.")] = "",
    slower: Annotated[str, typer.Option(metavar="TIME", help="At least so long: 200ms.")] = "",
    faster: Annotated[str, typer.Option(metavar="TIME", help="At most so long.")] = "",
    name: Annotated[str, typer.Option(help="A part of a span's name.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option("--where", "-w", metavar="NAME=VALUE", help="An attribute of a span."),
    ] = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="Only younger ones: 5m, 2h.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Only older ones.")] = "",
    run: Annotated[int, typer.Option(min=0, help="Only this run of the app; 0: all.")] = 0,
    limit: Annotated[int, typer.Option("--lines", "-n", min=1, max=500, help="How many.")] = 30,
    following: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with -f, lines.")] = False,
) -> None:
    """Show the traces of requests, the newest last.

    A trace matches when one of its spans does. `fairway trace ID` shows one of them.
    """
    from fairway.telemetry.port import TraceQuery

    now = time.time()
    query = TraceQuery(
        since=since_of(since, now),
        until=since_of(until, now, "--until"),
        service=service or None,
        version=version or None,
        outcome=one_of(outcome, _OUTCOMES, "--outcome") if outcome else None,  # type: ignore[arg-type]
        min_duration=seconds_of(slower, "--slower"),
        max_duration=seconds_of(faster, "--faster"),
        name=name,
        attributes=pairs_of(where),
        run=run or None,
        limit=limit,
    )
    telemetry = telemetry_of(current(context))
    if following:
        asyncio.run(_follow(telemetry, query, as_json))
        return
    found = asyncio.run(telemetry.traces(query))
    if as_json:
        say_json(found)
        return
    _show(found.traces, False)
    from fairway.cli.telling.traces import what_is_left

    if left := what_is_left(found):
        say(painter().dim(left))


async def _follow(telemetry: Telemetry, query: TraceQuery, as_json: bool) -> None:
    """New ones as they come; one that gets more spans later is not told again."""
    seen: set[str] = set()
    while True:
        page = await telemetry.traces(query)
        fresh = [each for each in page.traces if each.trace_id not in seen]
        seen |= {each.trace_id for each in fresh}
        if fresh:
            _show(fresh, as_json)
            # Spans of a trace come in over some seconds: look back a little.
            query = replace(query, since=max(each.started_at for each in fresh) - 10.0)
        sys.stdout.flush()
        await asyncio.sleep(FOLLOW_SECONDS)


def _show(found: tuple[TraceSummary, ...] | list[TraceSummary], as_json: bool) -> None:
    from fairway.cli.telling.traces import trace_table

    if as_json:
        for each in reversed(found):
            say(to_json_line(each))
    elif found:
        say(trace_table(found, painter()))
    else:
        say("no trace matches")
