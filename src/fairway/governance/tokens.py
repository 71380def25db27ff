"""API tokens of an environment: who may come in, in which role, until when.

The door of the control plane calls `check` for every request; `fairway token` issues, lists and
revokes. A token is `fwy_<id>_<secret>`, shown once when it is issued. What is kept of the secret is
its SHA-256: the secret is 256 random bits, so nobody finds it from the hash by guessing, and a slow
hash, which makes guessable passwords dearer to try, would only make every request slow. A revoked
or expired token is refused from the next request on, by every server that shares the database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from fairway.errors import InvalidInput, NotFound, Unavailable
from fairway.storage.database import Connection, Database, Row

Role = Literal["viewer", "deployer", "approver", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the least to the most; each may do what the ones before it may."""

_SECRET_BYTES = 32
_ID_BYTES = 6
_TOKEN = re.compile(r"fwy_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_USED_EVERY = 60.0
"""Seconds: the last use is known to a minute, so that not every request writes."""
_SHOWN = "id, name, role, by, at, expires, revoked, used"


class Issued(NamedTuple):
    """A new token. `secret` is the whole token; nobody can read it a second time."""

    id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a valid token stands for."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it may be shown: never its secret. Times in Unix seconds, None for never."""

    id: str
    name: str
    role: Role
    by: str
    at: float
    expires: float | None
    revoked: float | None
    used: float | None


class Tokens:
    """The tokens in an environment's database (see `open_governance`). Safe between threads."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.time,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._random = random_bytes

    def issue(self, name: str, role: Role, by: str, expires: float | None = None) -> Issued:
        """A new token for a person or a program; several may have one name.

        InvalidInput for an unknown role, an empty name, or an end that has passed.
        """
        now = self._clock()
        _check(name, role, expires, now)
        key = self._random(_ID_BYTES).hex()
        secret = base64.urlsafe_b64encode(self._random(_SECRET_BYTES)).rstrip(b"=").decode()
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO tokens (id, name, role, hash, by, at, expires)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, name, role, _hash(secret), by, now, expires),
            )
        return Issued(key, f"fwy_{key}_{secret}")

    def check(self, secret: str) -> Identity | None:
        """Whom a token stands for; None for one that is wrong, revoked or expired.

        The id finds the row and is no secret; the secret is compared in constant time.
        """
        parts = _TOKEN.fullmatch(secret)
        if parts is None:
            return None
        with self._database.reading() as connection:
            row = _find(connection, parts[1])
        if row is None or not hmac.compare_digest(row[-1], _hash(parts[2])):
            return None
        token, now = Token(*row[:-1]), self._clock()
        if token.revoked is not None or (token.expires is not None and token.expires <= now):
            return None
        if token.used is None or now - token.used >= _USED_EVERY:
            self._note_use(token.id, now)
        return Identity(token.name, token.role)

    def revoke(self, token: str) -> None:
        """Make the token with this id worthless at once; NotFound when there is no valid one."""
        with self._database.writing() as connection:
            revoked = connection.execute(
                "UPDATE tokens SET revoked = ? WHERE id = ? AND revoked IS NULL RETURNING id",
                (self._clock(), token),
            )
        if not revoked:
            raise NotFound(
                "no-such-token",
                "there is no token with this id, or it is revoked already",
                remedy="list the tokens, and give the id of one",
            )

    def all(self) -> tuple[Token, ...]:
        """Every token that was ever issued, the oldest first."""
        query = f"SELECT {_SHOWN} FROM tokens ORDER BY at, id"  # noqa: S608 - a constant
        with self._database.reading() as connection:
            return tuple(Token(*row) for row in connection.execute(query))

    def _note_use(self, token: str, now: float) -> None:
        # Who may come in must not depend on whether somebody else holds the write lock.
        with suppress(Unavailable), self._database.writing() as connection:
            connection.execute("UPDATE tokens SET used = ? WHERE id = ?", (now, token))


def includes(role: Role, needed: Role) -> bool:
    """Whether someone in a role may do what needs another one."""
    return ROLES.index(role) >= ROLES.index(needed)


def _check(name: str, role: str, expires: float | None, now: float) -> None:
    if role not in ROLES:
        raise InvalidInput(
            "unknown-role", f"there is no role '{role}'", remedy=f"use one of {', '.join(ROLES)}"
        )
    if not name.strip():
        raise InvalidInput(
            "token-name", "a token needs a name", remedy="say who or what will use it"
        )
    if expires is not None and not expires > now:
        raise InvalidInput(
            "token-expired", "the token would have expired already", remedy="give a later time"
        )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _find(connection: Connection, token: str) -> Row | None:
    query = f"SELECT {_SHOWN}, hash FROM tokens WHERE id = ?"  # noqa: S608 - a constant
    return next(iter(connection.execute(query, (token,))), None)
