"""`fairway slo`: what is left of the error budgets, and how fast they burn."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from fairway.cli.invocation import current
from fairway.cli.output import painter, say, say_json
from fairway.cli.telling.filters import telemetry_of

app = typer.Typer(add_completion=False)


@app.command()
def slo(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is left of the error budgets, and how fast they burn."""
    found = asyncio.run(telemetry_of(current(context)).slos())
    if as_json:
        say_json(found)
        return
    from fairway.cli.telling.metrics import slo_table

    say(slo_table(found, painter()) if found else "the app file declares no SLO")
