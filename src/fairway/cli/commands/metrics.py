"""`fairway metrics`: which metrics there are, one of them over time, or who asked whom."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer

from fairway.cli.invocation import current
from fairway.cli.output import painter, say, say_json
from fairway.cli.telling.filters import pairs_of, seconds_of, since_of, telemetry_of

app = typer.Typer(add_completion=False)
_STEPS = 40


@app.command()
def metrics(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The metric; absent: which there are.")] = "",
    traffic: Annotated[
        bool, typer.Option("--traffic", help="Requests by who asked whom instead.")
    ] = False,
    service: Annotated[str, typer.Option(help="Only of this service.")] = "",
    by: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Keep apart by this attribute.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", "-w", metavar="NAME=VALUE", help="An attribute of a point."),
    ] = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="From when on: 15m, 2h.")] = "15m",
    step: Annotated[str, typer.Option(metavar="TIME", help="One value for so long: 10s.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show which metrics there are, or one of them over time.

    `--traffic` shows all requests by who asked whom, as the receiving side counted them.
    """
    from fairway.cli.telling import metrics as text
    from fairway.telemetry.port import MetricQuery, TrafficQuery

    telemetry, now = telemetry_of(current(context)), time.time()
    begin = since_of(since, now) or now - 900.0
    if traffic:
        flows = asyncio.run(telemetry.traffic(TrafficQuery(begin, now, service or None)))
        say_json(flows) if as_json else say(text.traffic_table(flows, painter()))
        return
    if not name:
        found = asyncio.run(telemetry.metrics(service or None))
        say_json(found) if as_json else say(text.metrics_table(found, painter()))
        return
    width = seconds_of(step, "--step") or max((now - begin) / _STEPS, 1.0)
    query = MetricQuery(
        name, begin, now, width, service or None, pairs_of(where), tuple(by or ("service",))
    )
    answer = asyncio.run(telemetry.metric(query))
    say_json(answer) if as_json else say(text.metric_table(answer, painter()))
