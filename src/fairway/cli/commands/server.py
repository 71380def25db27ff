"""`fairway server`: the control plane of shared environments, in the foreground."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fairway.cli.output import note, say, to_json_line
from fairway.errors import InvalidInput

if TYPE_CHECKING:
    from fairway.api.server import Tls
    from fairway.control.shared.server import SharedServer
    from fairway.targets.aws.database_password import PasswordFile

app = typer.Typer(add_completion=False)
Database = Annotated[
    str,
    typer.Option(
        "--database", envvar="FAIRWAY_DATABASE", metavar="URL",
        help="Where everything is kept: postgresql://…, or sqlite:///PATH for a single server.",
    ),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Listening:
    """Where it listens, by which names it goes, and whether browsers reach it over TLS."""

    address: tuple[str, int]
    hosts: frozenset[str]
    tls: Tls | None
    protected: bool


@app.command()
def server(
    database: Database,
    listen: Annotated[str, typer.Option(help="The address and port.")] = "127.0.0.1:8700",
    host: Annotated[
        list[str] | None,
        typer.Option(
            envvar="FAIRWAY_HOST",
            help="A name that it goes by, beside the loopback names; may be repeated.",
        ),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Its certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The key of the certificate.")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy in front of it ends TLS.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(envvar="FAIRWAY_DATA", help="A folder for its files; absent: the user's."),
    ] = None,
    first_token_secret: Annotated[
        str | None,
        typer.Option(
            envvar="FAIRWAY_FIRST_TOKEN_SECRET",
            metavar="ARN",
            help="A secret of AWS Secrets Manager that gets the first admin's token.",
        ),
    ] = None,
    database_secret: Annotated[
        str | None,
        typer.Option(
            envvar="FAIRWAY_DATABASE_SECRET",
            metavar="ARN",
            help="The secret of AWS Secrets Manager in which RDS keeps the database's password.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the control plane of shared environments.

    An environment comes to be by its first deployment. Several servers may share one PostgreSQL:
    they share the work, and a survivor goes on with what another one has begun. The first start
    issues a token for an admin; more with `fairway token issue`. In a browser the same address
    is the console, where one logs in with a token.
    """
    from fairway import wiring

    folder = data or _user_folder(os.environ)
    listening = _Listening(
        _address(listen, tls_cert is not None or behind_proxy),
        _names(listen, host or []),
        _tls(tls_cert, tls_key),
        protected=tls_cert is not None or behind_proxy,
    )
    password = _password(database_secret, folder)
    if password is not None:
        database = password.named_in(database)
    made = wiring.shared_server(database, folder, os.environ.get)
    hand_over = partial(_hand_over, folder=folder, secret=first_token_secret)
    asyncio.run(_run(_serve(made, listening, hand_over, as_json), password))


async def _run(serving: Coroutine[None, None, None], password: PasswordFile | None) -> None:
    """Serve; beside it, keep the password of the database as it is now."""
    keeping = None if password is None else asyncio.create_task(password.keep())
    try:
        await serving
    finally:
        if keeping is not None:
            keeping.cancel()


async def _serve(
    made: SharedServer, listening: _Listening, hand_over: Callable[[str], None], as_json: bool
) -> None:
    from fairway.api.offer import Offer
    from fairway.api.server import serve
    from fairway.console.site import create_site

    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    offer = Offer(
        door=made.tokens,
        trail=made.trail,
        answers=made.answers,
        clock=time.time,
        directory=made.directory,
        tokens=made.tokens,
        hosts=listening.hosts,
    )
    try:
        await made.start()
        site = create_site(offer, secure=listening.protected)
        async with serve(site, listening.address, listening.tls) as url:
            await asyncio.to_thread(made.first_token, hand_over)
            say(to_json_line({"url": url, "pid": os.getpid()}) if as_json else f"serving {url}")
            sys.stdout.flush()
            await stopping.wait()
            note("stopping; deployments under way go on with the next start")
    finally:
        await made.stop()


def _password(secret: str | None, folder: Path) -> PasswordFile | None:
    """The file with the password of the database, written for the first time; None without one."""
    if secret is None:
        return None
    from fairway.targets.aws.clients import Clients
    from fairway.targets.aws.database_password import PasswordFile
    from fairway.targets.local.layout import private_dir, write_private

    private_dir(folder)
    password = PasswordFile(Clients(), secret, folder / "database-password", write_private)
    password.refresh()
    return password


def _hand_over(token: str, folder: Path, secret: str | None) -> None:
    """Show the first admin's token once: in a secret, on a terminal, or in the user's own file."""
    from fairway.targets.local.layout import private_dir, write_private

    if secret is not None:
        from fairway.targets.aws.clients import Clients
        from fairway.targets.aws.secrets import keep_token

        keep_token(Clients(), secret, token)
        note(f"the first admin's token is in the secret {secret}")
        return
    if sys.stdout.isatty():
        say(f"the first admin's token, shown only now:\n  {token}")
        return
    private_dir(folder)
    file = folder / "first-token"
    write_private(file, f"{token}\n".encode())
    note(f"the first admin's token is in {file}; remove it once you have logged in")


def _address(listen: str, protected: bool) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise InvalidInput(
            "listen-address", f"'{listen}' is not an address with a port", where="--listen",
            remedy="write it like this: 127.0.0.1:8700 or [::1]:8700",
        )  # fmt: skip
    host = host.strip("[]")
    if not _loopback(host) and not protected:
        raise InvalidInput(
            "tls-missing",
            f"tokens would be sent to {host} in the clear",
            where="--listen",
            remedy="give --tls-cert and --tls-key, or say --behind-proxy when a proxy ends TLS",
        )
    return host, int(port)


def _names(listen: str, hosts: list[str]) -> frozenset[str]:
    from fairway.api.guard import LOOPBACK_NAMES

    if not hosts and not _loopback(listen.rpartition(":")[0].strip("[]")):
        raise InvalidInput(
            "host-missing",
            "nobody could reach it: it answers only to names that it was given",
            where="--host",
            remedy="say by which names people reach it: --host fairway.example.com",
        )
    return LOOPBACK_NAMES | {name.lower() for name in hosts}


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(certificate: Path | None, key: Path | None) -> Tls | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise InvalidInput(
            "tls-incomplete", "a certificate without its key, or a key without its certificate",
            where="--tls-cert, --tls-key", remedy="give both",
        )  # fmt: skip
    from fairway.api.server import Tls

    return Tls(certificate, key)


def _user_folder(variables: os._Environ[str]) -> Path:
    """In the user's state folder (XDG Base Directory Specification)."""
    base = Path(variables.get("XDG_STATE_HOME") or "")
    return (base if base.is_absolute() else Path.home() / ".local" / "state") / "fairway" / "server"
