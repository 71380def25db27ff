"""`fairway console`: the console in the browser, logged in by a link that works once."""

from __future__ import annotations

from typing import Annotated

import typer

from fairway.cli.client import ControlClient
from fairway.cli.invocation import current
from fairway.cli.output import say, say_json
from fairway.cli.place import connect

app = typer.Typer(add_completion=False)


@app.command()
def console(
    context: typer.Context,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the link, open nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the link as JSON.")] = False,
) -> None:
    """Open the console in the browser.

    The link logs you in once and within ten minutes; the session ends after eight hours.
    """
    link = login_link(connect(current(context)))
    if as_json:
        say_json({"url": link})
        return
    say(link)
    if not only_print:
        typer.launch(link)


def login_link(client: ControlClient) -> str:
    """A fresh address that logs in whoever opens it first."""
    return client.url + str(client.post("/login/codes")["path"])
