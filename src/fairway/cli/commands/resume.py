"""`fairway resume`: go on where a deployment was paused."""

from __future__ import annotations

import typer

from fairway.cli.delivering.arguments import AsJson, DeploymentId, Reason
from fairway.cli.delivering.steering import steer, telling
from fairway.cli.invocation import current

app = typer.Typer(add_completion=False)


@app.command()
def resume(
    context: typer.Context,
    deployment: DeploymentId = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Let a paused deployment go on.

    The stage that was interrupted is watched anew, a hook or a step is tried again.
    """
    act = telling("resume", reason, "resumed")
    steer(current(context), deployment, act, as_json=as_json)
