"""The governance database of an environment: one SQLite file, `governance.db`.

Opened by the control plane; holds policy sets, releases and the anchors of the audit chains. The
schema has a version (`PRAGMA user_version`) and is migrated step by step when the file is opened;
a file from a newer Fairway is refused, never rewritten. WAL, so that a reader (`fairway policy
list`) and the control plane do not wait for each other.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairway.errors import Conflict, FairwayError, Unavailable

_MIGRATIONS = (
    """
    CREATE TABLE policy_sets (
        version INTEGER PRIMARY KEY AUTOINCREMENT,
        text TEXT NOT NULL,
        base INTEGER NOT NULL,
        by TEXT NOT NULL,
        at REAL NOT NULL,
        note TEXT NOT NULL
    ) STRICT;
    CREATE TABLE releases (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('policies', 'app')),
        policy_set INTEGER NOT NULL REFERENCES policy_sets (version),
        previous INTEGER NOT NULL,
        by TEXT NOT NULL,
        at REAL NOT NULL,
        note TEXT NOT NULL
    ) STRICT;
    CREATE TABLE anchors (
        writer TEXT NOT NULL,
        seq INTEGER NOT NULL,
        hash TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (writer, seq)
    ) STRICT, WITHOUT ROWID;
    """,
)
"""Schema version n is reached by running the first n of these; never edit one that shipped."""


class GovernanceDatabase:
    """A connection for all threads of a process. Close it when done."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=10, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
        except (sqlite3.Error, OSError) as error:
            raise _unusable(path, error) from error
        try:
            self._migrate()
        except FairwayError:
            self._connection.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for reading."""
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise _unusable(self._path, error) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection in a write transaction: all of it happens, or nothing."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Give the file up."""
        with self._lock:
            self._connection.close()

    def _migrate(self) -> None:
        with self.writing() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > len(_MIGRATIONS):
                raise Conflict(
                    "newer-governance-database",
                    f"the database has schema {version}; this Fairway knows {len(_MIGRATIONS)}",
                    where=str(self._path),
                    remedy="use the newer Fairway, or move the file away to start a new history",
                )
            for script in _MIGRATIONS[version:]:
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")


def _unusable(path: Path, error: Exception) -> Unavailable:
    return Unavailable(
        "governance-database",
        f"the governance database cannot be used: {error}",
        where=str(path),
        remedy="check the disk and the file's permissions; another process may hold it",
    )
