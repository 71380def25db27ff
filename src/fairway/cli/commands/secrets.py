"""`fairway secrets`: values that services read and that stand in no file of the app."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fairway.cli.desk import ask
from fairway.cli.invocation import current
from fairway.cli.output import painter, say, say_json, table, when
from fairway.control.recorded import SecretStatus
from fairway.errors import InvalidInput

app = typer.Typer(add_completion=False, no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def secrets() -> None:
    """Set, list and rotate secrets.

    A value never appears in a log, on the screen or in a rendered file. Running services get a new
    value without a restart.
    """


@app.command("set", epilog="Example: fairway secrets set AXON_MODEL_KEY < key.txt")
def set_secret(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A secret that a service declares.")],
    as_json: AsJson = False,
) -> None:
    """Set a secret; the value comes from standard input, or is asked for.

    It is never an argument: arguments stand in the shell's history and in the process list.
    """
    value = _read_value(name)
    _report(ask(current(context), lambda records: records.set_secret(name, value)), as_json)


@app.command("list", epilog="Example: fairway secrets list --json")
def list_secrets(context: typer.Context, as_json: AsJson = False) -> None:
    """List the declared secrets, without their values."""
    found = ask(current(context), lambda records: records.secrets())
    if as_json:
        say_json(found)
        return
    if not found:
        say("no service declares a secret")
        return
    rows = [(s.name, _version(s), ", ".join(s.services), _when(s)) for s in found]
    say(table(("SECRET", "VERSION", "SERVICES", "CHANGED"), rows, painter()))


@app.command("rotate", epilog="Example: fairway secrets rotate AXON_MODEL_KEY")
def rotate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A secret with a value.")] = "",
    signing: Annotated[
        bool, typer.Option("--signing", help="The keys that sign calls, instead of a secret.")
    ] = False,
    of: Annotated[
        str, typer.Option("--of", metavar="NAME", help="With --signing: only of this identity.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Replace a secret by 256 random bits, or with `--signing` the keys that sign calls.

    For a value that somebody else issues, use `fairway secrets set`: it takes effect as fast. Old
    signing keys stay valid until everyone has the new ones.
    """
    if signing == bool(name):
        raise InvalidInput(
            "what-to-rotate",
            "name a secret, or say --signing",
            remedy="fairway secrets rotate NAME, or: fairway secrets rotate --signing",
        )
    invocation = current(context)
    if not signing:
        _report(ask(invocation, lambda records: records.rotate_secret(name)), as_json)
        return
    rotated = ask(invocation, lambda records: records.rotate_signing_keys(of or None))
    if as_json:
        say_json({"rotated": rotated})
    else:
        say(f"new signing keys for {', '.join(rotated)}")


def _read_value(name: str) -> str:
    if sys.stdin.isatty():
        value = str(typer.prompt(name, hide_input=True, confirmation_prompt=True))
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise InvalidInput(
            "empty-secret",
            f"the value of {name} is empty",
            remedy=f"give it on standard input: fairway secrets set {name} < file",
        )
    return value


def _report(status: SecretStatus, as_json: bool) -> None:
    if as_json:
        say_json(status)
    else:
        readers = ", ".join(status.services) or "services from the next deployment on"
        say(f"{status.name} is at version {status.version}, read by {readers}")


def _version(status: SecretStatus) -> str:
    return str(status.version) if status.version else "not set"


def _when(status: SecretStatus) -> str:
    return "-" if status.changed_at is None else when(status.changed_at)
