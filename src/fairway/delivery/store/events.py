"""The events of an environment, in the order in which they happened: log and outbox in one.

They are written in the transaction of what they tell of (`deployments.py`), so nothing is told that
did not happen, and nothing that happened goes untold. Who passes them on (`delivery.notify`) keeps
the number of the last one it delivered and asks for greater ones: at least once, whatever crashes.
Numbers grow without gaps in the order of commits, because an environment has one writer at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from fairway.delivery.announcements import Announcement
from fairway.delivery.codec import plain
from fairway.delivery.port import DeliveryEvent
from fairway.storage.database import Connection, Database, Row

_ALL = (
    "SELECT id, at, type, deployment, words, data FROM delivery_events"
    " WHERE id > ? ORDER BY id LIMIT ?"
)
_OF_ONE = (
    "SELECT id, at, type, deployment, words, data FROM delivery_events"
    " WHERE id > ? AND deployment = ? ORDER BY id LIMIT ?"
)
_APPEND = (
    "INSERT INTO delivery_events (id, at, type, deployment, words, data) VALUES (?, ?, ?, ?, ?, ?)"
)


class Events:
    """The repository."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(
        self, number: int = 0, *, deployment: str | None = None, limit: int = 100
    ) -> tuple[DeliveryEvent, ...]:
        """Events with a greater number, the oldest first, of one deployment or of all."""
        with self._database.reading() as connection:
            if deployment is None:
                rows = connection.execute(_ALL, (number, limit))
            else:
                rows = connection.execute(_OF_ONE, (number, deployment, limit))
        return tuple(map(_event, rows))

    def last(self) -> int:
        """The number of the newest event, 0 before the first."""
        with self._database.reading() as connection:
            return _last(connection)

    def tell(self, deployment: str, announcements: Iterable[Announcement], at: float) -> None:
        """Append what is told outside of a deployment's own changes: drift, an override."""
        with self._database.writing() as connection:
            append(connection, deployment, announcements, at)


def append(
    connection: Connection, deployment: str, announcements: Iterable[Announcement], at: float
) -> None:
    """Write announcements as events within the caller's transaction."""
    for number, each in enumerate(announcements, _last(connection) + 1):
        data = json.dumps(plain(each.data))
        connection.execute(_APPEND, (number, at, each.type, deployment, each.words, data))


def _event(row: Row) -> DeliveryEvent:
    number, at, kind, deployment, words, data = row
    return DeliveryEvent(number, at, kind, deployment, words, json.loads(data))


def _last(connection: Connection) -> int:
    [(number,)] = connection.execute("SELECT COALESCE(MAX(id), 0) FROM delivery_events")
    return int(number)
