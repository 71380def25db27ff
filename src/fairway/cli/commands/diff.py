"""`fairway diff`: what differs between two releases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson, about_releases
from fairway.cli.delivering.door import open_door
from fairway.cli.output import coloured_diff, painter, say, say_json
from fairway.delivery.port import ReleaseDiff

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
        return
    for line in difference_lines(found):
        say(line)
    if found.lines:
        say(coloured_diff(found.lines, painter()))


def difference_lines(found: ReleaseDiff) -> Iterator[str]:
    """Each change with its reasons; the texts of app and policies come after them."""
    for change in found.changes:
        sides = " → ".join(filter(None, (change.get("before"), change.get("after"))))
        yield f"{change['kind']} {change['subject']}  {sides}".rstrip()
        yield from (f"    {reason}" for reason in change.get("reasons", ()))
    if not (found.changes or found.lines):
        yield f"r{found.before} and r{found.after} do not differ"
