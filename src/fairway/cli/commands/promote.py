"""`fairway promote`: on to the next stage without waiting for a verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson, DeploymentId, Reason
from fairway.cli.delivering.steering import steer, telling
from fairway.cli.invocation import current

app = typer.Typer(add_completion=False)


@app.command()
def promote(
    context: typer.Context,
    deployment: DeploymentId = "",
    fully: Annotated[
        bool, typer.Option("--fully", help="All traffic at once, not only the next stage.")
    ] = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Go on to the next stage without waiting for a verdict.

    Also ends a pause, and passes a hook that failed.
    """
    act = telling("promote_fully" if fully else "promote", reason, "promoted")
    steer(current(context), deployment, act, as_json=as_json)
