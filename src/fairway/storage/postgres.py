"""PostgreSQL: the database of a shared environment.

Opened through `open_database`; the only module that knows the driver (with its pool). Each
environment has a schema of its own. Writers queue on an advisory lock of that schema, which gives
them what `BEGIN IMMEDIATE` gives on SQLite; `docs/decisions/0014-one-database.md` says why not
SERIALIZABLE. A connection that turns out to be lost before a transaction has begun is replaced
once; one that is lost later is `Unavailable`. The password is never part of a message.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from fairway.errors import InvalidInput, Unavailable
from fairway.storage.database import (
    Connection,
    Dialect,
    Row,
    Transactions,
    cannot_be_stored,
    constraint_violated,
)
from fairway.storage.migrations import VERSIONS_TABLE
from fairway.storage.pool import Pool, Raw

_SIZE = 8
_PATIENCE = 10.0
"""Seconds that one waits for a connection, and a writer for the others."""
_SESSION = f"""
SET lock_timeout = {int(_PATIENCE * 1000)};
SET idle_in_transaction_session_timeout = {int(_PATIENCE * 3000)};
"""
"""A process that hangs in a transaction must not stop every other writer for good."""
_DEFAULTS: dict[str, str] = {
    "application_name": "fairway",
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
"""A network that swallows packets is noticed after a minute, not after the two hours of TCP."""
_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_MARKS = re.compile(r"'(?:[^']|'')*'|\?|%")


class PostgresConnection:
    """A connection that takes our SQL, and whose errors are ours."""

    def __init__(self, raw: Raw, where: str) -> None:
        self._raw = raw
        self._where = where

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """Run one statement; the rows that it gives, if any."""
        with our_errors(self._where, committing=sql == "COMMIT"):
            cursor = self._raw.execute(with_psycopg_marks(sql), tuple(params))
            return cursor.fetchall() if cursor.description else []


class PostgresDatabase(Transactions):
    """A `Database` in one schema of a PostgreSQL."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str, namespace: str = "", *, size: int = _SIZE) -> None:
        super().__init__()
        parameters = _parsed(url)
        self.where = _shown(parameters)
        self._namespace = namespace
        self._write = f"BEGIN; SELECT pg_advisory_xact_lock({_lock_key(namespace)})".encode()
        self._pool = Pool(partial(_connected, parameters, namespace), size)
        self._settle()

    def close(self) -> None:
        """Give the connections up."""
        self._pool.close()

    @contextmanager
    def _begun(self, *, writes: bool) -> Iterator[Connection]:
        with our_errors(self.where):
            raw = self._pool.take(_PATIENCE)
        try:
            with our_errors(self.where):
                raw = self._begin(raw, self._write if writes else _READ)
            yield PostgresConnection(raw, self.where)
        finally:
            self._pool.give(raw)

    def _begin(self, raw: Raw, statement: bytes) -> Raw:
        """Nothing has been done yet, so a connection that was lost while idle is replaced."""
        try:
            raw.execute(statement)
        except psycopg.OperationalError:
            if not raw.closed:
                raise
            raw = self._pool.renewed(raw)
            raw.execute(statement)
        return raw

    def _settle(self) -> None:
        """Have the schema and its table of versions; nothing is written when both are there."""
        with self.reading() as connection:
            [(found,)] = connection.execute("SELECT to_regclass('schema_parts') IS NOT NULL")
        if not found:
            with self.writing() as connection:
                self._create(connection)

    def _create(self, connection: Connection) -> None:
        # Looked up first, because IF NOT EXISTS asks for the right to create schemas even so.
        if self._namespace and not connection.execute(
            "SELECT 1 FROM pg_namespace WHERE nspname = ?", (self._namespace,)
        ):
            connection.execute(f"CREATE SCHEMA {sql.Identifier(self._namespace).as_string()}")
        connection.execute(VERSIONS_TABLE)


@lru_cache(maxsize=1024)
def with_psycopg_marks(statement: str) -> bytes:
    """Our SQL as the driver wants it: `%s` for `?` outside of literals, `%` doubled everywhere."""

    def marked(found: re.Match[str]) -> str:
        return "%s" if found[0] == "?" else found[0].replace("%", "%%")

    return _MARKS.sub(marked, statement).encode()


@contextmanager
def our_errors(where: str, *, committing: bool = False) -> Iterator[None]:
    """The driver's errors as ours; what tells of a wrong statement is a bug and passes."""
    try:
        yield
    except psycopg.IntegrityError as error:
        raise constraint_violated(where, error) from error
    except (psycopg.DataError, UnicodeEncodeError, OverflowError) as error:
        raise cannot_be_stored(where, error) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        doubt = " (while committing: the change may have happened)" if committing else ""
        raise _unusable(where, f"{str(error).strip()}{doubt}") from error


def _connected(parameters: dict[str, Any], namespace: str) -> Raw:
    """A new session in its schema. Nothing is prepared, because another Fairway may migrate."""
    raw = psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
    raw.execute(_SESSION)
    if namespace:
        raw.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(namespace)))
    return raw


def _parsed(url: str) -> dict[str, Any]:
    try:
        return _DEFAULTS | conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # Without the cause: it quotes the URL, and with it the password.
        raise InvalidInput(
            "database-url",
            "this is not a URL of a PostgreSQL",
            remedy="write postgresql://user@host:5432/name, with %-escapes in the password",
        ) from None


def _shown(parameters: dict[str, Any]) -> str:
    given = {name: parameters.get(name) for name in ("user", "host", "port", "dbname")}
    user = f"{given['user']}@" if given["user"] else ""
    port = f":{given['port']}" if given["port"] else ""
    return f"postgresql://{user}{given['host'] or ''}{port}/{given['dbname'] or ''}"


def _lock_key(namespace: str) -> int:
    digest = hashlib.sha256(f"fairway writes to {namespace}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _unusable(where: str, what: str) -> Unavailable:
    return Unavailable(
        "database",
        f"the database cannot be used: {what}",
        where=where,
        remedy="check that PostgreSQL runs, can be reached and lets this user in; then try again",
    )
