"""`fairway reject`: refuse a deployment; it ends without having begun."""

from __future__ import annotations

import typer

from fairway.cli.delivering.arguments import AsJson, DeploymentId, Reason, needs_reason
from fairway.cli.delivering.door import Door
from fairway.cli.delivering.steering import Act, steer
from fairway.cli.invocation import current

app = typer.Typer(add_completion=False)


@app.command()
def reject(
    context: typer.Context,
    deployment: DeploymentId = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Refuse a deployment that waits for approval, with the reason.

    It ends as cancelled, before anything was changed.
    """
    why = needs_reason(reason, "whoever began it will want to know why")

    async def perform(door: Door, found: str) -> None:
        await door.delivery.reject(found, door.actor, why)

    act = Act("rejected", perform, for_approval=True)
    steer(current(context), deployment, act, as_json=as_json)
