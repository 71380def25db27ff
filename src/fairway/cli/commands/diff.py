"""`fairway diff`: what differs between two releases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson, about_releases
from fairway.cli.delivering.door import Door, open_door
from fairway.cli.invocation import Invocation
from fairway.cli.output import coloured_diff, note, painter, say, say_json
from fairway.cli.place import find_app_file
from fairway.delivery.port import ReleaseDiff
from fairway.errors import NotFound
from fairway.plan.release import Release

app = typer.Typer(add_completion=False)


@app.command()
def diff(
    context: typer.Context,
    releases: Annotated[
        list[str], typer.Argument(metavar="[ENV] A B", help="Where, and which two releases.")
    ],
    source: Annotated[
        bool,
        typer.Option("--source", help="The sources line by line, as far as they are kept here."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what differs between two releases: app file, sources and policies.

    With --source also the lines of the sources, from the snapshots that this machine has kept: all
    of the releases that were deployed from here and are not cleaned up yet.
    """
    from fairway.delivery.codec import plain

    invocation, (before, after) = about_releases(context, releases, 2, 2)
    door = open_door(invocation)
    found = asyncio.run(door.delivery.diff(before, after))
    sources = asyncio.run(_sources(invocation, door, before, after)) if source else ""
    if as_json:
        say_json(plain(found) | ({"source": sources} if source else {}))
        return
    for line in difference_lines(found):
        say(line)
    for text in (found.lines, sources):
        if text:
            say(coloured_diff(text, painter()))


async def _sources(invocation: Invocation, door: Door, before: int, after: int) -> str:
    """The unified diff of every service's source."""
    from fairway.cli.delivering.wish import artifact_store
    from fairway.targets.local.source_diff import Side, source_diff

    old, new = await door.delivery.release(before), await door.delivery.release(after)
    store = artifact_store(find_app_file(invocation).parent, invocation.environment)
    lines: list[str] = []
    for name in sorted(old.content.services.keys() | new.content.services.keys()):
        sides = [Side(f"{each.name}/{name}", _artifact(each, name)) for each in (old, new)]
        try:
            lines += source_diff(store, *sides)
        except NotFound as error:
            note(f"the source of {name}: {error.message}")
    return "\n".join(lines)


def _artifact(release: Release, service: str) -> str | None:
    found = release.content.services.get(service)
    return found.artifact if found else None


def difference_lines(found: ReleaseDiff) -> Iterator[str]:
    """Each change with its reasons; the texts of app and policies come after them."""
    for change in found.changes:
        sides = " → ".join(filter(None, (change.get("before"), change.get("after"))))
        yield f"{change['kind']} {change['subject']}  {sides}".rstrip()
        yield from (f"    {reason}" for reason in change.get("reasons", ()))
    if not (found.changes or found.lines):
        yield f"r{found.before} and r{found.after} do not differ"
