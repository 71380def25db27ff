"""The governance part of an environment's database: its tables, and how they came to be.

Whoever starts an environment's control plane calls `open_governance` and hands the database to
`SqlPolicyStore`, `SqlAnchors`, `SqlAuditLog`, `Tokens` and the delivery's store: one environment
has one database, called `governance.db` where it is a file.
"""

from __future__ import annotations

from pathlib import Path

from fairway.errors import FairwayError
from fairway.storage.database import Database
from fairway.storage.migrations import Migration, migrate
from fairway.storage.opening import open_database

MIGRATIONS = (
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
    Migration(
        # A table of its own for `releases`, because an app without policies has policy set 0, which
        # the reference forbade. The counter replaces AUTOINCREMENT, which PostgreSQL does not have.
        """
        ALTER TABLE releases RENAME TO releases_before;
        CREATE TABLE releases (
            number INTEGER PRIMARY KEY,
            kind TEXT NOT NULL CHECK (kind IN ('policies', 'app')),
            policy_set INTEGER NOT NULL,
            previous INTEGER NOT NULL,
            by TEXT NOT NULL,
            at REAL NOT NULL,
            note TEXT NOT NULL,
            digest TEXT NOT NULL,
            document TEXT NOT NULL,
            base INTEGER NOT NULL
        ) STRICT;
        INSERT INTO releases
            SELECT number, kind, policy_set, previous, by, at, note, '', '', 0
            FROM releases_before;
        DROP TABLE releases_before;
        CREATE TABLE in_force (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            release INTEGER NOT NULL,
            policy_set INTEGER NOT NULL,
            previous INTEGER NOT NULL
        ) STRICT;
        INSERT INTO in_force (id, release, policy_set, previous) VALUES (1, 0, 0, 0);
        UPDATE in_force SET policy_set = newest.policy_set, previous = newest.previous
            FROM (SELECT policy_set, previous FROM releases ORDER BY number DESC LIMIT 1) newest;
        CREATE TABLE counters (name TEXT PRIMARY KEY, newest INTEGER NOT NULL) STRICT;
        INSERT INTO counters (name, newest) VALUES ('policy_sets', 0);
        CREATE TABLE audit_entries (
            writer TEXT NOT NULL,
            seq INTEGER NOT NULL,
            at REAL NOT NULL,
            line TEXT NOT NULL,
            PRIMARY KEY (writer, seq)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX audit_entries_by_time ON audit_entries (at, writer, seq);
        CREATE TABLE tokens (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            role TEXT NOT NULL,
            hash TEXT NOT NULL,
            by TEXT NOT NULL,
            at REAL NOT NULL,
            expires REAL,
            revoked REAL,
            used REAL
        ) STRICT, WITHOUT ROWID;
        """,
        sqlite="""
        UPDATE counters SET newest = seq FROM sqlite_sequence
            WHERE counters.name = 'policy_sets' AND sqlite_sequence.name = 'policy_sets';
        """,
    ),
)
"""Schema version n is reached by running the first n of these; never edit one that shipped."""


def open_governance(place: str | Path, namespace: str = "") -> Database:
    """An environment's database with the governance part up to date. Close it when done.

    Takes and raises what `open_database` does.
    """
    database = open_database(place, namespace)
    try:
        migrate(database, "governance", MIGRATIONS)
    except FairwayError:
        database.close()
        raise
    return database
