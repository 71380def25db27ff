"""Which listener still has to be told what: kept until it was told, across restarts and servers.

The environment's events are the log; each listener has a position in it. What comes after is taken
up as notices, one for each event and listener, which the relay claims, delivers and strikes off. It
guarantees: of one deployment a listener is told in order; a notice that was claimed by someone who
died is due again after `CLAIM_SECONDS`; what cannot be delivered is kept as a dead letter and holds
nothing up. Methods block, as those of every store do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fairway.delivery.port import DeadLetter, DeliveryEvent
from fairway.delivery.store.events import Events
from fairway.errors import NotFound
from fairway.storage.database import Connection, Database
from fairway.storage.migrations import migrate

CLAIM_SECONDS = 60.0
_BATCH = 200
_AT_ONCE = 16
_MIGRATIONS = (
    """
    CREATE TABLE listeners (
        name TEXT PRIMARY KEY,
        position INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE notices (
        listener TEXT NOT NULL,
        event INTEGER NOT NULL,
        deployment TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        due REAL NOT NULL,
        dead INTEGER NOT NULL,
        error TEXT NOT NULL,
        PRIMARY KEY (listener, event)
    ) STRICT;
    CREATE INDEX notices_by_deployment ON notices (listener, dead, deployment, event);
    """,
)
_HEADS = (
    "SELECT n.event, n.attempts FROM notices n WHERE n.listener = ? AND n.dead = 0 AND n.due <= ?"
    " AND n.event = (SELECT MIN(o.event) FROM notices o WHERE o.listener = n.listener"
    " AND o.dead = 0 AND o.deployment = n.deployment) ORDER BY n.event LIMIT ?"
)
_FORGOTTEN = (
    "DELETE FROM notices WHERE listener = ?"
    " AND event < (SELECT COALESCE(MIN(id), 0) FROM delivery_events)"
)
"""Of events so old that the environment itself has forgotten them."""
_CLAIM = "UPDATE notices SET due = ? WHERE listener = ? AND event = ?"
_STRIKE = "DELETE FROM notices WHERE listener = ? AND event = ?"
_FAIL = (
    "UPDATE notices SET attempts = attempts + 1, error = ?, due = ?, dead = ?"
    " WHERE listener = ? AND event = ?"
)
_REVIVE = (
    "UPDATE notices SET dead = 0, attempts = 0, due = 0"
    " WHERE listener = ? AND event = ? AND dead = 1"
)


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be delivered now; `attempts` were made before."""

    event: DeliveryEvent
    attempts: int


class Outbox:
    """The notices of one environment."""

    def __init__(self, database: Database, events: Events) -> None:
        migrate(database, "notify", _MIGRATIONS)
        self._database = database
        self._events = events

    def take_up(self, listener: str, wants: Callable[[str], bool]) -> None:
        """Note what happened since; a listener that is new is told only what comes from now on."""
        with self._database.reading() as connection:
            position = _position(connection, listener)
        if position is None:
            self.register(listener)
            return
        found = self._events.after(position, limit=_BATCH)
        if not found:
            return
        with self._database.writing() as connection:
            if _position(connection, listener) != position:
                return  # another server was faster
            for event in found:
                if wants(event.type):
                    _note(connection, listener, event)
            _move(connection, listener, found[-1].id)

    def register(self, listener: str, *, from_the_beginning: bool = False) -> None:
        """Make a listener known: it is told what comes from now on, or everything there is."""
        with self._database.writing() as connection:
            last = 0 if from_the_beginning else self._events.last()
            connection.execute(
                "INSERT INTO listeners (name, position) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (listener, last),
            )

    def claim(self, listener: str, now: float) -> tuple[Notice, ...]:
        """What is due, of each deployment the oldest; nobody else gets it for a while."""
        with self._database.reading() as connection:
            if not connection.execute(_HEADS, (listener, now, 1)):
                return ()
        with self._database.writing() as connection:
            connection.execute(_FORGOTTEN, (listener,))
            heads = connection.execute(_HEADS, (listener, now, _AT_ONCE))
            for number, _ in heads:
                connection.execute(_CLAIM, (now + CLAIM_SECONDS, listener, number))
        return tuple(Notice(self._event(number), attempts) for number, attempts in heads)

    def delivered(self, listener: str, event: int) -> None:
        """Strike it off."""
        with self._database.writing() as connection:
            connection.execute(_STRIKE, (listener, event))

    def failed(self, listener: str, event: int, error: str, due: float | None) -> None:
        """Try again when it is due; None makes it a dead letter."""
        with self._database.writing() as connection:
            connection.execute(_FAIL, (error, due or 0.0, int(due is None), listener, event))

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Everything that could not be delivered, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT n.listener, n.event, n.deployment, n.attempts, n.error,"
                " COALESCE(e.type, ''), COALESCE(e.words, '') FROM notices n"
                " LEFT JOIN delivery_events e ON e.id = n.event"
                " WHERE n.dead = 1 ORDER BY n.event, n.listener"
            )
        return tuple(DeadLetter(*row) for row in rows)

    def redeliver(self, listener: str = "", event: int | None = None) -> tuple[DeadLetter, ...]:
        """Begin anew with the dead letters to this listener, of this event; absent: with all.

        Returns them; NotFound when something is named and nothing is that.
        """
        found = tuple(
            each
            for each in self.dead_letters()
            if listener in ("", each.listener) and event in (None, each.event)
        )
        if not found and (listener or event is not None):
            raise NotFound(
                "no-such-dead-letter",
                "nothing like that waits to be told again",
                where=listener or str(event),
                remedy="see `fairway webhooks list`",
            )
        with self._database.writing() as connection:
            for each in found:
                connection.execute(_REVIVE, (each.listener, each.event))
        return found

    def _event(self, number: int) -> DeliveryEvent:
        [event] = self._events.after(number - 1, limit=1)
        return event


def _position(connection: Connection, listener: str) -> int | None:
    rows = connection.execute("SELECT position FROM listeners WHERE name = ?", (listener,))
    return int(rows[0][0]) if rows else None


def _note(connection: Connection, listener: str, event: DeliveryEvent) -> None:
    connection.execute(
        "INSERT INTO notices (listener, event, deployment, attempts, due, dead, error)"
        " VALUES (?, ?, ?, 0, 0, 0, '')",
        (listener, event.id, event.deployment),
    )


def _move(connection: Connection, listener: str, position: int) -> None:
    connection.execute("UPDATE listeners SET position = ? WHERE name = ?", (position, listener))
