"""Kept releases of an environment: numbered without gaps, never changed, forgotten in the end.

The service keeps one before its deployment begins; the engine reads it at each step. Of a release
that was cleaned up the number and the digest stay, so that no number is ever given twice.
"""

from __future__ import annotations

import hashlib
import json

from fairway.delivery.codec import decode, encode, plain
from fairway.errors import NotFound
from fairway.plan.release import Release, ReleaseContent
from fairway.storage.database import Connection, Database

RETENTION = 50


class Releases:
    """The repository. Methods are atomic and safe between threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, content: ReleaseContent, *, by: str, at: float, note: str = "") -> Release:
        """A new release with the next number, also when the same content has one already."""
        with self._database.writing() as connection:
            number = int(_one(connection, "SELECT COALESCE(MAX(number), 0) FROM kept_releases")) + 1
            release = Release(number, content_digest(content), content, by, at, note)
            connection.execute(
                "INSERT INTO kept_releases (number, digest, value) VALUES (?, ?, ?)",
                (number, release.digest, encode(release)),
            )
        return release

    def get(self, number: int) -> Release:
        """One release; NotFound when there is none, or it was cleaned up."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT value FROM kept_releases WHERE number = ?", (number,))
        if not rows:
            raise _missing(number, "there is no such release")
        if rows[0][0] is None:
            raise _missing(number, "it was cleaned up")
        return decode(Release, rows[0][0])

    def list(self, *, before: int | None = None, limit: int = 50) -> tuple[Release, ...]:
        """Kept releases, the newest first; `before` continues a list."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT value FROM kept_releases WHERE value IS NOT NULL AND number < ?"
                " ORDER BY number DESC LIMIT ?",
                (before if before is not None else 2**62, limit),
            )
        return tuple(decode(Release, row[0]) for row in rows)

    def in_force(self) -> int:
        """The release of the last deployment that succeeded, 0 before the first."""
        with self._database.reading() as connection:
            return _in_force(connection)

    def clean_up(self, keep: int = RETENTION) -> tuple[int, ...]:
        """Forget all but the newest; never one in force, nor of a deployment that is under way.

        Returns the numbers that were forgotten, so that their artifacts can be removed as well.
        """
        with self._database.writing() as connection:
            rows = connection.execute(
                "SELECT number FROM kept_releases WHERE value IS NOT NULL ORDER BY number DESC"
            )
            needed = _referenced(connection)
            old = [row[0] for row in rows[keep:] if row[0] not in needed]
            for number in old:
                connection.execute(
                    "UPDATE kept_releases SET value = NULL WHERE number = ?", (number,)
                )
        return tuple(sorted(old))


def content_digest(content: ReleaseContent) -> str:
    """The address of a content: the same for the same app, artifacts and policies."""
    text = json.dumps(plain(content), sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _referenced(connection: Connection) -> set[int]:
    rows = connection.execute("SELECT release, base FROM deployments WHERE ended = 0")
    return {_in_force(connection)} | {number for row in rows for number in row}


def _in_force(connection: Connection) -> int:
    rows = connection.execute(
        "SELECT release FROM deployments WHERE status = 'succeeded' ORDER BY place DESC LIMIT 1"
    )
    return int(rows[0][0]) if rows else 0


def _one(connection: Connection, statement: str) -> int:
    [(value,)] = connection.execute(statement)
    return int(value)


def _missing(number: int, why: str) -> NotFound:
    return NotFound(
        "unknown-release",
        f"release {number} is not kept: {why}",
        where=f"release {number}",
        remedy="see `fairway history` for those that are",
    )
