"""Parts come up to date one by one, whole or not at all; a newer database is left alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from fairway.errors import Conflict
from fairway.storage.database import Database
from fairway.storage.migrations import Migration, migrate, statements

FIRST = "CREATE TABLE things (id INTEGER PRIMARY KEY, size REAL NOT NULL) STRICT;"
SECOND = """
ALTER TABLE things ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';
INSERT INTO things (id, size) VALUES (1, 0.5);
"""


def things(database: Database) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        return connection.execute("SELECT * FROM things")


def version(database: Database, part: str) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        return connection.execute("SELECT version FROM schema_parts WHERE part = ?", (part,))


def test_a_part_is_brought_up_step_by_step(database: Database) -> None:
    migrate(database, "things", (FIRST,))
    assert things(database) == []
    for _ in range(2):
        migrate(database, "things", (FIRST, SECOND))
        assert things(database) == [(1, 0.5, "red")]
    assert version(database, "things") == [(2,)]


def test_parts_have_versions_of_their_own(database: Database) -> None:
    migrate(database, "things", (FIRST, SECOND))
    migrate(database, "others", ("CREATE TABLE others (id INTEGER PRIMARY KEY) STRICT",))
    assert (version(database, "things"), version(database, "others")) == ([(2,)], [(1,)])


def test_a_migration_that_fails_changes_nothing(database: Database) -> None:
    migrate(database, "things", (FIRST,))
    with pytest.raises(Conflict):
        migrate(database, "things", (FIRST, SECOND + SECOND.splitlines()[2]))
    assert things(database) == []
    assert version(database, "things") == [(1,)]


def test_a_newer_database_is_refused_untouched(database: Database) -> None:
    migrate(database, "things", (FIRST, SECOND))
    with pytest.raises(Conflict, match="schema 2 of things; this Fairway knows 1"):
        migrate(database, "things", (FIRST,))
    assert things(database) == [(1, 0.5, "red")]
    assert version(database, "things") == [(2,)]


def test_many_processes_may_start_at_once(opening: Callable[[], Database]) -> None:
    def start(_: int) -> None:
        migrate(opening(), "things", (FIRST, SECOND))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(start, range(6)))
    assert things(opening()) == [(1, 0.5, "red")]


def test_types_have_other_names_in_postgresql() -> None:
    step = Migration(
        "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b REAL, c BLOB)"
        " STRICT, WITHOUT ROWID;"
        "INSERT INTO t VALUES ('REAL')",
        sqlite="DELETE FROM sqlite_sequence",
    )
    assert list(statements(step, "postgresql")) == [
        "CREATE TABLE t (a BIGINT PRIMARY KEY , b DOUBLE PRECISION, c BYTEA)",
        "INSERT INTO t VALUES ('REAL')",
    ]
    assert list(statements(step, "sqlite"))[-1] == "DELETE FROM sqlite_sequence"
