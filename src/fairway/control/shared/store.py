"""What a shared control plane keeps beyond its environments: which there are, answers, artifacts.

In the server's own namespace of the database, beside its tokens and its audit log, so that several
servers on one PostgreSQL agree. Methods block, as those of every store do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable

from fairway.control.directory import EnvironmentSummary
from fairway.control.door import KEEP_SECONDS, UNDER_WAY_SECONDS, KeptAnswer
from fairway.delivery.port import Json
from fairway.storage.database import Database
from fairway.storage.migrations import migrate

_MIGRATIONS = (
    """
    CREATE TABLE environments (
        app TEXT NOT NULL,
        name TEXT NOT NULL,
        target TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (app, name)
    ) STRICT;
    CREATE TABLE answers (
        key TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        expires REAL NOT NULL,
        status INTEGER NOT NULL,
        headers TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX answers_by_end ON answers (expires);
    CREATE TABLE artifacts (
        digest TEXT NOT NULL,
        part INTEGER NOT NULL,
        content BLOB NOT NULL,
        PRIMARY KEY (digest, part)
    ) STRICT;
    """,
    """
    ALTER TABLE artifacts ADD COLUMN used REAL NOT NULL DEFAULT 0;
    """,
    """
    ALTER TABLE environments ADD COLUMN declared TEXT NOT NULL DEFAULT '{}';
    """,
)


class ServerStore:
    """The tables of the server itself."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        migrate(database, "server", _MIGRATIONS)
        self._database = database
        self._clock = clock

    def environments(self) -> tuple[EnvironmentSummary, ...]:
        """Every environment that anyone has opened."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT app, name, target FROM environments ORDER BY 1, 2")
        return tuple(EnvironmentSummary(*row) for row in rows)

    def add(self, summary: EnvironmentSummary, declared: Json) -> None:
        """Remember an environment as it is declared; again changes nothing."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO environments (app, name, target, at, declared) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (
                    summary.app,
                    summary.name,
                    summary.target,
                    self._clock(),
                    json.dumps(declared),
                ),
            )

    def declared(self, summary: EnvironmentSummary) -> Json:
        """How an environment was declared when it came to be; nothing of an unknown one."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT declared FROM environments WHERE app = ? AND name = ?",
                (summary.app, summary.name),
            )
        found: list[Json] = [json.loads(row[0]) for row in rows]
        return found[0] if found else {}

    def claim(self, key: str, fingerprint: str) -> KeptAnswer | None:
        """See `KeptAnswers`; what has expired is swept on the way."""
        now = self._clock()
        with self._database.writing() as connection:
            connection.execute("DELETE FROM answers WHERE expires <= ?", (now,))
            taken = connection.execute(
                "INSERT INTO answers (key, fingerprint, expires, status, headers, body)"
                " VALUES (?, ?, ?, 0, '[]', ?) ON CONFLICT DO NOTHING RETURNING key",
                (key, fingerprint, now + UNDER_WAY_SECONDS, b""),
            )
            if taken:
                return None
            [(known, status, headers, body)] = connection.execute(
                "SELECT fingerprint, status, headers, body FROM answers WHERE key = ?", (key,)
            )
        pairs = tuple((name, text) for name, text in json.loads(headers))
        return KeptAnswer(known, status, pairs, bytes(body))

    def keep(self, key: str, answer: KeptAnswer) -> None:
        """See `KeptAnswers`."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE answers SET expires = ?, status = ?, headers = ?, body = ? WHERE key = ?",
                (
                    self._clock() + KEEP_SECONDS,
                    answer.status,
                    json.dumps(answer.headers),
                    answer.body,
                    key,
                ),
            )

    def release(self, key: str) -> None:
        """See `KeptAnswers`."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM answers WHERE key = ?", (key,))

    def has_artifact(self, digest: str) -> bool:
        """Whether it is kept; to ask for one is to use it, see `collect_artifacts`."""
        with self._database.writing() as connection:
            touch = "UPDATE artifacts SET used = ? WHERE digest = ? AND part = 0 RETURNING digest"
            return bool(connection.execute(touch, (self._clock(), digest)))

    def keep_artifact(self, digest: str, parts: Iterable[bytes]) -> None:
        """Keep a packed artifact, all or nothing."""
        with self._database.writing() as connection:
            for number, part in enumerate(parts):
                connection.execute(
                    "INSERT INTO artifacts (digest, part, content, used) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    (digest, number, part, self._clock()),
                )

    def collect_artifacts(self, keep: Collection[str], *, unused_since: float) -> tuple[str, ...]:
        """Remove every artifact but these; returns the digests of those that are gone.

        One that was sent or asked for after `unused_since` stays: someone may be about to deploy
        it.
        """
        with self._database.writing() as connection:
            rows = connection.execute(
                "SELECT digest FROM artifacts WHERE part = 0 AND used < ? ORDER BY digest",
                (unused_since,),
            )
            gone = tuple(str(row[0]) for row in rows if row[0] not in keep)
            for digest in gone:
                connection.execute("DELETE FROM artifacts WHERE digest = ?", (digest,))
        return gone
