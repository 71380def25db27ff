"""The relay: at least once, in order, each listener on its own, and nothing forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.unit.delivery.listening import Receiver, listening
from tests.waiting import eventually

from fairway.delivery.announcements import Announcement
from fairway.delivery.events import Json
from fairway.delivery.notify.outbox import CLAIM_SECONDS, Outbox
from fairway.delivery.notify.relay import ATTEMPTS, Outside, Relay, pause
from fairway.delivery.notify.sink import Sink
from fairway.delivery.notify.webhook import Webhook
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.errors import NotFound, Refused, Unavailable
from fairway.storage.opening import open_database


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DeliveryStore]:
    database = open_database(tmp_path / "environment.db")
    yield DeliveryStore(database)
    database.close()


@pytest.fixture
def outbox(store: DeliveryStore) -> Outbox:
    return Outbox(store.database, store.events)


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Ear:
    """A listener in memory; `mood` may raise."""

    name: str = "ear"
    mood: Callable[[Json], None] = lambda _event: None
    heard: list[tuple[str, str]] = field(default_factory=list)
    kinds: frozenset[str] = frozenset()
    closed: bool = False

    def wants(self, kind: str) -> bool:
        return not self.kinds or kind in self.kinds

    async def send(self, event: Json) -> None:
        self.mood(event)
        self.heard.append((event.get("subject", ""), event["data"]["words"]))

    async def close(self) -> None:
        self.closed = True


def tell(store: DeliveryStore, deployment: str, *words: str) -> None:
    told = [Announcement("VersionStarted", each, {"release": 8}) for each in words]
    store.events.tell(deployment, told, 1.0)


@asynccontextmanager
async def relaying(outbox: Outbox, clock: Clock, *sinks: Sink) -> AsyncIterator[None]:
    relay = Relay(("shop", "prod"), outbox, sinks, Outside(clock, lambda: 0.0), interval=0.01)
    await relay.prepare()
    running = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_everyone_is_told_in_order_and_only_what_they_want(
    store: DeliveryStore, outbox: Outbox
) -> None:
    tell(store, "d0", "before anyone listened")
    every, picky = Ear("every"), Ear("picky", kinds=frozenset({"DeploymentFailed"}))
    async with relaying(outbox, Clock(), every, picky):
        tell(store, "d1", "one", "two", "three")
        tell(store, "d2", "other")
        await eventually(lambda: len(every.heard) == 4)
    assert [words for where, words in every.heard if where == "d1"] == ["one", "two", "three"]
    assert picky.heard == []
    assert every.closed


async def test_what_happened_while_nobody_relayed_is_told_later(
    store: DeliveryStore, outbox: Outbox
) -> None:
    ear = Ear()
    async with relaying(outbox, Clock(), ear):
        tell(store, "d1", "one")
        await eventually(lambda: len(ear.heard) == 1)
    tell(store, "d1", "two")
    async with relaying(outbox, Clock(), ear):
        await eventually(lambda: len(ear.heard) == 2)
    assert ear.heard == [("d1", "one"), ("d1", "two")]


async def test_a_webhook_that_fails_is_tried_again_in_order_with_growing_pauses(
    store: DeliveryStore, outbox: Outbox
) -> None:
    clock = Clock()
    async with listening(Receiver(lambda _post, number: 503 if number <= 3 else 200)) as receiver:
        hook = Webhook(receiver.url, lambda: b"key", frozenset(), clock)
        async with relaying(outbox, clock, hook):
            tell(store, "d1", "one", "two")
            for attempt, seconds in ((1, 1.0), (2, 2.0), (3, 4.0)):
                await receiver.until(attempt)
                await asyncio.sleep(0.1)
                assert len(receiver.posts) == attempt, "not before its time"
                clock.now += seconds
            await receiver.until(5)
    words = [post.json["data"]["words"] for post in receiver.posts]
    assert words == ["one", "one", "one", "one", "two"]
    assert len({post.headers["webhook-id"] for post in receiver.posts[:4]}) == 1
    assert len({post.headers["webhook-signature"] for post in receiver.posts[:4]}) == 4


async def test_nobody_waits_for_a_listener_that_hangs(store: DeliveryStore, outbox: Outbox) -> None:
    clock, fine = Clock(), Ear("fine")
    async with listening(Receiver(lambda _post, _number: 0)) as receiver:
        hanging = Webhook(receiver.url, lambda: b"key", frozenset(), clock)
        async with relaying(outbox, clock, hanging, fine):
            tell(store, "d1", "one", "two", "three")
            await receiver.until(1)
            await eventually(lambda: len(fine.heard) == 3)


async def test_a_deployment_that_cannot_be_told_of_holds_up_no_other(
    store: DeliveryStore, outbox: Outbox
) -> None:
    def mood(event: Json) -> None:
        if event["subject"] == "d1":
            raise Unavailable("x", "not now")

    ear = Ear(mood=mood)
    async with relaying(outbox, Clock(), ear):
        tell(store, "d1", "one", "two")
        tell(store, "d2", "one", "two")
        await eventually(lambda: len(ear.heard) == 2)
    assert ear.heard == [("d2", "one"), ("d2", "two")]


async def test_what_never_arrives_becomes_a_dead_letter_and_can_be_sent_again(
    store: DeliveryStore, outbox: Outbox
) -> None:
    clock, broken = Clock(), True
    tried = 0

    def mood(event: Json) -> None:
        nonlocal tried
        if broken and event["data"]["words"] == "one":
            tried += 1
            raise ValueError("a defect")

    ear = Ear(mood=mood)
    async with relaying(outbox, clock, ear):
        tell(store, "d1", "one", "two")
        for attempt in range(1, ATTEMPTS + 1):
            await eventually(lambda wanted=attempt: tried == wanted)  # type: ignore[misc]
            await asyncio.sleep(0.05)
            clock.now += pause(attempt, 0.0)
        await eventually(lambda: ear.heard == [("d1", "two")])
        [dead] = outbox.dead_letters()
        assert (dead.listener, dead.event, dead.attempts) == ("ear", 1, ATTEMPTS)
        assert dead.error == "a defect: ValueError"
        with pytest.raises(NotFound):
            outbox.redeliver("ear", 2)
        broken = False
        outbox.redeliver("ear", 1)
        await eventually(lambda: len(ear.heard) == 2)
    assert outbox.dead_letters() == ()


async def test_a_listener_that_is_gone_is_not_tried_again(
    store: DeliveryStore, outbox: Outbox
) -> None:
    def mood(_: Json) -> None:
        raise Refused("gone", "it answered 410")

    async with relaying(outbox, Clock(), Ear(mood=mood)):
        tell(store, "d1", "one")
        await eventually(lambda: len(outbox.dead_letters()) == 1)
    assert outbox.dead_letters()[0].attempts == 1


def test_a_claim_is_nobody_elses_until_its_holder_must_be_dead(
    store: DeliveryStore, outbox: Outbox
) -> None:
    outbox.take_up("ear", lambda _kind: True)
    tell(store, "d1", "one", "two")
    outbox.take_up("ear", lambda _kind: True)
    [claimed] = outbox.claim("ear", 100.0)
    assert claimed.event.words == "one"
    assert outbox.claim("ear", 100.0 + CLAIM_SECONDS - 1) == ()
    [again] = outbox.claim("ear", 100.0 + CLAIM_SECONDS)
    assert again.event == claimed.event
    outbox.delivered("ear", again.event.id)
    assert [n.event.words for n in outbox.claim("ear", 200.0)] == ["two"]


async def test_two_relays_share_the_work(store: DeliveryStore, outbox: Outbox) -> None:
    first, second = Ear(), Ear()
    async with relaying(outbox, Clock(), first), relaying(outbox, Clock(), second):
        for number in range(10):
            tell(store, f"d{number}", "one")
        await eventually(lambda: len(first.heard) + len(second.heard) == 10)
        await asyncio.sleep(0.1)
    assert sorted(first.heard + second.heard) == [(f"d{n}", "one") for n in range(10)]


def test_pauses_double_up_to_an_hour_and_differ() -> None:
    assert [pause(n, 0.0) for n in (1, 2, 3, 12, 20)] == [1.0, 2.0, 4.0, 2048.0, 3600.0]
    assert pause(3, 1.0) == 2.0
