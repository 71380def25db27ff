"""The tables of the delivery, made by `delivery_store.py` by the rules of `storage.migrations`.

Values with a structure are JSON text of `codec.py`; columns beside them are what is searched for.
"""

from __future__ import annotations

PART = "delivery"
MIGRATIONS = (
    """
    CREATE TABLE deployments (
        id TEXT PRIMARY KEY,
        place INTEGER NOT NULL UNIQUE,
        status TEXT NOT NULL,
        ended INTEGER NOT NULL,
        release INTEGER NOT NULL,
        base INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        token INTEGER NOT NULL,
        value TEXT NOT NULL
    ) STRICT;
    CREATE INDEX deployments_by_end ON deployments (ended, place);
    CREATE TABLE commands (
        deployment TEXT NOT NULL REFERENCES deployments (id),
        number INTEGER NOT NULL,
        command TEXT NOT NULL,
        by TEXT NOT NULL,
        role TEXT NOT NULL,
        reason TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (deployment, number)
    ) STRICT;
    CREATE TABLE delivery_events (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        type TEXT NOT NULL,
        deployment TEXT NOT NULL,
        words TEXT NOT NULL,
        data TEXT NOT NULL
    ) STRICT;
    CREATE INDEX delivery_events_by_deployment ON delivery_events (deployment, id);
    CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        token INTEGER NOT NULL,
        deployment TEXT NOT NULL,
        holder TEXT NOT NULL,
        expires_at REAL NOT NULL
    ) STRICT;
    CREATE TABLE engines (
        id TEXT PRIMARY KEY,
        at REAL NOT NULL
    ) STRICT;
    CREATE TABLE looks (
        deployment TEXT PRIMARY KEY,
        watching TEXT NOT NULL,
        evidence TEXT NOT NULL
    ) STRICT;
    CREATE TABLE hook_results (
        deployment TEXT NOT NULL,
        phase TEXT NOT NULL,
        position INTEGER NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (deployment, phase, position)
    ) STRICT;
    """,
    """
    CREATE TABLE drift_seen (
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        expected TEXT NOT NULL,
        found TEXT NOT NULL,
        PRIMARY KEY (kind, subject, expected, found)
    ) STRICT;
    """,
)
