"""`fairway login`: keep this user's token for the server of shared environments."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from fairway.cli.client import ControlClient
from fairway.cli.delivering.servers import Tokens, checked_url, in_the_clear, user_variables
from fairway.cli.output import note, painter, say, say_json
from fairway.errors import InvalidInput

app = typer.Typer(add_completion=False)


@app.command()
def login(
    url: Annotated[str, typer.Argument(help="The server: https://fairway.example.com")],
    remove: Annotated[bool, typer.Option("--remove", help="Forget the token instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Keep your token for the server of shared environments.

    It is asked for, or read from standard input, tried, and kept in a file that only you can read.
    In CI set FAIRWAY_TOKEN instead.
    """
    server = checked_url(url, "URL")
    tokens = Tokens.of_user(user_variables())
    if remove:
        found = tokens.forget(server)
        _said({"server": server, "removed": found}, "removed" if found else "none", as_json)
        return
    if in_the_clear(server):
        note(
            f"{painter(sys.stderr).yellow('warning:')} without https anyone on the way can read it"
        )
    token = _token()
    ControlClient(server, token).get("/api/v1/ping")
    tokens.keep(server, token)
    _said({"server": server, "file": str(tokens.file)}, f"kept in {tokens.file}", as_json)


def _token() -> str:
    text = getpass.getpass("token: ") if sys.stdin.isatty() else sys.stdin.read()
    if token := text.strip():
        return token
    raise InvalidInput(
        "no-token",
        "the token is empty",
        remedy="paste it, or pipe it in: fairway login URL < token.txt",
    )


def _said(report: dict[str, object], words: str, as_json: bool) -> None:
    if as_json:
        say_json(report)
    else:
        say(f"{report['server']}: {words}")
