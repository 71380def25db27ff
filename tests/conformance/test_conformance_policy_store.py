"""One suite for every place that keeps policy sets: what passes may stand in anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from tests.postgres import POSTGRES

from fairway.errors import Conflict, NotFound
from fairway.governance.database import open_governance
from fairway.governance.sets import Activation, Draft, PolicySet, PolicyStore, Release
from fairway.governance.sql_store import SqlPolicyStore
from fairway.governance.store import MemoryPolicyStore


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=POSTGRES)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PolicyStore]:
    if request.param == "memory":
        yield MemoryPolicyStore()
        return
    sqlite = request.param == "sqlite"
    place = tmp_path / "governance.db" if sqlite else request.getfixturevalue("postgres_url")
    with closing(open_governance(place, "fairway_shop_prod")) as database:
        yield SqlPolicyStore(database)


def draft(text: str = "permit (principal, action, resource);", base: int = 0) -> Draft:
    return Draft(text, base, "ada", 1000.5, "why")


def activate(store: PolicyStore, version: int, expected: int) -> Release:
    return store.activate(Activation(version, expected, "ada", 2000.5, "because"))


def test_an_empty_store_has_nothing_active(store: PolicyStore) -> None:
    assert (store.latest(), store.active(), store.all(), store.releases()) == (0, 0, (), ())


def test_versions_count_up_and_keep_what_they_were_given(store: PolicyStore) -> None:
    first = store.add(draft("one"), 0)
    second = store.add(draft("two", base=1), 1)
    assert first == PolicySet(1, "one", 0, "ada", 1000.5, "why")
    assert second == PolicySet(2, "two", 1, "ada", 1000.5, "why")
    assert store.get(1) == first
    assert store.all() == (first, second)
    assert store.latest() == 2


@pytest.mark.parametrize("expected", [0, 2, 7])
def test_a_stale_author_cannot_add(store: PolicyStore, expected: int) -> None:
    store.add(draft(), 0)
    with pytest.raises(Conflict, match="latest policy set is 1"):
        store.add(draft(), expected)
    assert store.latest() == 1


def test_what_is_not_there_is_not_found(store: PolicyStore) -> None:
    with pytest.raises(NotFound):
        store.get(1)
    with pytest.raises(NotFound):
        store.remove(1)
    with pytest.raises(NotFound):
        activate(store, 1, 0)


def test_a_number_of_any_size_can_be_asked_for(store: PolicyStore) -> None:
    for version in (-1, 2**63 - 1, 2**63, 10**30):
        with pytest.raises(NotFound):
            store.get(version)
        with pytest.raises(NotFound):
            store.remove(version)
        with pytest.raises(NotFound):
            activate(store, version, 0)


def test_a_deleted_number_is_never_given_again(store: PolicyStore) -> None:
    store.add(draft(), 0)
    store.add(draft(), 1)
    store.remove(2)
    assert store.latest() == 2
    assert store.add(draft(), 2).version == 3
    assert [each.version for each in store.all()] == [1, 3]


def test_activations_are_numbered_releases(store: PolicyStore) -> None:
    store.add(draft(), 0)
    store.add(draft(), 1)
    first, second, third = activate(store, 1, 0), activate(store, 2, 1), activate(store, 1, 2)
    assert first == Release(1, "policies", 1, 0, "ada", 2000.5, "because")
    assert (second.number, second.policy_set, second.previous) == (2, 2, 1)
    assert store.active() == 1
    assert store.releases() == (first, second, third)


def test_a_stale_activation_is_refused(store: PolicyStore) -> None:
    store.add(draft(), 0)
    activate(store, 1, 0)
    with pytest.raises(Conflict, match="active policy set is 1, not none"):
        activate(store, 1, 0)
    assert len(store.releases()) == 1


def test_what_history_names_cannot_be_deleted(store: PolicyStore) -> None:
    store.add(draft(), 0)
    store.add(draft(), 1)
    activate(store, 1, 0)
    activate(store, 2, 1)
    for version in (1, 2):
        with pytest.raises(Conflict, match="part of release"):
            store.remove(version)


def test_of_many_authors_at_once_exactly_one_wins(store: PolicyStore) -> None:
    store.add(draft(), 0)
    assert _winners(lambda number: store.add(draft(str(number)), 1)) == 1
    assert store.latest() == 2
    assert _winners(lambda number: activate(store, 1 + number % 2, 0)) == 1
    assert len(store.releases()) == 1


def _winners(attempt: Callable[[int], object]) -> int:
    def won(number: int) -> bool:
        try:
            attempt(number)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(won, range(16)))


def test_what_is_adopted_decides_without_a_release_of_its_own(store: PolicyStore) -> None:
    store.add(draft("one"), 0)
    store.add(draft("two"), 1)
    store.adopt(Activation(1, 0, "the app file", 2000.0))
    assert (store.active(), store.previous(), store.releases()) == (1, 0, ())
    release = activate(store, 2, expected=1)
    assert (release.number, release.previous, store.previous()) == (1, 1, 1)
    store.adopt(Activation(1, 2, "release r2", 2001.0))
    assert (store.active(), store.previous(), len(store.releases())) == (1, 2, 1)


def test_an_adoption_that_has_not_seen_the_newest_state_is_refused(store: PolicyStore) -> None:
    store.add(draft(), 0)
    store.adopt(Activation(1, 0, "the app file", 2000.0))
    with pytest.raises(Conflict):
        store.adopt(Activation(1, 0, "the app file", 2001.0))
    with pytest.raises(NotFound):
        store.adopt(Activation(7, 1, "the app file", 2001.0))
    with pytest.raises(Conflict):
        store.remove(1)
