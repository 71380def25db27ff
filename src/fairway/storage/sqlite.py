"""SQLite: the database of one machine, a file beside the app.

Opened through `open_database`. One connection serves all threads of a process, one at a time; WAL
lets other processes read while one writes. `BEGIN IMMEDIATE` takes the write lock before anything
is looked at, so that no two writers both believe to have seen the newest. Every commit is synced to
the disk. The file is 0600 and its folder 0700. A file from a newer Fairway is refused, untouched.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fairway.errors import Conflict, FairwayError, Unavailable
from fairway.storage.database import (
    Connection,
    Dialect,
    Row,
    Transactions,
    cannot_be_stored,
    constraint_violated,
)
from fairway.storage.migrations import VERSIONS_TABLE

_PATIENCE = 10.0
"""Seconds that a writer waits for another process; their transactions take milliseconds."""
_FORMAT = 2
"""`PRAGMA user_version`: 0 is a new file; in format 1 it was itself the version of the only part,
`governance`; in format 2 the versions of all parts are in a table."""


class SqliteConnection:
    """A connection whose errors are ours."""

    def __init__(self, raw: sqlite3.Connection, where: str) -> None:
        self._raw = raw
        self._where = where

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """Run one statement; the rows that it gives, if any."""
        try:
            return self._raw.execute(sql, tuple(params)).fetchall()
        except sqlite3.IntegrityError as error:
            raise constraint_violated(self._where, error) from error
        except (OverflowError, UnicodeEncodeError) as error:
            raise cannot_be_stored(self._where, error) from error
        except sqlite3.Error as error:
            raise _unusable(self._where, error) from error


class SqliteDatabase(Transactions):
    """A `Database` in one file."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.where = str(path)
        self._lock = threading.RLock()  # a transaction may end in close()
        self._raw = _connected(path)
        self._connection = SqliteConnection(self._raw, self.where)
        try:
            self._settle_format()
        except FairwayError:
            self._raw.close()
            raise

    def close(self) -> None:
        """Give the file up."""
        with self._lock:
            self._raw.close()

    @contextmanager
    def _begun(self, *, writes: bool) -> Iterator[Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            self._connection.execute(f"PRAGMA query_only = {0 if writes else 1}")
            try:
                yield self._connection
            finally:
                with suppress(FairwayError):  # closed meanwhile: then nothing is left to set
                    self._connection.execute("PRAGMA query_only = 0")

    def _settle_format(self) -> None:
        if self._found_format() != _FORMAT:
            with self.writing() as connection:
                self._convert(connection, self._found_format())
        for pragma in ("journal_mode = WAL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    def _found_format(self) -> int:
        [(found,)] = self._connection.execute("PRAGMA user_version")
        if found > _FORMAT:
            raise Conflict(
                "newer-database",
                f"the database has format {found}; this Fairway knows {_FORMAT}",
                where=self.where,
                remedy="use the newer Fairway, or move the file away to start a new history",
            )
        return int(found)

    def _convert(self, connection: Connection, found: int) -> None:
        if found == _FORMAT:  # another process was faster
            return
        connection.execute(VERSIONS_TABLE)
        if found == 1:
            connection.execute("INSERT INTO schema_parts (part, version) VALUES ('governance', 1)")
        connection.execute(f"PRAGMA user_version = {_FORMAT}")


def _connected(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=True)
        return sqlite3.connect(
            path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
    except (sqlite3.Error, OSError) as error:
        raise _unusable(str(path), error) from error


def _unusable(where: str, error: Exception) -> Unavailable:
    return Unavailable(
        "database",
        f"the database cannot be used: {error}",
        where=where,
        remedy="check the disk and the file's permissions; another process may hold it",
    )
