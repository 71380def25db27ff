"""Who may act on an environment: one holder at a time, with a token that only grows.

An engine takes the lease for the deployment whose turn it is, renews it by heartbeats and gives it
back at the end. One that expires is taken by whoever carries that deployment on. The token is the
fence: target and store refuse a smaller one, so that a worker that was paused (a virtual machine, a
laptop) cannot act when it wakes up. Clocks of machines may differ by less than the lease's length:
a wrong guess costs time, and fences keep it harmless.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairway.storage.database import Connection, Database
from fairway.targets.contract import Fence

_READ = "SELECT name, token, deployment, holder, expires_at FROM leases WHERE name = ?"
_WRITE = (
    "INSERT INTO leases (name, token, deployment, holder, expires_at) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET token = excluded.token, deployment = excluded.deployment,"
    " holder = excluded.holder, expires_at = excluded.expires_at"
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act on an environment until `expires_at`, in Unix seconds."""

    name: str
    token: int
    deployment: str
    holder: str
    expires_at: float

    @property
    def fence(self) -> Fence:
        """What goes with every write."""
        return Fence(self.deployment, self.token)


class Leases:
    """The repository, with a lease for each `name`: an environment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self, name: str) -> Lease | None:
        """Who holds it, or held it last; None before anyone did."""
        with self._database.reading() as connection:
            return _current(connection, name)

    def take(
        self, name: str, deployment: str, holder: str, *, now: float, seconds: float
    ) -> Lease | None:
        """The lease, with a token larger than any before; None while it is someone else's.

        It is the turn of the oldest deployment that is not over; other work (a repair) waits until
        there is none.
        """
        with self._database.writing() as connection:
            found = _current(connection, name)
            if _turn(connection) not in (deployment, None) or _held(found, holder, now):
                return None
            lease = Lease(name, _token(found) + 1, deployment, holder, now + seconds)
            _write(connection, lease)
        return lease

    def renew(self, holder: str, *, now: float, seconds: float) -> frozenset[int]:
        """Prolong all leases of a holder; the tokens of those that are still its own."""
        with self._database.writing() as connection:
            rows = connection.execute(
                "UPDATE leases SET expires_at = ? WHERE holder = ? RETURNING token",
                (now + seconds, holder),
            )
        return frozenset(int(row[0]) for row in rows)

    def holds(self, name: str, fence: Fence) -> bool:
        """Whether a fence is still that of the newest lease."""
        found = self.current(name)
        return found is not None and found.fence == fence and found.holder != ""

    def give_back(self, lease: Lease) -> None:
        """End it, unless someone else has taken it meanwhile. The token stays known."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE leases SET holder = '', expires_at = 0 WHERE name = ? AND token = ?",
                (lease.name, lease.token),
            )

    def expire_all_but(self, holder: str) -> None:
        """Every other holder is known to be dead: a file's lock is ours, say."""
        with self._database.writing() as connection:
            connection.execute("UPDATE leases SET expires_at = 0 WHERE holder <> ?", (holder,))


def refused(connection: Connection, deployment: str, token: int) -> bool:
    """Whether a newer lease was given for a deployment than the one it is written with."""
    rows = connection.execute(
        "SELECT 1 FROM leases WHERE deployment = ? AND token <> ?", (deployment, token)
    )
    return bool(rows)


def _held(lease: Lease | None, holder: str, now: float) -> bool:
    """By someone else, and alive."""
    return lease is not None and lease.holder not in ("", holder) and lease.expires_at > now


def _token(lease: Lease | None) -> int:
    return lease.token if lease is not None else 0


def _turn(connection: Connection) -> str | None:
    rows = connection.execute("SELECT id FROM deployments WHERE ended = 0 ORDER BY place LIMIT 1")
    return str(rows[0][0]) if rows else None


def _current(connection: Connection, name: str) -> Lease | None:
    rows = connection.execute(_READ, (name,))
    return Lease(*rows[0]) if rows else None


def _write(connection: Connection, lease: Lease) -> None:
    connection.execute(
        _WRITE,
        (lease.name, lease.token, lease.deployment, lease.holder, lease.expires_at),
    )
