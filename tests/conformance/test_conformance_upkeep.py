"""What the upkeep of an environment keeps and gives up, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.databases import database, opening  # noqa: F401 - fixtures
from tests.delivery_support import NOW, content, deployment

from fairway.delivery.announcements import Announcement
from fairway.delivery.notify.outbox import Outbox
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.delivery.store.deployments import Kept, Order
from fairway.delivery.store.forgetting import forget_old
from fairway.storage.database import Database
from fairway.targets.contract import Drift, Fence

ILL = Drift("process", "axon.r1", "2 healthy replicas", "1", "it is started")
EDITED = Drift("mesh-file", "axon/lds.json", "as written", "edited", "it is written again")


@pytest.fixture
def store(opening: Callable[[], Database]) -> DeliveryStore:  # noqa: F811
    return DeliveryStore(opening())


def over(store: DeliveryStore, name: str) -> None:
    """A deployment that has ended, with all that belongs to one."""
    begun = deployment(name)
    store.deployments.open(begun, (Announcement("DeploymentQueued", name),), when_busy="queue")
    store.deployments.give(name, Order("abort", "ada", "deployer", "", NOW))
    ended = replace(begun, status="cancelled", effect=None)
    told = (Announcement("DeploymentCancelled", name),)
    store.deployments.save(Kept(ended, 1), told, fence=Fence(name, 0), at=NOW)


def test_the_oldest_go_with_all_that_belongs_to_them(store: DeliveryStore) -> None:
    store.releases.keep(content(), by="ada", at=NOW)
    for name in ("d1", "d2", "d3"):
        over(store, name)
    store.deployments.open(deployment("d4"))
    assert forget_old(store.database, deployments=2, events=3) == ("d1", "d2")
    assert [each.id for each in store.deployments.list().deployments] == ["d4", "d3"]
    assert store.deployments.given("d2") == ()
    assert len(store.deployments.given("d3")) == 1
    assert [each.words for each in store.events.after()] == ["d2", "d3", "d3"]
    assert forget_old(store.database) == ()
    store.events.tell("", (Announcement("DriftDetected", "next"),), NOW)
    assert store.events.last() == 7


def test_a_notice_of_a_forgotten_event_is_given_up(store: DeliveryStore) -> None:
    outbox = Outbox(store.database, store.events)
    outbox.register("ear")
    over(store, "d1")
    over(store, "d2")
    outbox.take_up("ear", lambda _kind: True)
    forget_old(store.database, events=1)
    assert [each.event.id for each in outbox.claim("ear", NOW)] == [4]


def test_a_difference_is_new_once(store: DeliveryStore) -> None:
    assert store.drifts.note((ILL,), NOW) == (ILL,)
    assert store.drifts.note((ILL, EDITED), NOW) == (EDITED,)
    assert store.drifts.note((ILL, EDITED), NOW) == ()
    assert store.drifts.note((EDITED,), NOW) == ()
    assert store.drifts.note((EDITED, ILL), NOW) == (ILL,)
    told = store.events.after()
    assert [each.words for each in told] == [
        "axon.r1: 1 instead of 2 healthy replicas",
        "axon/lds.json: edited instead of as written",
        "axon.r1: 1 instead of 2 healthy replicas",
    ]


def test_a_deployment_that_is_planned_anew_needs_its_new_base(store: DeliveryStore) -> None:
    for number in (1, 2, 3):
        store.releases.keep(content(axon=f"text {number}"), by="ada", at=NOW)
    begun = deployment("d1", release=3, base=1)
    store.deployments.open(begun)
    store.deployments.save(Kept(replace(begun, base=2), 1), (), fence=Fence("d1", 0), at=NOW)
    assert store.releases.clean_up(1) == (1,)
