"""What an environment needs besides deployments, on a real store and a simulated target."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.service_rig import ADA, Desk
from tests.unit.delivery.listening import Receiver, listening
from tests.waiting import PATIENCE

from fairway.control.upkeep import Charge, Upkeep, artifacts_in_use
from fairway.delivery.port import DeliveryEvent
from fairway.delivery.store.deployments import Order
from fairway.delivery.store.forgetting import forget_old
from fairway.errors import NotFound
from fairway.targets.contract import Drift

OLD, NEW = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def charge(desk: Desk, **changed: Any) -> Charge:
    given = {
        "app": "shop", "environment": "prod", "store": desk.store, "target": desk.target,
        "secret_of": lambda _name: "shared", "clock": desk.clock, "confirmed_after": 0.01,
    }  # fmt: skip
    return Charge(**given | changed)


@asynccontextmanager
async def looked_after(desk: Desk, **changed: Any) -> AsyncIterator[Upkeep]:
    upkeep = Upkeep(charge(desk, **changed))
    await upkeep.start()
    try:
        yield upkeep
    finally:
        await upkeep.stop()


async def test_the_listeners_of_the_release_in_force_are_told(tmp_path: Path) -> None:
    receiver = Receiver()
    async with listening(receiver), Desk(tmp_path) as desk, looked_after(desk) as upkeep:
        notify = [{"webhook": receiver.url, "secret": "HOOK", "events": ["DeploymentSucceeded"]}]
        await desk.shipped(desk.wish("one", notify=notify))
        await upkeep.once()
        await receiver.until(1)
        assert receiver.posts[0].json["data"]["release"] == 1
        assert "webhook-signature" in receiver.posts[0].headers
        await desk.shipped(desk.wish("two"))  # names nobody; whether that is told is a race
        await upkeep.once()
        await desk.shipped(desk.wish("three"))
        await asyncio.sleep(0.7)
        assert 3 not in [post.json["data"]["release"] for post in receiver.posts]


async def test_what_was_not_told_is_told_after_a_restart(tmp_path: Path) -> None:
    receiver = Receiver()
    async with listening(receiver), Desk(tmp_path) as desk:
        notify = [{"webhook": receiver.url, "secret": "HOOK", "events": ["DeploymentSucceeded"]}]
        await desk.shipped(desk.wish("one", notify=notify))
        async with looked_after(desk):
            await receiver.until(1)
        await desk.shipped(desk.wish("two", notify=notify))
        async with looked_after(desk):
            await receiver.until(2)
        assert [post.json["data"]["release"] for post in receiver.posts] == [1, 2]


async def test_what_cannot_be_told_is_listed_and_told_again(tmp_path: Path) -> None:
    receiver = Receiver(answer=lambda _post, number: 410 if number == 1 else 204)
    async with listening(receiver), Desk(tmp_path) as desk, looked_after(desk) as upkeep:
        notify = [{"webhook": receiver.url, "secret": "HOOK", "events": ["DeploymentSucceeded"]}]
        await desk.shipped(desk.wish("one", notify=notify))
        await upkeep.once()
        await receiver.until(1)
        async with asyncio.timeout(PATIENCE):
            while not (dead := await upkeep.listening.dead_letters()):
                await asyncio.sleep(0.02)
        assert [(each.listener, each.attempts) for each in dead] == [(f"webhook {receiver.url}", 1)]
        assert (dead[0].type, dead[0].words) == ("DeploymentSucceeded", "r1 serves every request")
        with pytest.raises(NotFound):
            await desk.delivery.redeliver(ADA, event=dead[0].event + 1)
        assert await desk.delivery.redeliver(ADA) == dead
        assert len(await receiver.until(2)) == 2
        assert await desk.delivery.dead_letters() == ()
        assert await desk.delivery.redeliver(ADA) == ()


async def test_retention_forgets_what_is_neither_new_nor_needed(tmp_path: Path) -> None:
    kept: list[frozenset[str]] = []
    async with Desk(tmp_path) as desk:
        tidy = lambda: kept.append(artifacts_in_use(desk.store))  # noqa: E731
        async with looked_after(desk, tidy=tidy) as upkeep:
            await desk.shipped(desk.wish("one", retention=1, artifacts={"axon": OLD}))
            await upkeep.once()
            begun = await desk.delivery.deploy(
                desk.wish("two", retention=1, artifacts={"axon": NEW}), ADA
            )
            await desk.step(begun.id, "watch")
            await upkeep.once()  # under way: both are needed
            assert [each.number for each in desk.store.releases.list()] == [2, 1]
            await desk.ended(begun.id)
            await upkeep.once()
            await upkeep.once()
            assert [each.number for each in desk.store.releases.list()] == [2]
    assert kept == [frozenset({OLD}), frozenset({NEW})]


async def test_the_oldest_deployments_and_events_are_forgotten(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        ended = [await desk.shipped(desk.wish(str(number))) for number in range(3)]
        order = Order("abort", "ada", "deployer", "", 0.0)
        desk.store.deployments.give(ended[0].id, order)
        last = desk.store.events.last()
        assert forget_old(desk.database, deployments=1, events=5) == ("d1", "d2")
        page = await desk.delivery.deployments()
        assert [each.id for each in page.deployments] == ["d3"]
        assert desk.store.looks.watching("d2") is None
        assert desk.store.looks.watching("d3") is not None
        assert [each.id for each in desk.store.events.after(0)] == list(range(last - 4, last + 1))
        assert (await desk.shipped(desk.wish("more"))).status == "succeeded"


async def test_what_is_under_way_is_never_forgotten(tmp_path: Path) -> None:
    desk = Desk(tmp_path, resting=True)
    await desk.delivery.deploy(desk.wish("one"), ADA)
    await desk.delivery.deploy(desk.wish("two", when_busy="queue"), ADA)
    assert forget_old(desk.database, deployments=0) == ()


def told_drift(desk: Desk) -> list[list[str]]:
    found = desk.store.events.after(0, limit=1000)
    return [
        [drift["subject"] for drift in each.data["drift"]]
        for each in found
        if each.type == "DriftDetected"
    ]


async def test_each_difference_is_told_once_until_it_has_gone(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        upkeep, other = Upkeep(charge(desk)), Upkeep(charge(desk))
        assert await upkeep.look_for_drift() == ()
        desk.target.kill("axon", "r1")
        assert [each.subject for each in await upkeep.look_for_drift()] == ["axon r1"]
        assert upkeep.drift
        for again in (upkeep, other, Upkeep(charge(desk))):
            assert await again.look_for_drift() == ()
        desk.target.kill("orbit", "r1")
        await other.look_for_drift()
        assert told_drift(desk) == [["axon r1"], ["orbit r1"]]
        await desk.delivery.repair(ADA)
        await upkeep.look_for_drift()
        assert upkeep.drift == ()
        desk.target.kill("axon", "r1")
        await upkeep.look_for_drift()
        assert told_drift(desk) == [["axon r1"], ["orbit r1"], ["axon r1"]]


async def test_a_replica_that_restarts_is_no_drift(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))

        class Healing:
            """Differs at the first look only."""

            looks = 0

            async def drift(self) -> tuple[Drift, ...]:
                self.looks += 1
                found = Drift("process", "axon r1", "2 replicas", "1 of 2 run", "")
                return (found,) if self.looks == 1 else ()

        assert await Upkeep(charge(desk, target=Healing())).look_for_drift() == ()
        assert told_drift(desk) == []


@pytest.mark.parametrize("deployed", [False, True])
async def test_nobody_looks_before_the_first_deployment_or_during_one(
    tmp_path: Path, deployed: bool
) -> None:
    async with Desk(tmp_path) as desk:
        if deployed:
            await desk.shipped(desk.wish("one"))
            desk.target.kill("axon", "r1")
            begun = await desk.delivery.deploy(desk.wish("two", approvals=1), ADA)
            await desk.step(begun.id, "await_approval")
        assert await Upkeep(charge(desk)).look_for_drift() == ()
        assert told_drift(desk) == []


async def test_looks_are_an_interval_apart(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        async with looked_after(desk, drift_interval=60.0) as upkeep:
            await upkeep.once()
            desk.target.kill("axon", "r1")
            await desk.clock.sleep(30)
            await upkeep.once()
            assert told_drift(desk) == []
            await desk.clock.sleep(31)
            await upkeep.once()
            assert told_drift(desk) == [["axon r1"]]


async def test_every_event_is_passed_on_once(tmp_path: Path) -> None:
    heard: list[DeliveryEvent] = []
    hear: Callable[[DeliveryEvent], None] = heard.append
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("before"))
        before = desk.store.events.last()
        async with looked_after(desk, told=hear) as upkeep:
            await desk.shipped(desk.wish("one"))
            await upkeep.once()
            await upkeep.once()
        assert [each.id for each in heard] == list(range(before + 1, desk.store.events.last() + 1))


async def test_of_its_first_deployment_a_listener_is_told_everything(tmp_path: Path) -> None:
    receiver = Receiver()
    async with listening(receiver), Desk(tmp_path) as desk, looked_after(desk) as upkeep:
        notify = [{"webhook": receiver.url, "secret": "HOOK"}]
        begun = await desk.delivery.deploy(desk.wish("one", notify=notify, approvals=1), ADA)
        await desk.step(begun.id, "await_approval")
        await upkeep.once()
        await receiver.until(4)
        kinds = [post.json["type"].removeprefix("io.fairway.") for post in receiver.posts]
        assert (kinds[0], kinds[-1]) == ("deployment.queued.v1", "approval.requested.v1")
