"""`fairway history`: the releases of an environment."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson, EnvironmentName, about
from fairway.cli.delivering.door import Door, open_door
from fairway.cli.output import painter, say, say_json
from fairway.control.recorded import ReleaseRecord
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Delivery
from fairway.plan.release import Release

_DEEP = 100
"""How many deployments are looked through for what became of the releases."""
app = typer.Typer(add_completion=False)


@app.command()
def history(
    context: typer.Context,
    environment: EnvironmentName = "",
    limit: Annotated[int, typer.Option("--lines", "-n", min=1, max=200, help="How many.")] = 20,
    before: Annotated[
        int | None, typer.Option("--before", min=1, metavar="N", help="Only older ones than N.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the releases of an environment, the newest first; `*` marks the one in force.

    Policies that were activated alone are releases as well, and are listed among the others.
    """
    from fairway.cli.delivering.tables import history_table
    from fairway.delivery.codec import plain
    from fairway.delivery.words import outcomes

    door = open_door(about(context, environment))
    releases, deployments, current = asyncio.run(_history(door.delivery, before, limit))
    activations = _activations(door, before, limit)
    numbers = [each.number for each in releases] + [each.number for each in activations]
    if len(numbers) > limit:  # the oldest of both together wait for --before
        oldest = sorted(numbers)[-limit]
        releases = tuple(each for each in releases if each.number >= oldest)
        activations = tuple(each for each in activations if each.number >= oldest)
    if as_json:
        ended = {str(number): words for number, words in outcomes(deployments).items()}
        listed = {"releases": plain(releases), "activations": plain(activations)}
        say_json({"in_force": current, "outcomes": ended, **listed})
    elif releases or activations:
        say(history_table(releases, current, outcomes(deployments), painter(), activations))
    else:
        say("nothing was deployed here yet")


async def _history(
    delivery: Delivery, before: int | None, limit: int
) -> tuple[tuple[Release, ...], tuple[Deployment, ...], int]:
    releases = await delivery.releases(before=before, limit=limit)
    page = await delivery.deployments(limit=_DEEP)
    return releases, page.deployments, await in_force(delivery)


def _activations(door: Door, before: int | None, limit: int) -> tuple[ReleaseRecord, ...]:
    """Policies activated by hand. A server has none: there they come with deployments."""
    if door.server:
        return ()
    records = (ReleaseRecord(**each) for each in door.client.get("/api/v1/releases"))
    found = [r for r in records if r.kind == "policies" and (before is None or r.number < before)]
    return tuple(found[:limit])


async def in_force(delivery: Delivery) -> int:
    """The number of the release in force, 0 before the first."""
    page = await delivery.deployments(status="succeeded", limit=1)
    return next((each.release for each in page.deployments), 0)
