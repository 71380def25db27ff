"""`fairway show`: one release, and what each service is in it."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from fairway.cli.commands.history import in_force
from fairway.cli.delivering.arguments import AsJson, about_releases
from fairway.cli.delivering.door import open_door
from fairway.cli.output import painter, say, say_json
from fairway.delivery.port import Delivery
from fairway.plan.release import Release

app = typer.Typer(add_completion=False)


@app.command()
def show(
    context: typer.Context,
    release: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ENV] [N]", help="Where, and which release; absent: the one in force."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one release: its services, policies and digests."""
    from fairway.cli.delivering.tables import release_lines
    from fairway.delivery.codec import plain

    invocation, numbers = about_releases(context, release or (), 0, 1)
    door = open_door(invocation)
    found, current = asyncio.run(_release(door.delivery, numbers))
    if as_json:
        say_json(plain(found) | {"in_force": found.number == current})
    else:
        say("\n".join(release_lines(found, found.number == current, painter())))


async def _release(delivery: Delivery, numbers: tuple[int, ...]) -> tuple[Release, int]:
    current = await in_force(delivery)
    return await delivery.release(numbers[0] if numbers else current), current
