"""`fairway token`: who may use a shared control plane, by its API or directly on its database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairway.cli.client import ControlClient, segment
from fairway.cli.delivering.servers import checked_url, client_of, user_variables
from fairway.cli.desk import user
from fairway.cli.output import note, painter, say, say_json, table
from fairway.errors import InvalidInput

if TYPE_CHECKING:
    from fairway.governance.tokens import Tokens

app = typer.Typer(add_completion=False, no_args_is_help=True)
_TOKENS = "/api/v1/tokens"
_UNITS = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}
Server = Annotated[
    str | None,
    typer.Option(
        "--server", envvar="FAIRWAY_SERVER", metavar="URL",
        help="The control plane; takes your token, which has to be an admin's.",
    ),
]  # fmt: skip
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database", envvar="FAIRWAY_DATABASE", metavar="URL",
        help="Its database instead: for whoever has lost every admin's token.",
    ),
]  # fmt: skip
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def token() -> None:
    """Issue, list and revoke the tokens of a shared control plane.

    A token has a role: viewer, deployer, approver or admin; each may do what the ones before may.
    """


@app.command("issue", epilog="Example: fairway token issue ci --role deployer --expires 90d")
def issue(
    name: Annotated[str, typer.Argument(help="Who or what will use it; stands in the history.")],
    role: Annotated[str, typer.Option(help="viewer, deployer, approver or admin.")],
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="Until when: 12h, 30d, 4w; absent: for good.")
    ] = "",
    server: Server = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Issue a token; it is shown only now."""
    lifetime = _seconds(expires) if expires else None
    with _desk(server, database) as desk:
        made = desk.issue(name, role, lifetime)
    if as_json:
        say_json(made)
        return
    note(f"{name} is {role}; the token is shown only now:")
    say(made["token"])


@app.command("list", epilog="Example: fairway token list")
def list_tokens(
    server: Server = None, database: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """List the valid tokens, without their texts."""
    with _desk(server, database) as desk:
        found = desk.all()
    if as_json:
        say_json(found)
        return
    rows = [
        (t["id"], t["name"], t["role"], _day(t["created_at"]), _day(t["expires_at"]),
         _day(t["last_used_at"]))
        for t in found
    ]  # fmt: skip
    say(table(("ID", "NAME", "ROLE", "ISSUED", "EXPIRES", "LAST USED"), rows, painter()))


@app.command("revoke", epilog="Example: fairway token revoke 3f9a1c0b2d4e")
def revoke(
    token: Annotated[str, typer.Argument(metavar="ID", help="The id of a token, see `list`.")],
    server: Server = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a token worthless, at once."""
    with _desk(server, database) as desk:
        desk.revoke(token)
    if as_json:
        say_json({"revoked": token})
    else:
        say(f"{token}: revoked")


@dataclass(frozen=True, slots=True)
class _OverApi:
    """Tokens, asked of a running control plane."""

    client: ControlClient

    def issue(self, name: str, role: str, lifetime: float | None) -> dict[str, Any]:
        """A new token."""
        asked = {"name": name, "role": role, "lifetime": lifetime}
        made: dict[str, Any] = self.client.post(_TOKENS, asked)
        return made

    def all(self) -> list[dict[str, Any]]:
        """The valid ones."""
        found: list[dict[str, Any]] = self.client.get(_TOKENS)
        return found

    def revoke(self, token: str) -> None:
        """End one."""
        self.client.delete(f"{_TOKENS}/{segment(token)}")


@dataclass(frozen=True, slots=True)
class _OnDatabase:
    """Tokens, where they are kept; answers look like those of the API."""

    tokens: Tokens

    def issue(self, name: str, role: str, lifetime: float | None) -> dict[str, Any]:
        """A new token; the role is checked there."""
        ends = None if lifetime is None else time.time() + lifetime
        made = self.tokens.issue(name, role, user(), ends)  # type: ignore[arg-type]
        return {"token": made.secret, "summary": {"id": made.id, "name": name, "role": role}}

    def all(self) -> list[dict[str, Any]]:
        """The valid ones."""
        now = time.time()
        return [
            {
                "id": t.id, "name": t.name, "role": t.role, "created_at": t.at,
                "expires_at": t.expires, "last_used_at": t.used,
            }
            for t in self.tokens.all()
            if t.revoked is None and (t.expires is None or t.expires > now)
        ]  # fmt: skip

    def revoke(self, token: str) -> None:
        """End one."""
        self.tokens.revoke(token)


@contextmanager
def _desk(server: str | None, database: str | None) -> Iterator[_OverApi | _OnDatabase]:
    """The way to the tokens; a database that was named wins over a server that is only set."""
    if database:
        from fairway import wiring

        tokens, opened = wiring.shared_tokens(database)
        try:
            yield _OnDatabase(tokens)
        finally:
            opened.close()
    elif server:
        yield _OverApi(client_of(checked_url(server, "--server"), user_variables()))
    else:
        raise InvalidInput(
            "no-server",
            "it is not said of which control plane",
            remedy="give --server URL (or set FAIRWAY_SERVER), or --database URL",
        )


def _seconds(text: str) -> float:
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in _UNITS or int(number) == 0:
        raise InvalidInput(
            "not-a-time", f"'{text}' is not a time", where="--expires",
            remedy="write 12h, 30d or 4w",
        )  # fmt: skip
    return int(number) * _UNITS[unit]


def _day(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d") if at else "-"
