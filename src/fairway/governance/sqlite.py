"""Policy sets in SQLite: the adapter for one machine. A write takes the database's write lock
first and then looks, so that two processes can never both believe to be the newest.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from fairway.governance.database import GovernanceDatabase
from fairway.governance.sets import (
    NO_VERSION,
    Activation,
    Draft,
    PolicySet,
    Release,
    in_use,
    missing,
    stale,
)

_LARGEST = 2**63 - 1
"""Of SQLite's integers: what is larger it does not even look for."""


class SqlitePolicyStore:
    """A `PolicyStore` in the governance database."""

    def __init__(self, database: GovernanceDatabase) -> None:
        self._database = database

    def add(self, draft: Draft, expected_latest: int) -> PolicySet:
        """Keep a new version; Conflict unless `expected_latest` is the newest ever given."""
        with self._database.writing() as connection:
            latest = _latest(connection)
            if expected_latest != latest:
                raise stale("latest", expected_latest, latest)
            values = (draft.text, draft.base, draft.by, draft.at, draft.note)
            cursor = connection.execute(
                "INSERT INTO policy_sets (text, base, by, at, note) VALUES (?, ?, ?, ?, ?)", values
            )
            return _get(connection, int(cursor.lastrowid or 0))

    def get(self, version: int) -> PolicySet:
        """One version; NotFound if there is none."""
        with self._database.reading() as connection:
            return _get(connection, version)

    def all(self) -> tuple[PolicySet, ...]:
        """Every version, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT version, text, base, by, at, note FROM policy_sets ORDER BY version"
            )
            return tuple(PolicySet(*row) for row in rows)

    def latest(self) -> int:
        """The newest number ever given, 0 when there was none."""
        with self._database.reading() as connection:
            return _latest(connection)

    def remove(self, version: int) -> None:
        """Forget a version; NotFound if there is none, Conflict if a release names it."""
        with self._database.writing() as connection:
            _get(connection, version)
            release = _one(
                connection, "SELECT min(number) FROM releases WHERE policy_set = ?", version
            )
            if release is not None:
                raise in_use(version, int(release))
            connection.execute("DELETE FROM policy_sets WHERE version = ?", (version,))

    def active(self) -> int:
        """The version that decides now, 0 before the first activation."""
        with self._database.reading() as connection:
            return _active(connection)

    def activate(self, activation: Activation) -> Release:
        """Make a version active and append the release; NotFound, or Conflict when stale."""
        with self._database.writing() as connection:
            _get(connection, activation.version)
            active = _active(connection)
            if activation.expected != active:
                raise stale("active", activation.expected, active)
            number = int(_one(connection, "SELECT count(*) FROM releases")) + 1
            release = Release(
                number, "policies", activation.version, active,
                activation.by, activation.at, activation.note,
            )  # fmt: skip
            connection.execute(
                "INSERT INTO releases (number, kind, policy_set, previous, by, at, note)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    number, release.kind, release.policy_set, release.previous,
                    release.by, release.at, release.note,
                ),
            )  # fmt: skip
            return release

    def releases(self) -> tuple[Release, ...]:
        """The history, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT number, kind, policy_set, previous, by, at, note"
                " FROM releases ORDER BY number"
            )
            return tuple(Release(*row) for row in rows)


def _get(connection: sqlite3.Connection, version: int) -> PolicySet:
    if version > _LARGEST:
        raise missing(version)
    row = connection.execute(
        "SELECT version, text, base, by, at, note FROM policy_sets WHERE version = ?", (version,)
    ).fetchone()
    if row is None:
        raise missing(version)
    return PolicySet(*row)


def _latest(connection: sqlite3.Connection) -> int:
    """AUTOINCREMENT remembers the newest number in `sqlite_sequence`, deleted rows included."""
    found = _one(connection, "SELECT seq FROM sqlite_sequence WHERE name = 'policy_sets'")
    return int(found or NO_VERSION)


def _active(connection: sqlite3.Connection) -> int:
    found = _one(connection, "SELECT policy_set FROM releases ORDER BY number DESC LIMIT 1")
    return int(found or NO_VERSION)


def _one(connection: sqlite3.Connection, query: str, *values: object) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None
