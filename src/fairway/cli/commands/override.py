"""`fairway override`: past a gate in an emergency; told to everyone."""

from __future__ import annotations

import typer

from fairway.cli.delivering.arguments import AsJson, DeploymentId, Reason, needs_reason
from fairway.cli.delivering.steering import steer, telling
from fairway.cli.invocation import current

app = typer.Typer(add_completion=False)


@app.command()
def override(
    context: typer.Context,
    deployment: DeploymentId = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Let a deployment pass the approval or the window that holds it, in an emergency.

    Needs a reason, is audited, and is told to everyone.
    """
    act = telling("override", needs_reason(reason, "an emergency needs a reason"), "overridden")
    steer(current(context), deployment, act, as_json=as_json)
