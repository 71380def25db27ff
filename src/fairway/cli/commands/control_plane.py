"""`fairway control-plane` (hidden): what `up -d` leaves running. Writes JSON lines to its log."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from fairway.cli.background import FAILED
from fairway.cli.failures import error_data
from fairway.cli.invocation import current
from fairway.cli.output import to_json_line
from fairway.cli.place import state_of, workspace_of
from fairway.cli.progress import JsonProgress
from fairway.cli.session import live
from fairway.errors import FairwayError

app = typer.Typer(add_completion=False)


@app.command()
def control_plane(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="As of `up`.")] = False,
) -> None:
    """Run the control plane in the background, for `up -d`."""
    from fairway import wiring

    invocation = current(context)
    try:
        workspace = workspace_of(invocation)
        control = wiring.local_control(workspace, invocation.environment, watch=watch)
        asyncio.run(live(control, state_of(invocation), JsonProgress(), lambda *_: None))
    except FairwayError as error:
        line = {"kind": FAILED, "exit_code": error.exit_code, "error": error_data(error)}
        sys.stdout.write(f"{to_json_line(line)}\n")
        raise typer.Exit(error.exit_code) from error
