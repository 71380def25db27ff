"""Which database: chosen by a URL or a path, the only switch between one machine and many.

`wiring` and the tests call `open_database`; nobody else names an engine.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from fairway.errors import InvalidInput
from fairway.storage.database import Database
from fairway.storage.sqlite import SqliteDatabase

_POSTGRESQL = ("postgresql://", "postgres://")
_SQLITE = "sqlite:///"
_LONGEST = 63
"""Bytes of a name in PostgreSQL; what is longer it cuts off without a word."""


def open_database(place: str | Path, namespace: str = "") -> Database:
    """The database at `postgresql://…`, `sqlite:///…` or a path. Close it when done.

    `namespace` keeps environments apart that share one PostgreSQL (see `namespace_of`); a file
    holds one environment anyway. Raises InvalidInput, Unavailable, Conflict (newer than we are).
    """
    if isinstance(place, Path):
        return SqliteDatabase(place)
    if place.startswith(_POSTGRESQL):
        # Late, because `fairway up` has no use for the driver, and would wait for its import.
        from fairway.storage.postgres import PostgresDatabase  # noqa: PLC0415

        return PostgresDatabase(place, namespace)
    if place.startswith(_SQLITE):
        return SqliteDatabase(Path(place.removeprefix(_SQLITE)))
    if "://" in place:
        raise InvalidInput(
            "database-url",
            f"no database is known for {place.partition('://')[0]}://",
            remedy="use postgresql://user@host:5432/name, sqlite:///path or a path",
        )
    return SqliteDatabase(Path(place))


def namespace_of(app: str, environment: str) -> str:
    """The PostgreSQL schema of an environment: its own among all apps that share the database."""
    name = f"fairway_{app}_{environment}"
    if len(name.encode()) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return name[: _LONGEST - 17] + "_" + digest
