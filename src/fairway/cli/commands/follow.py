"""`fairway follow`: watch a deployment to its end."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from fairway.cli.delivering.choice import to_follow
from fairway.cli.delivering.door import Door, open_door
from fairway.cli.delivering.shipping import see_through
from fairway.cli.invocation import current

app = typer.Typer(add_completion=False)


@app.command()
def follow(
    context: typer.Context,
    deployment: Annotated[
        str, typer.Argument(metavar="[ID]", help="Absent: the one under way, else the last.")
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events and numbers as JSON lines.")
    ] = False,
) -> None:
    """Follow a deployment to its end; the exit codes are those of `deploy`.

    Ctrl-C ends the following, not the deployment.
    """
    door = open_door(current(context))
    raise typer.Exit(asyncio.run(_follow(door, deployment, as_json)))


async def _follow(door: Door, named: str, as_json: bool) -> int:
    return await see_through(door, await to_follow(door.delivery, named), as_json=as_json)
