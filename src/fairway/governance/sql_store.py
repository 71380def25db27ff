"""Policy sets in the environment's database, the same on SQLite and PostgreSQL. A write holds the
one write transaction and then looks, so that two processes can never both believe to be the newest.
"""

from __future__ import annotations

from fairway.governance import history
from fairway.governance.sets import Activation, Draft, PolicySet, Release, in_use, missing, stale
from fairway.storage.database import Connection, Database

_COLUMNS = "version, text, base, by, at, note"
_LARGEST = 2**63 - 1
"""Of the databases' integers: what is larger they do not even look for."""


class SqlPolicyStore:
    """A `PolicyStore` in the database of an environment (see `open_governance`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, draft: Draft, expected_latest: int) -> PolicySet:
        """Keep a new version; Conflict unless `expected_latest` is the newest ever given."""
        with self._database.writing() as connection:
            latest = _latest(connection)
            if expected_latest != latest:
                raise stale("latest", expected_latest, latest)
            made = PolicySet(latest + 1, draft.text, draft.base, draft.by, draft.at, draft.note)
            connection.execute(
                f"INSERT INTO policy_sets ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
                (made.version, made.text, made.base, made.by, made.at, made.note),
            )
            connection.execute(
                "UPDATE counters SET newest = ? WHERE name = 'policy_sets'", (made.version,)
            )
            return made

    def get(self, version: int) -> PolicySet:
        """One version; NotFound if there is none."""
        with self._database.reading() as connection:
            return _get(connection, version)

    def all(self) -> tuple[PolicySet, ...]:
        """Every version, oldest first."""
        query = f"SELECT {_COLUMNS} FROM policy_sets ORDER BY version"  # noqa: S608 - a constant
        with self._database.reading() as connection:
            return tuple(PolicySet(*row) for row in connection.execute(query))

    def latest(self) -> int:
        """The newest number ever given, also when deleted since; 0 when there was none."""
        with self._database.reading() as connection:
            return _latest(connection)

    def remove(self, version: int) -> None:
        """Forget a version; NotFound if there is none, Conflict if a release names it."""
        with self._database.writing() as connection:
            _get(connection, version)
            [(release,)] = connection.execute(
                "SELECT min(number) FROM releases WHERE policy_set = ?", (version,)
            )
            if release is not None:
                raise in_use(version, int(release))
            if version == history.active_policy_set(connection):
                raise in_use(version)
            connection.execute("DELETE FROM policy_sets WHERE version = ?", (version,))

    def active(self) -> int:
        """The version that decides now, 0 before the first activation."""
        with self._database.reading() as connection:
            return history.active_policy_set(connection)

    def activate(self, activation: Activation) -> Release:
        """Make a version active and append the release; NotFound, or Conflict when stale."""
        with self._database.writing() as connection:
            return history.append_activation(connection, activation)

    def adopt(self, activation: Activation) -> None:
        """Make a version active without a release of its own; raises like `activate`."""
        with self._database.writing() as connection:
            history.adopt(connection, activation)

    def previous(self) -> int:
        """The version that was active before the present one, 0 if there was none."""
        with self._database.reading() as connection:
            return history.previous_policy_set(connection)

    def releases(self) -> tuple[Release, ...]:
        """The history, oldest first: activations, and releases of the app."""
        with self._database.reading() as connection:
            return history.releases(connection)


def _get(connection: Connection, version: int) -> PolicySet:
    if version > _LARGEST:
        raise missing(version)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM policy_sets WHERE version = ?",  # noqa: S608 - a constant
        (version,),
    )
    if not rows:
        raise missing(version)
    return PolicySet(*rows[0])


def _latest(connection: Connection) -> int:
    """Kept apart from the versions, because a number that was deleted is never given again."""
    [(newest,)] = connection.execute("SELECT newest FROM counters WHERE name = 'policy_sets'")
    return int(newest)
