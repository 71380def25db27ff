"""The password of the control plane's database, which RDS renews every seven days, in a file.

A task that got it as a variable would know for ever what it was at its start. PostgreSQL's library
reads a password file at each new connection, so `fairway server` keeps one up to date and names it
in the URL; connections that are open stay open.

Sources: PostgreSQL 17 documentation, 32.16 "The Password File"; Amazon RDS user guide, "Password
management with Amazon RDS and AWS Secrets Manager".
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from fairway.errors import FairwayError, Unavailable
from fairway.targets.aws.clients import Clients, telling

_PAUSE = 30.0
"""Seconds between two looks; connections that are asked for in between are refused, and retried."""
_log = logging.getLogger(__name__)


class PasswordFile:
    """A password file with what a secret of RDS says now.

    `write` replaces a file atomically by one that only its owner reads; others PostgreSQL ignores.
    """

    def __init__(
        self, clients: Clients, secret: str, file: Path, write: Callable[[Path, bytes], None]
    ) -> None:
        self._write = write
        self._clients = clients
        self._secret = secret
        self._file = file
        self._version = ""

    def named_in(self, url: str) -> str:
        """The URL of the database, with the file in which its password is."""
        sign = "&" if "?" in url else "?"
        return f"{url}{sign}passfile={quote(str(self._file), safe='')}"

    def refresh(self) -> None:
        """Write the file anew if the secret has another version. Blocks."""
        with telling("read the password of the database", where=self._secret):
            region = self._secret.split(":")[3]
            found = self._clients.of("secretsmanager", region).get_secret_value(
                SecretId=self._secret
            )
        if found["VersionId"] != self._version:
            self._write(self._file, f"*:*:*:*:{_password(found['SecretString'])}\n".encode())
            self._version = found["VersionId"]

    async def keep(self) -> None:
        """Refresh it again and again, until cancelled; what fails once is tried again."""
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                await asyncio.to_thread(self.refresh)
            except (FairwayError, OSError) as error:  # AWS is away, or the disk is full
                _log.warning("%s", error)


def _password(document: str) -> str:
    """As the file wants it: a colon and a backslash stand for themselves after a backslash."""
    try:
        password = str(json.loads(document)["password"])
    except (ValueError, KeyError, TypeError):
        raise Unavailable(  # without the cause, which may quote the secret
            "database-secret",
            "the secret of the database has no password in it",
            remedy="name the secret that RDS manages: FAIRWAY_DATABASE_SECRET",
        ) from None
    return password.replace("\\", "\\\\").replace(":", "\\:")
