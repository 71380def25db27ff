"""`fairway abort`: end a deployment and go back."""

from __future__ import annotations

import typer

from fairway.cli.delivering.arguments import AsJson, DeploymentId, Reason
from fairway.cli.delivering.steering import steer, telling
from fairway.cli.invocation import current

app = typer.Typer(add_completion=False)


@app.command()
def abort(
    context: typer.Context,
    deployment: DeploymentId = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """End a deployment and go back to the release before it.

    What has not begun yet is cancelled.
    """
    act = telling("abort", reason, "aborted")
    steer(current(context), deployment, act, as_json=as_json)
