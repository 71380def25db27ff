"""The one history of an environment: numbered releases of its app and of its policies.

Every function takes the connection of a transaction of the environment's database, so that a
release is kept together with what belongs to it. `SqlPolicyStore` appends the activations, the
delivery's store the releases of the app. What holds:

- numbers count from 1 without gaps, whatever a release changes; who appends holds the write
  transaction, so nobody else gets the same number
- a row never changes; only the document of an old release may be forgotten, its row stays
- which policies decide is said by `in_force`. An activation by a person moves it and is a release
  of its own. What comes with something else only moves it (`adopt`): a release of the app, whose
  deployment has that as a fenced step, or the working tree, whose edits are no releases. So
  policies can be changed at any moment, also in the middle of a deployment, which then finds its
  own step stale instead of undoing the change.
- which release of the app should run is said by `in_force` too, moved when a deployment has
  succeeded. Every release has as its `base` the one that was in force when it was made.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairway.errors import Conflict, NotFound
from fairway.governance.sets import NO_VERSION, Activation, Release, missing, stale
from fairway.storage.database import Connection, Row

NO_RELEASE = 0
"""Stands for "nothing yet": what is in force before the first deployment has succeeded."""
_COLUMNS = "number, kind, policy_set, previous, by, at, note, digest, base"
_LARGEST = 2**63 - 1
"""Of the databases' integers: what is larger they do not even look for."""


@dataclass(frozen=True, slots=True)
class AppDraft:
    """A release of the app before it has a number.

    `document` is its content as JSON text, `digest` the digest of that content, `policy_set` the
    version that it was made for (0: the app has no policies).
    """

    digest: str
    document: str
    policy_set: int
    by: str
    at: float
    note: str = ""


def append_app_release(connection: Connection, draft: AppDraft) -> Release:
    """Keep a release of the app; NotFound when its policy set is gone. Nothing is in force yet."""
    if draft.policy_set != NO_VERSION:
        _require_policy_set(connection, draft.policy_set)
    release = Release(
        newest(connection) + 1, "app", draft.policy_set, active_policy_set(connection),
        draft.by, draft.at, draft.note, draft.digest, app_in_force(connection),
    )  # fmt: skip
    _insert(connection, release, draft.document)
    return release


def append_activation(connection: Connection, activation: Activation) -> Release:
    """Make a policy set decide; NotFound, or Conflict when `expected` is not the active one."""
    adopt(connection, activation)
    release = Release(
        newest(connection) + 1, "policies", activation.version, activation.expected,
        activation.by, activation.at, activation.note, "", app_in_force(connection),
    )  # fmt: skip
    _insert(connection, release, "")
    return release


def adopt(connection: Connection, activation: Activation) -> None:
    """Make a policy set decide without a release of its own; raises like `append_activation`."""
    _require_policy_set(connection, activation.version)
    active = active_policy_set(connection)
    if activation.expected != active:
        raise stale("active", activation.expected, active)
    connection.execute(
        "UPDATE in_force SET policy_set = ?, previous = ?", (activation.version, active)
    )


def newest(connection: Connection) -> int:
    """The newest number, 0 in the beginning."""
    [(number,)] = connection.execute("SELECT COALESCE(max(number), 0) FROM releases")
    return int(number)


def releases(
    connection: Connection, *, before: int | None = None, limit: int | None = None
) -> tuple[Release, ...]:
    """The history, oldest first: all of it, or the newest `limit` with a number under `before`."""
    bounds = [_LARGEST if bound is None else min(bound, _LARGEST) for bound in (before, limit)]
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM releases WHERE number < ? ORDER BY number DESC LIMIT ?",  # noqa: S608 - a constant
        bounds,
    )
    return tuple(Release(*row) for row in reversed(rows))


def app_release(connection: Connection, number: int) -> tuple[Release, str]:
    """A release of the app with its document; NotFound for none, another kind or a forgotten one.

    The document is what was given to `append_app_release`, to the byte.
    """
    row = _find(connection, number)
    if row is None:
        raise _no_such_release(number)
    if row[1] != "app":
        raise _only_policies(Release(*row[:-1]))
    if not row[-1]:
        raise _forgotten(number)
    return Release(*row[:-1]), str(row[-1])


