"""`fairway webhooks`: what listeners could not be told, and another try."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson
from fairway.cli.delivering.door import open_door
from fairway.cli.invocation import current
from fairway.cli.output import painter, say, say_json, table
from fairway.delivery.codec import plain
from fairway.delivery.port import DeadLetter
from fairway.delivery.words import plural

app = typer.Typer(add_completion=False, no_args_is_help=True)
_HEADERS = ("EVENT", "LISTENER", "WHAT", "ATTEMPTS", "WHY NOT")


@app.callback()
def webhooks() -> None:
    """See what webhooks and other listeners could not be told, and tell it again.

    After twelve attempts, or at once when it says that it is gone, a listener is not told of an
    event any more: it is kept here.
    """


@app.command("list", epilog="Example: fairway webhooks list --env prod")
def list_undelivered(context: typer.Context, as_json: AsJson = False) -> None:
    """List the events that could not be delivered, the oldest first."""
    _report(asyncio.run(open_door(current(context)).delivery.dead_letters()), "", as_json)


@app.command("redeliver", epilog="Example: fairway webhooks redeliver 41 --env prod")
def redeliver(
    context: typer.Context,
    event: Annotated[
        int | None, typer.Argument(metavar="[EVENT]", help="Only this one; absent: all.", min=1)
    ] = None,
    listener: Annotated[
        str, typer.Option("--listener", help="Only this listener, as `list` calls it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Try again to deliver them, from the first attempt on; `list` shows what fails again."""
    door = open_door(current(context))
    found = asyncio.run(door.delivery.redeliver(door.actor, listener, event))
    _report(found, "is tried again:" if len(found) == 1 else "are tried again:", as_json)


def _report(found: tuple[DeadLetter, ...], tried: str, as_json: bool) -> None:
    if as_json:
        say_json({"dead_letters": plain(found)})
        return
    if not found:
        say("every listener was told everything")
        return
    if tried:
        say(f"{plural(len(found), 'event')} {tried}\n")
    rows = [
        (str(each.event), each.listener, each.words or each.type, str(each.attempts), each.error)
        for each in found
    ]
    say(table(_HEADERS, rows, painter()))
