"""`fairway deployments`: what was and is being deployed."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, cast, get_args

import typer

from fairway.cli.delivering.arguments import AsJson, EnvironmentName, about
from fairway.cli.delivering.door import open_door
from fairway.cli.delivering.tables import deployments_table
from fairway.cli.output import note, painter, say, say_json
from fairway.delivery.codec import plain
from fairway.delivery.deployment import Status
from fairway.errors import InvalidInput

app = typer.Typer(add_completion=False)


@app.command()
def deployments(
    context: typer.Context,
    environment: EnvironmentName = "",
    status: Annotated[
        str, typer.Option("--status", metavar="STATUS", help="Only these: succeeded, rolled_back…")
    ] = "",
    limit: Annotated[int, typer.Option("--lines", "-n", min=1, max=100, help="How many.")] = 20,
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="Go on where the page before ended.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the deployments of an environment, the newest first."""
    wanted = status_of(status)
    door = open_door(about(context, environment))
    page = asyncio.run(door.delivery.deployments(status=wanted, cursor=cursor, limit=limit))
    if as_json:
        say_json(plain(page))
        return
    if page.deployments:
        say(deployments_table(page.deployments, time.time(), painter()))
    else:
        say("no deployment matches")
    if page.cursor is not None:
        note(f"more: fairway deployments {door.environment} --cursor {page.cursor}")


def status_of(text: str) -> Status | None:
    """A status as it may be written; raises InvalidInput for an unknown one."""
    status = text.strip().lower().replace("-", "_").replace(" ", "_")
    if not status:
        return None
    if status in get_args(Status):
        return cast(Status, status)
    raise InvalidInput(
        "invalid-status",
        f"{text!r} is not a status of a deployment",
        where="--status",
        remedy=f"choose one of: {', '.join(get_args(Status))}",
    )
