"""Deployments of an environment, each with the commands that people gave it.

The service opens them and writes commands, the engine saves each new value. A save is fenced twice,
by its revision and by the token of the lease, and its events are written in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fairway.delivery.announcements import Announcement
from fairway.delivery.codec import decode_deployment, encode
from fairway.delivery.deployment import Command, Deployment, Status
from fairway.delivery.port import Page, WhenBusy
from fairway.delivery.refusals import busy
from fairway.delivery.store.events import append
from fairway.delivery.store.leases import refused
from fairway.errors import Conflict, InvalidInput, NotFound
from fairway.governance.history import app_in_force, put_in_force
from fairway.storage.database import Connection, Database, Row
from fairway.targets.contract import Fence

OrderKind = Command | Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A deployment as it is kept: `revision` counts its values, 0 is the first."""

    deployment: Deployment
    revision: int


@dataclass(frozen=True, slots=True)
class Order:
    """What someone asked of a deployment; `number` counts those of a deployment from 1."""

    command: OrderKind
    by: str
    role: str
    reason: str
    at: float
    number: int = 0


_BY_ID = "SELECT value, revision, token FROM deployments WHERE id = ?"
_BY_PREFIX = "SELECT value, revision, token FROM deployments WHERE substr(id, 1, ?) = ? LIMIT 2"


class Deployments:
    """The repository. Methods are atomic and safe between threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(
        self,
        deployment: Deployment,
        announcements: Sequence[Announcement] = (),
        *,
        when_busy: WhenBusy = "refuse",
    ) -> None:
        """Keep a new one as the last in line.

        While others are not over: Conflict (refuse), wait for them (queue), or abort them and wait
        for their rollback (supersede).
        """
        with self._database.writing() as connection:
            under_way = _unfinished(connection)
            if under_way and when_busy == "refuse":
                raise busy(under_way[0])
            if when_busy == "supersede":
                _abort(connection, under_way, deployment)
            _insert(connection, deployment)
            append(connection, deployment.id, announcements, deployment.at)

    def save(
        self,
        kept: Kept,
        announcements: Sequence[Announcement],
        *,
        fence: Fence,
        at: float,
    ) -> None:
        """Replace revision n by n + 1 and tell of it. The same again is fine, anything else stale.

        Raises Conflict for a stale revision or a stale fence.
        """
        deployment = kept.deployment
        with self._database.writing() as connection:
            row = _found(connection, deployment.id)
            revision, token = int(row[1]), int(row[2])
            if fence.token < token or refused(connection, deployment.id, fence.token):
                raise _stale(deployment.id, f"lease {fence.token} is no longer in force")
            if revision == kept.revision and decode_deployment(row[0]) == deployment:
                return
            if revision + 1 != kept.revision:
                raise _stale(deployment.id, f"revision {kept.revision} does not follow {revision}")
            _update(connection, kept, fence)
            if deployment.status == "succeeded":
                put_in_force(connection, deployment.release, app_in_force(connection))
            append(connection, deployment.id, announcements, at)

    def get(self, name: str) -> Deployment:
        """One deployment; a unique prefix of its id will do. NotFound, InvalidInput."""
        return self.kept(name).deployment

    def kept(self, name: str) -> Kept:
        """The same, with its revision."""
        with self._database.reading() as connection:
            row = _found(connection, name)
        return Kept(decode_deployment(row[0]), int(row[1]))

    def list(
        self, *, status: Status | None = None, cursor: str | None = None, limit: int = 20
    ) -> Page:
        """Deployments, the newest first; `cursor` is that of the page before."""
        before = _position(cursor)
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT value, place FROM deployments WHERE place < ? AND (status = ? OR ? = '')"
                " ORDER BY place DESC LIMIT ?",
                (before, status or "", status or "", limit + 1),
            )
        more = str(rows[limit - 1][1]) if len(rows) > limit else None
        return Page(tuple(decode_deployment(row[0]) for row in rows[:limit]), more)

    def unfinished(self) -> tuple[str, ...]:
        """The ids of those that are not over, the oldest first."""
        with self._database.reading() as connection:
            return tuple(_unfinished(connection))

    def give(self, deployment: str, order: Order) -> int:
        """Leave an order in a deployment's inbox; the number that it got."""
        with self._database.writing() as connection:
            _found(connection, deployment)
            return _give(connection, deployment, order)

    def given(self, deployment: str, after: int = 0) -> tuple[Order, ...]:
        """The orders with a greater number, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT command, by, role, reason, at, number FROM commands"
                " WHERE deployment = ? AND number > ? ORDER BY number",
                (deployment, after),
            )
        return tuple(Order(*row) for row in rows)


def _insert(connection: Connection, deployment: Deployment) -> None:
    [(place,)] = connection.execute("SELECT COALESCE(MAX(place), 0) + 1 FROM deployments")
    connection.execute(
        "INSERT INTO deployments"
        " (id, place, status, ended, release, base, revision, token, value)"
        " VALUES (?, ?, ?, 0, ?, ?, 0, 0, ?)",
        (deployment.id, place, deployment.status, deployment.release, deployment.base,
         encode(deployment)),
    )  # fmt: skip


def _update(connection: Connection, kept: Kept, fence: Fence) -> None:
    new = kept.deployment
    connection.execute(
        "UPDATE deployments SET status = ?, ended = ?, base = ?, revision = ?, token = ?, value = ?"
        " WHERE id = ?",
        (new.status, int(new.over), new.base, kept.revision, fence.token, encode(new), new.id),
    )


def _found(connection: Connection, name: str) -> Row:
    """(value, revision, token) of the one deployment with this id, or prefix of it."""
    rows = connection.execute(_BY_ID, (name,))
    if not rows and name:
        rows = connection.execute(_BY_PREFIX, (len(name), name))
    if not rows:
        raise NotFound(
            "unknown-deployment",
            f"there is no deployment {name}",
            where=name,
            remedy="see `fairway history` for those that there are",
        )
    if len(rows) > 1:
        raise InvalidInput(
            "ambiguous-deployment",
            f"several deployments begin with {name}",
            where=name,
            remedy="give more of its id",
        )
    return rows[0]


def _unfinished(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT id FROM deployments WHERE ended = 0 ORDER BY place")
    return [str(row[0]) for row in rows]


def _abort(connection: Connection, deployments: Sequence[str], newer: Deployment) -> None:
    why = f"superseded by {newer.id}"
    for each in deployments:
        _give(connection, each, Order("abort", newer.by, "deployer", why, newer.at))


def _give(connection: Connection, deployment: str, order: Order) -> int:
    [(last,)] = connection.execute(
        "SELECT COALESCE(MAX(number), 0) FROM commands WHERE deployment = ?", (deployment,)
    )
    connection.execute(
        "INSERT INTO commands (deployment, number, command, by, role, reason, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (deployment, last + 1, order.command, order.by, order.role, order.reason, order.at),
    )
    return int(last) + 1


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 2**62
    if not (cursor.isascii() and cursor.isdigit()):
        raise InvalidInput(
            "cursor",
            f"{cursor!r} is no cursor of a list of deployments",
            remedy="use that of the page before, or none",
        )
    return int(cursor)


def _stale(deployment: str, what: str) -> Conflict:
    return Conflict(
        "stale-deployment",
        f"{deployment} was changed by another engine: {what}",
        where=deployment,
        remedy="nothing: the other engine goes on with it",
    )
