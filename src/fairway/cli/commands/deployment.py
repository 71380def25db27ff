"""`fairway deployment show`: one deployment, how it stands and what happened."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson
from fairway.cli.delivering.choice import to_follow
from fairway.cli.delivering.door import open_door
from fairway.cli.delivering.tables import deployment_lines
from fairway.cli.invocation import current
from fairway.cli.output import painter, say, say_json
from fairway.delivery.codec import plain
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Delivery, DeliveryEvent, Watching

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def deployment() -> None:
    """Look at one deployment."""


@app.command("show", epilog="Example: fairway deployment show 7f3a")
def show_deployment(
    context: typer.Context,
    named: Annotated[
        str, typer.Argument(metavar="[ID]", help="Absent: the one under way, else the last.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show one deployment: how it stands, why, and everything that happened."""
    door = open_door(current(context))
    found, watching, events = asyncio.run(_everything(door.delivery, named))
    if as_json:
        parts = {"deployment": found, "watching": watching, "events": events}
        say_json({name: plain(part) for name, part in parts.items()})
    else:
        say("\n".join(deployment_lines(found, watching, events, painter())))


async def _everything(
    delivery: Delivery, named: str
) -> tuple[Deployment, Watching | None, tuple[DeliveryEvent, ...]]:
    found = await to_follow(delivery, named)
    watching = await delivery.watching(found.id)
    return found, watching, await delivery.happened(found.id)
