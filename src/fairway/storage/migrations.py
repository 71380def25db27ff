"""How the tables of each part come to be what this Fairway expects.

A part (`governance`, `delivery`, `access`) calls `migrate` with its ordered migrations when it is
given a database. Version n of a part is reached by running the first n of them; one that shipped is
never edited. All of it is one transaction; a database that is newer than this Fairway is refused
and left untouched. Migrations are written for SQLite and translated where PostgreSQL calls a type
by another name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairway.errors import Conflict
from fairway.storage.database import Connection, Database, Dialect

VERSIONS_TABLE = (
    "CREATE TABLE IF NOT EXISTS schema_parts (part TEXT PRIMARY KEY, version INTEGER NOT NULL)"
)
"""In the common subset as it is; every engine has it before it is handed out."""

_TYPES = {"INTEGER": "BIGINT", "REAL": "DOUBLE PRECISION", "BLOB": "BYTEA", "AUTOINCREMENT": ""}
_TYPE = re.compile(rf"\b({'|'.join(_TYPES)})\b")
_TABLE_OPTIONS = re.compile(r"\)\s*(?:(?:STRICT|WITHOUT ROWID)\s*,?\s*)+$")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: statements for every engine, then those that only SQLite's own past needs."""

    common: str
    sqlite: str = ""


def migrate(database: Database, part: str, migrations: Sequence[str | Migration]) -> None:
    """Bring a part up to its newest version; Conflict when the database is newer than that."""
    steps = [Migration(step) if isinstance(step, str) else step for step in migrations]
    with database.reading() as connection:
        found = _version(connection, part)
    if found == len(steps):
        return
    with database.writing() as connection:
        found = _version(connection, part)
        if found > len(steps):
            raise _newer(database.where, part, found, len(steps))
        for step in steps[found:]:
            for statement in statements(step, database.dialect):
                connection.execute(statement)
        connection.execute(
            "INSERT INTO schema_parts (part, version) VALUES (?, ?)"
            " ON CONFLICT (part) DO UPDATE SET version = excluded.version",
            (part, len(steps)),
        )


def statements(step: Migration, dialect: Dialect) -> Iterator[str]:
    """What one migration runs on an engine, one statement at a time. Pure."""
    scripts = (step.common, step.sqlite) if dialect == "sqlite" else (step.common,)
    for script in scripts:
        for statement in filter(None, map(str.strip, script.split(";"))):
            yield statement if dialect == "sqlite" else _for_postgresql(statement)


def _for_postgresql(statement: str) -> str:
    if not statement.startswith(("CREATE TABLE", "ALTER TABLE")):
        return statement
    renamed = _TYPE.sub(lambda found: _TYPES[found[0]], statement)
    return _TABLE_OPTIONS.sub(")", renamed)


def _version(connection: Connection, part: str) -> int:
    rows = connection.execute("SELECT version FROM schema_parts WHERE part = ?", (part,))
    return int(rows[0][0]) if rows else 0


def _newer(where: str, part: str, found: int, known: int) -> Conflict:
    return Conflict(
        "newer-database",
        f"the database has schema {found} of {part}; this Fairway knows {known}",
        where=where,
        remedy="use the newer Fairway, or start with another database",
    )
