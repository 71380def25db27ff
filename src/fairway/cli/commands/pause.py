"""`fairway pause`: stay at the present weights."""

from __future__ import annotations

import typer

from fairway.cli.delivering.arguments import AsJson, DeploymentId, Reason
from fairway.cli.delivering.steering import steer, telling
from fairway.cli.invocation import current

app = typer.Typer(add_completion=False)


@app.command()
def pause(
    context: typer.Context,
    deployment: DeploymentId = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Hold a deployment at its present weights.

    A stage that is being judged can still fail, and is rolled back then.
    """
    act = telling("pause", reason, "paused")
    steer(current(context), deployment, act, as_json=as_json)
