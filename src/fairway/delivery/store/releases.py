"""Kept releases of an environment's app: numbered in its one history, never changed.

The service keeps one before its deployment begins; the engine reads it at each step. Which one is
in force moves with the deployment that succeeds (`deployments.py`). What retention forgets keeps
its number and digest in the history.
"""

from __future__ import annotations

from fairway.delivery.codec import decode, encode
from fairway.governance import history
from fairway.governance.sets import Release as Entry
from fairway.plan.release import Release, ReleaseContent
from fairway.plan.releases import content_digest
from fairway.storage.database import Connection, Database

RETENTION = 50


class Releases:
    """The repository. Methods are atomic and safe between threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, content: ReleaseContent, *, by: str, at: float, note: str = "") -> Release:
        """A new release with the next number; NotFound when its policy set is gone."""
        draft = history.AppDraft(
            content_digest(content), encode(content), content.policy_set, by, at, note
        )
        with self._database.writing() as connection:
            entry = history.append_app_release(connection, draft)
        return _release(entry, draft.document)

    def get(self, number: int) -> Release:
        """One release; NotFound when there is none, or it was cleaned up."""
        with self._database.reading() as connection:
            return _release(*history.app_release(connection, number))

    def list(self, *, before: int | None = None, limit: int = 50) -> tuple[Release, ...]:
        """Kept releases, the newest first; `before` continues a list."""
        with self._database.reading() as connection:
            found = history.app_releases(connection, before=before, limit=limit)
        return tuple(_release(entry, document) for entry, document in found)

    def next_number(self) -> int:
        """The number that the next release would get, if nothing else is kept before."""
        with self._database.reading() as connection:
            return history.newest(connection) + 1

    def in_force(self) -> int:
        """The release that should run, 0 before the first deployment has succeeded."""
        with self._database.reading() as connection:
            return history.app_in_force(connection)

    def clean_up(self, keep: int = RETENTION) -> tuple[int, ...]:
        """Forget all but the newest; never one in force, nor of a deployment that is under way.

        Returns the numbers that were forgotten, so that their artifacts can be removed as well.
        """
        with self._database.writing() as connection:
            old = history.app_releases(connection)[keep:]
            needed = _referenced(connection)
            forgotten = [entry.number for entry, _ in old if entry.number not in needed]
            for number in forgotten:
                history.forget_app_release(connection, number)
        return tuple(sorted(forgotten))


def _referenced(connection: Connection) -> set[int]:
    rows = connection.execute("SELECT release, base FROM deployments WHERE ended = 0")
    return {history.app_in_force(connection)} | {number for row in rows for number in row}


def _release(entry: Entry, document: str) -> Release:
    content = decode(ReleaseContent, document)
    return Release(entry.number, entry.digest, content, entry.by, entry.at, entry.note)
