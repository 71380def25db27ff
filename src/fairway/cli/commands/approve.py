"""`fairway approve`: agree to a deployment."""

from __future__ import annotations

import typer

from fairway.cli.delivering.arguments import AsJson, DeploymentId, Reason
from fairway.cli.delivering.door import Door
from fairway.cli.delivering.steering import Act, steer
from fairway.cli.invocation import current

app = typer.Typer(add_completion=False)


@app.command()
def approve(
    context: typer.Context,
    deployment: DeploymentId = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Agree to a deployment that waits for approval.

    Whoever began it may not; who may, and how many it takes, is in the app file.
    """

    async def perform(door: Door, found: str) -> None:
        await door.delivery.approve(found, door.actor, reason)

    act = Act("approved", perform, for_approval=True)
    steer(current(context), deployment, act, as_json=as_json)
