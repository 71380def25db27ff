"""`fairway diff`: what differs between two releases."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson, about_releases
from fairway.cli.delivering.door import open_door
from fairway.cli.output import coloured_diff, painter, say, say_json

app = typer.Typer(add_completion=False)


@app.command()
def diff(
    context: typer.Context,
    releases: Annotated[
        list[str], typer.Argument(metavar="[ENV] A B", help="Where, and which two releases.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show what differs between two releases: app file, sources and policies."""
    from fairway.delivery.codec import plain

    invocation, (before, after) = about_releases(context, releases, 2, 2)
    found = asyncio.run(open_door(invocation).delivery.diff(before, after))
    if as_json:
        say_json(plain(found))
    else:
        say(coloured_diff(found.lines, painter()) if found.lines else "no difference")