def app_releases(
    connection: Connection, *, before: int | None = None, limit: int | None = None
) -> tuple[tuple[Release, str], ...]:
    """Releases of the app that are still kept, with their documents, the newest first."""
    bounds = [_LARGEST if bound is None else min(bound, _LARGEST) for bound in (before, limit)]
    rows = connection.execute(
        f"SELECT {_COLUMNS}, document FROM releases"  # noqa: S608 - a constant
        " WHERE kind = 'app' AND document <> '' AND number < ? ORDER BY number DESC LIMIT ?",
        bounds,
    )
    return tuple((Release(*row[:-1]), str(row[-1])) for row in rows)


def forget_app_release(connection: Connection, number: int) -> None:
    """Give up a document that retention no longer keeps. Its row stays: numbers have no gaps.

    Conflict for the release in force. What else is still referenced, the delivery knows.
    """
    if number == app_in_force(connection):
        raise Conflict(
            "release-in-force",
            f"release {number} is in force and cannot be forgotten",
            remedy="keep at least the release that runs",
        )
    app_release(connection, number)
    connection.execute("UPDATE releases SET document = '' WHERE number = ?", (number,))


def active_policy_set(connection: Connection) -> int:
    """The policy set that decides now, 0 before the first activation."""
    [(version,)] = connection.execute("SELECT policy_set FROM in_force")
    return int(version)


def previous_policy_set(connection: Connection) -> int:
    """The policy set that decided before the present one, 0 if there was none."""
    [(version,)] = connection.execute("SELECT previous FROM in_force")
    return int(version)


def app_in_force(connection: Connection) -> int:
    """The release of the app that should run, 0 before the first deployment has succeeded."""
    [(number,)] = connection.execute("SELECT release FROM in_force")
    return int(number)


def put_in_force(connection: Connection, number: int, expected: int) -> None:
    """Say that a release of the app should run from now on, in place of `expected`.

    NotFound when there is no such release, Conflict when another one is in force.
    """
    app_release(connection, number)
    moved = connection.execute(
        "UPDATE in_force SET release = ? WHERE release = ? RETURNING release", (number, expected)
    )
    if not moved:
        raise Conflict(
            "stale-release",
            f"release {app_in_force(connection) or 'none'} is in force, not {expected or 'none'}",
            remedy="look at what changed in between, then try again",
        )


def _no_such_release(number: int) -> NotFound:
    """There is no such release."""
    return NotFound(
        "no-such-release",
        f"there is no release {number} of the app",
        remedy="list them: fairway history",
    )


def _only_policies(release: Release) -> NotFound:
    return NotFound(
        "release-of-policies",
        f"release {release.number} activated policy set {release.policy_set} and changed nothing "
        "else: it holds no app",
        where=f"r{release.number}",
        remedy=f"for its policies: fairway policy activate {release.policy_set}"
        + (f"; for the app of that time name r{release.base}" if release.base else ""),
    )


def _forgotten(number: int) -> NotFound:
    return NotFound(
        "release-not-kept",
        f"release {number} is no longer kept",
        where=f"r{number}",
        remedy="name a newer one, or deploy its source again; `retention` of the environment says "
        "how many are kept",
    )


def _require_policy_set(connection: Connection, version: int) -> None:
    known = version <= _LARGEST and connection.execute(
        "SELECT 1 FROM policy_sets WHERE version = ?", (version,)
    )
    if not known:
        raise missing(version)


def _find(connection: Connection, number: int) -> Row | None:
    if number > _LARGEST:
        return None
    query = f"SELECT {_COLUMNS}, document FROM releases WHERE number = ?"  # noqa: S608 - a constant
    return next(iter(connection.execute(query, (number,))), None)


def _insert(connection: Connection, release: Release, document: str) -> None:
    connection.execute(
        f"INSERT INTO releases ({_COLUMNS}, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
        (
            release.number, release.kind, release.policy_set, release.previous,
            release.by, release.at, release.note, release.digest, release.base, document,
        ),
    )  # fmt: skip
