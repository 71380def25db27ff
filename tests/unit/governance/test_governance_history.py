"""One numbering for releases of the app and of its policies, also when both happen at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fairway.errors import Conflict, NotFound
from fairway.governance import history
from fairway.governance.audit import SqlAnchors
from fairway.governance.database import MIGRATIONS, open_governance
from fairway.governance.history import AppDraft
from fairway.governance.sets import Activation, Draft, PolicySet, Release
from fairway.governance.sql_store import SqlPolicyStore
from fairway.storage.database import Database
from fairway.storage.migrations import migrate

APP = AppDraft("sha256:ab", '{"app": {"größe": 1}}', 0, "ada", 1000.5, "first")


@pytest.fixture
def environment(database: Database) -> Database:
    """A database with three policy sets, of which none is active."""
    migrate(database, "governance", MIGRATIONS)
    store = SqlPolicyStore(database)
    for number in range(3):
        store.add(Draft(f"set {number}", number, "ada", 1.0), number)
    return database


def keep(database: Database, draft: AppDraft = APP) -> Release:
    with database.writing() as connection:
        return history.append_app_release(connection, draft)


def activate(database: Database, version: int, expected: int) -> Release:
    return SqlPolicyStore(database).activate(Activation(version, expected, "grace", 2000.5))


def put_in_force(database: Database, number: int, expected: int) -> None:
    with database.writing() as connection:
        history.put_in_force(connection, number, expected)


def test_both_kinds_share_one_numbering(environment: Database) -> None:
    first = activate(environment, 1, 0)
    second = keep(environment, replace(APP, policy_set=1))
    third = activate(environment, 2, 1)
    assert second == Release(2, "app", 1, 1, "ada", 1000.5, "first", "sha256:ab", 0)
    assert third == Release(3, "policies", 2, 1, "grace", 2000.5)
    assert SqlPolicyStore(environment).releases() == (first, second, third)


def test_a_kept_release_activates_no_policies(environment: Database) -> None:
    activate(environment, 1, 0)
    keep(environment, replace(APP, policy_set=2))
    assert SqlPolicyStore(environment).active() == 1


def test_an_activation_during_a_deployment_makes_that_of_the_deployment_stale(
    environment: Database,
) -> None:
    activate(environment, 1, 0)
    keep(environment, replace(APP, policy_set=2))
    urgent = activate(environment, 3, 1)
    with pytest.raises(Conflict, match="active policy set is 3, not 1"):
        activate(environment, 2, 1)
    assert SqlPolicyStore(environment).active() == 3
    assert urgent.number == 3


def test_releases_build_on_the_one_in_force(environment: Database) -> None:
    kept = keep(environment)
    assert activate(environment, 1, 0).base == 0
    put_in_force(environment, kept.number, 0)
    assert activate(environment, 2, 1).base == kept.number
    assert keep(environment).base == kept.number


def test_only_who_saw_what_is_in_force_can_replace_it(environment: Database) -> None:
    for _ in range(2):
        keep(environment)
    put_in_force(environment, 2, 0)
    with pytest.raises(Conflict, match="release 2 is in force, not none"):
        put_in_force(environment, 1, 0)
    with pytest.raises(NotFound):
        put_in_force(environment, 3, 2)
    put_in_force(environment, 1, 2)
    with environment.reading() as connection:
        assert history.app_in_force(connection) == 1


def test_what_was_kept_comes_back_to_the_byte(environment: Database) -> None:
    kept = keep(environment)
    activate(environment, 1, 0)
    with environment.reading() as connection:
        assert history.app_release(connection, 1) == (kept, APP.document)
        for number in (0, -1, 3, 10**30):
            with pytest.raises(NotFound, match=f"no release {number} of the app"):
                history.app_release(connection, number)
        with pytest.raises(NotFound, match="release 2 activated policy set 1"):
            history.app_release(connection, 2)


def test_a_forgotten_release_leaves_no_gap(environment: Database) -> None:
    for _ in range(2):
        keep(environment)
    put_in_force(environment, 1, 0)
    with environment.writing() as connection:
        history.forget_app_release(connection, 2)
        with pytest.raises(Conflict, match="is in force"):
            history.forget_app_release(connection, 1)
    assert keep(environment).number == 3
    with environment.reading() as connection:
        assert [each.number for each in history.releases(connection)] == [1, 2, 3]
        with pytest.raises(NotFound, match="no longer kept"):
            history.app_release(connection, 2)


def test_a_page_of_the_history(environment: Database) -> None:
    for _ in range(5):
        keep(environment)
    with environment.reading() as connection:
        page = history.releases(connection, before=5, limit=2)
    assert [each.number for each in page] == [3, 4]


def test_a_policy_set_that_a_release_of_the_app_names_stays(environment: Database) -> None:
    keep(environment, replace(APP, policy_set=2))
    with pytest.raises(Conflict, match="part of release 1"):
        SqlPolicyStore(environment).remove(2)
    for absent in (4, 10**30):
        with pytest.raises(NotFound, match="no policy set"):
            keep(environment, replace(APP, policy_set=absent))
    assert keep(environment).number == 2


def test_a_release_is_kept_with_what_belongs_to_it_or_not_at_all(environment: Database) -> None:
    with pytest.raises(KeyError), environment.writing():
        keep(environment)
        raise KeyError
    assert keep(environment).number == 1


def test_many_at_once_leave_no_gap(environment: Database, opening: Callable[[], Database]) -> None:
    elsewhere = opening()
    activate(environment, 1, 0)

    def append(number: int) -> None:
        database = (environment, elsewhere)[number % 2]
        if number % 3:
            keep(database, replace(APP, policy_set=1))
        else:
            activate(database, 1, 1)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(append, range(24)))
    found = SqlPolicyStore(environment).releases()
    assert [each.number for each in found] == list(range(1, 26))
    assert sum(each.kind == "app" for each in found) == 16


def test_a_database_of_the_first_version_is_carried_over_without_loss(tmp_path: Path) -> None:
    path = tmp_path / "governance.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript((Path(__file__).parent / "format_1.sql").read_text("utf-8"))
    with closing(open_governance(path)) as database:
        store = SqlPolicyStore(database)
        text = '@id("p{}")\npermit (principal, action, resource);\n'
        assert store.all() == (
            PolicySet(1, text.format(0), 0, "the app file", 1763000000.25, "it's n° 0"),
            PolicySet(3, text.format(2), 1, "ada", 1763000002.25, "it's n° 2"),
        )
        assert store.releases() == (
            Release(1, "policies", 1, 0, "the app file", 1763000010.5),
            Release(2, "policies", 3, 1, "ada", 1763000011.5, "stricter"),
            Release(3, "policies", 1, 3, "grace", 1763000012.5, "rolled back from 3"),
        )
        assert store.active() == 1
        assert SqlAnchors(database).heads("control") == {7: "ab" * 32}
        assert store.latest() == 4
        assert store.add(Draft("new", 0, "ada", 1.0), 4).version == 5
        assert keep(database).number == 4
    with closing(open_governance(path)) as database:
        assert SqlPolicyStore(database).latest() == 5
    with closing(sqlite3.connect(path)) as connection:
        # What Fairway 0.1.0 compares with its own 1, and so refuses.
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
