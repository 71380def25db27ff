"""One suite for what the delivery keeps, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.delivery_support import content, deployment

from fairway.delivery.analysis.evidence import Evidence
from fairway.delivery.announcements import Announcement
from fairway.delivery.deployment import Deployment, Status
from fairway.delivery.port import Watching
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.delivery.store.deployments import Kept, Order
from fairway.delivery.store.leases import Lease
from fairway.delivery.store.looks import HookResult
from fairway.errors import Conflict, InvalidInput, NotFound
from fairway.plan.release import Release
from fairway.storage.database import Database
from fairway.targets.contract import Fence, Traffic

NOW = 1_800_000_000.0
NO_LEASE = Fence("d1", 0)


@pytest.fixture
def store(database: Database) -> DeliveryStore:
    return DeliveryStore(database)


def lease(store: DeliveryStore, name: str = "d1", holder: str = "e1", now: float = NOW) -> Lease:
    taken = store.leases.take("prod", name, holder, now=now, seconds=10)
    assert taken is not None
    return taken


def kept_release(store: DeliveryStore, note: str = "") -> Release:
    return store.releases.keep(content(), by="ada", at=NOW, note=note)


def save(store: DeliveryStore, new: Deployment, revision: int, fence: Fence = NO_LEASE) -> None:
    store.deployments.save(Kept(new, revision), (), fence=fence, at=NOW)


def ended(store: DeliveryStore, name: str, status: Status = "succeeded", release: int = 1) -> None:
    first = deployment(name, release=release)
    store.deployments.open(first, when_busy="queue")
    save(store, replace(first, status=status, effect=None), 1, Fence(name, 0))


# Releases


def test_releases_are_numbered_from_one_and_come_back(store: DeliveryStore) -> None:
    first, second = kept_release(store), kept_release(store, "again")
    assert [first.name, second.name] == ["r1", "r2"]
    assert first.digest == second.digest
    assert store.releases.get(1) == first
    assert store.releases.list() == (second, first)
    assert store.releases.list(before=2) == (first,)


def test_a_release_that_is_not_there_is_not_found(store: DeliveryStore) -> None:
    with pytest.raises(NotFound, match="no release 1"):
        store.releases.get(1)


def test_old_releases_are_forgotten_but_their_numbers_are_not(store: DeliveryStore) -> None:
    for _ in range(4):
        kept_release(store)
    assert store.releases.clean_up(keep=2) == (1, 2)
    with pytest.raises(NotFound, match="no longer kept"):
        store.releases.get(2)
    assert [release.number for release in store.releases.list()] == [4, 3]
    assert kept_release(store).number == 5


def test_a_release_in_use_is_never_forgotten(store: DeliveryStore) -> None:
    for _ in range(5):
        kept_release(store)
    ended(store, "d1", release=1)
    ended(store, "d2", status="failed", release=4)
    store.deployments.open(deployment("d3", release=3, base=2))
    assert store.releases.in_force() == 1
    assert store.releases.clean_up(keep=1) == (4,)


# Deployments


def test_a_new_deployment_is_kept_with_its_first_events(store: DeliveryStore) -> None:
    new = deployment("d1")
    store.deployments.open(new, [Announcement("Requested", "ada deploys r1", {"release": 1})])
    assert store.deployments.kept("d1") == Kept(new, 0)
    [event] = store.events.after(0)
    assert (event.id, event.type, event.deployment) == (1, "Requested", "d1")
    assert event.data == {"release": 1}


def test_the_same_id_is_not_kept_twice(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))
    with pytest.raises(Conflict):
        store.deployments.open(deployment("d1"), when_busy="queue")


def test_one_is_refused_while_another_is_not_over(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))
    with pytest.raises(Conflict, match="d1 is not over"):
        store.deployments.open(deployment("d2"))
    assert store.deployments.unfinished() == ("d1",)
    save(store, replace(deployment("d1"), status="failed", effect=None), 1)
    store.deployments.open(deployment("d2"))
    assert store.deployments.unfinished() == ("d2",)


def test_others_queue_or_supersede(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))
    store.deployments.open(deployment("d2"), when_busy="queue")
    assert store.deployments.given("d1") == ()
    store.deployments.open(deployment("d3"), when_busy="supersede")
    assert store.deployments.unfinished() == ("d1", "d2", "d3")
    for name in ("d1", "d2"):
        [order] = store.deployments.given(name)
        assert (order.command, order.reason, order.number) == ("abort", "superseded by d3", 1)


def test_of_many_at_once_one_is_opened(store: DeliveryStore) -> None:
    def attempt(number: int) -> bool:
        try:
            store.deployments.open(deployment(f"d{number}"))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


def test_each_save_follows_the_one_before(store: DeliveryStore) -> None:
    first = deployment("d1")
    store.deployments.open(first)
    told = [Announcement("One", "one"), Announcement("Two", "two")]
    second = replace(first, status="planning")
    store.deployments.save(Kept(second, 1), told, fence=NO_LEASE, at=NOW)
    assert store.deployments.kept("d1") == Kept(second, 1)
    assert [event.type for event in store.events.after(0)] == ["One", "Two"]
    with pytest.raises(Conflict, match="does not follow"):
        save(store, replace(first, status="applying"), 3)
    with pytest.raises(Conflict, match="does not follow"):
        save(store, replace(first, status="applying"), 1)


def test_the_same_save_again_changes_and_tells_nothing(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))
    again = Kept(replace(deployment("d1"), status="planning"), 1)
    for _ in range(2):
        store.deployments.save(again, [Announcement("One", "one")], fence=NO_LEASE, at=NOW)
    assert len(store.events.after(0)) == 1


def test_a_refused_save_tells_nothing(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))
    with pytest.raises(Conflict):
        store.deployments.save(
            Kept(deployment("d1"), 7), [Announcement("One", "one")], fence=NO_LEASE, at=NOW
        )
    assert store.events.after(0) == ()


def test_a_worker_whose_lease_was_taken_cannot_save(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))
    old = lease(store, holder="e1")
    newer = lease(store, holder="e2", now=NOW + 11)
    after = replace(deployment("d1"), status="planning")
    with pytest.raises(Conflict, match="no longer in force"):
        save(store, after, 1, old.fence)
    save(store, after, 1, newer.fence)
    with pytest.raises(Conflict):
        save(store, replace(after, status="applying"), 2, old.fence)


def test_a_unique_prefix_names_a_deployment(store: DeliveryStore) -> None:
    for name in ("abc-1", "abd-2"):
        store.deployments.open(deployment(name), when_busy="queue")
    assert store.deployments.get("abd").id == "abd-2"
    with pytest.raises(InvalidInput, match="several"):
        store.deployments.get("ab")
    for unknown in ("x", "", "abc-11", "%"):
        with pytest.raises(NotFound):
            store.deployments.get(unknown)


def test_lists_have_pages_and_filters(store: DeliveryStore) -> None:
    kept_release(store)
    for number in range(1, 6):
        ended(store, f"d{number}", status="failed" if number == 2 else "succeeded")
    first = store.deployments.list(limit=2)
    assert [each.id for each in first.deployments] == ["d5", "d4"]
    second = store.deployments.list(limit=3, cursor=first.cursor)
    assert [each.id for each in second.deployments] == ["d3", "d2", "d1"]
    assert second.cursor is None
    failed = store.deployments.list(status="failed")
    assert [each.id for each in failed.deployments] == ["d2"]
    with pytest.raises(InvalidInput):
        store.deployments.list(cursor="x")


def test_orders_are_numbered_for_each_deployment(store: DeliveryStore) -> None:
    for name in ("d1", "d2"):
        store.deployments.open(deployment(name), when_busy="queue")
    pause = Order("pause", "ada", "deployer", "lunch", NOW)
    assert [store.deployments.give(name, pause) for name in ("d1", "d2", "d1")] == [1, 1, 2]
    assert store.deployments.given("d1", after=1) == (replace(pause, number=2),)
    with pytest.raises(NotFound):
        store.deployments.give("d9", pause)


# Events


def test_events_continue_from_a_number(store: DeliveryStore) -> None:
    for name in ("d1", "d2", "d1"):
        store.events.tell(name, [Announcement("Thing", "it happened")], NOW)
    assert [event.id for event in store.events.after(0)] == [1, 2, 3]
    assert [event.id for event in store.events.after(1, limit=1)] == [2]
    assert [event.id for event in store.events.after(0, deployment="d1")] == [1, 3]
    assert store.events.last() == 3


# Leases


def test_a_lease_has_one_holder_until_it_expires(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))
    first = lease(store, holder="e1")
    assert store.leases.take("prod", "d1", "e2", now=NOW + 9, seconds=10) is None
    second = lease(store, holder="e2", now=NOW + 10.5)
    assert second.token > first.token
    assert not store.leases.holds("prod", first.fence)
    assert store.leases.holds("prod", second.fence)


def test_heartbeats_prolong_a_lease(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))
    first = lease(store)
    assert store.leases.renew("e1", now=NOW + 9, seconds=10) == {first.token}
    assert store.leases.take("prod", "d1", "e2", now=NOW + 18, seconds=10) is None
    lease(store, holder="e2", now=NOW + 20)
    assert store.leases.renew("e1", now=NOW + 21, seconds=10) == frozenset()


def test_the_same_holder_gets_a_new_token(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))
    assert lease(store).token < lease(store).token


def test_it_is_the_turn_of_the_oldest_that_is_not_over(store: DeliveryStore) -> None:
    for name in ("d1", "d2"):
        store.deployments.open(deployment(name), when_busy="queue")
    assert store.leases.take("prod", "d2", "e1", now=NOW, seconds=10) is None
    assert store.leases.take("prod", "repair", "e1", now=NOW, seconds=10) is None
    first = lease(store, "d1")
    save(store, replace(deployment("d1"), status="failed", effect=None), 1, first.fence)
    store.leases.give_back(first)
    assert lease(store, "d2", holder="e2").token > first.token


def test_a_lease_that_someone_else_has_is_not_given_back(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))
    old = lease(store, holder="e1")
    newer = lease(store, holder="e2", now=NOW + 11)
    store.leases.give_back(old)
    assert store.leases.holds("prod", newer.fence)
    store.leases.give_back(newer)
    assert not store.leases.holds("prod", newer.fence)
    assert lease(store, holder="e3", now=NOW + 12).token > newer.token


def test_a_dead_holder_can_be_known(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))
    lease(store, holder="e1")
    store.leases.expire_all_but("e2")
    lease(store, holder="e2")


def test_of_many_one_takes_a_lease(store: DeliveryStore) -> None:
    store.deployments.open(deployment("d1"))

    def attempt(number: int) -> Lease | None:
        return store.leases.take("prod", "d1", f"e{number}", now=NOW, seconds=10)

    with ThreadPoolExecutor(8) as pool:
        assert sum(taken is not None for taken in pool.map(attempt, range(8))) == 1


# Engines, looks, hooks


def test_engines_are_alive_while_their_heart_beats(store: DeliveryStore) -> None:
    for engine, at in (("e1", NOW), ("e2", NOW + 8), ("e1", NOW + 9), ("e3", NOW + 9)):
        store.engines.beat(engine, at)
    store.engines.leave("e3")
    assert store.engines.alive(since=NOW + 8.5) == {"e1"}
    store.engines.forget(before=NOW + 8.5)
    assert store.engines.alive(since=0) == {"e1"}


def test_the_latest_look_replaces_the_one_before(store: DeliveryStore) -> None:
    assert (store.looks.watching("d1"), store.looks.evidence("d1")) == (None, ())
    evidence = Evidence("axon", "r2", "r1")
    for at in (NOW, NOW + 0.5):
        traffic = Traffic(int(at - NOW) + 7, 1, {40: 6})
        evidence = evidence.with_look(at, 5, traffic, traffic, 1.0)
        watching = Watching(at, 0, 3, 5, NOW, None, "need_more_data", "too early to say")
        store.looks.save("d1", watching, [evidence])
    assert store.looks.watching("d1") == watching
    assert store.looks.evidence("d1") == (evidence,)


def test_results_of_hooks_are_kept_by_phase_and_position(store: DeliveryStore) -> None:
    failed = HookResult("smoke", False, "it ended with 1", "no answer", NOW, 0.5)
    passed = replace(failed, passed=True)
    for result in (failed, passed):
        store.looks.keep_hook("d1", "pre_shift", 0, result)
    assert store.looks.hooks("d1", "pre_shift") == {0: passed}
    assert store.looks.hooks("d1", "post_shift") == {}


def test_everything_is_there_for_the_next_process(opening: Callable[[], Database]) -> None:
    first = DeliveryStore(opening())
    kept_release(first)
    first.deployments.open(deployment("d1"))
    second = DeliveryStore(opening())
    assert second.releases.get(1).by == "ada"
    assert second.deployments.get("d1") == deployment("d1")
