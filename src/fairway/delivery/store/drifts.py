"""Which differences between what runs and what should are known, so that each is told once.

Scheduled checks (`control.upkeep`) note what they found. Several servers may look at the same
environment: whoever is first tells, in the transaction that keeps what is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from fairway.delivery.announcements import Announcement
from fairway.delivery.store.events import append
from fairway.storage.database import Connection, Database
from fairway.targets.contract import Drift

_Key = tuple[str, str, str, str]


class Drifts:
    """The repository."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, found: Sequence[Drift], at: float) -> tuple[Drift, ...]:
        """These are all there are now; returns, and tells, those that were not there before.

        One that has gone and comes again is told again.
        """
        now = {_key(each): each for each in found}
        with self._database.reading() as connection:
            if _known(connection) == now.keys():
                return ()
        with self._database.writing() as connection:
            known = _known(connection)
            fresh = tuple(each for key, each in now.items() if key not in known)
            _replace(connection, known, set(now))
            if fresh:
                append(connection, "", (_announcement(fresh),), at)
        return fresh


def _key(drift: Drift) -> _Key:
    return drift.kind, drift.subject, drift.expected, drift.found


def _known(connection: Connection) -> set[_Key]:
    rows = connection.execute("SELECT kind, subject, expected, found FROM drift_seen")
    return {(str(row[0]), str(row[1]), str(row[2]), str(row[3])) for row in rows}


def _replace(connection: Connection, known: set[_Key], now: set[_Key]) -> None:
    for gone in known - now:
        connection.execute(
            "DELETE FROM drift_seen WHERE kind = ? AND subject = ? AND expected = ? AND found = ?",
            gone,
        )
    for fresh in sorted(now - known):
        connection.execute(
            "INSERT INTO drift_seen (kind, subject, expected, found) VALUES (?, ?, ?, ?)", fresh
        )


def _announcement(fresh: Sequence[Drift]) -> Announcement:
    first = fresh[0]
    more = f" (and {len(fresh) - 1} more)" if len(fresh) > 1 else ""
    words = f"{first.subject}: {first.found} instead of {first.expected}{more}"
    return Announcement("DriftDetected", words, {"drift": [asdict(each) for each in fresh]})
