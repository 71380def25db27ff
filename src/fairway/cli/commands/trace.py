"""`fairway trace`: one trace as a waterfall, with what was decided at each hop."""

from __future__ import annotations

import asyncio
import shutil
from typing import Annotated

import typer

from fairway.cli.invocation import current
from fairway.cli.output import painter, say, say_json
from fairway.cli.telling.filters import telemetry_of

app = typer.Typer(add_completion=False)


@app.command()
def trace(
    context: typer.Context,
    trace_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, or how it begins.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show one trace as a waterfall, with what was decided at each hop."""
    found = asyncio.run(telemetry_of(current(context)).trace(trace_id.lower()))
    if as_json:
        say_json(found)
        return
    from fairway.cli.telling.traces import waterfall

    width = shutil.get_terminal_size((110, 24)).columns
    say(waterfall(found, painter(), width))
    say(f"\nlogs  fairway logs --trace {found.summary.trace_id}")
