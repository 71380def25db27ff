"""A release of two services is one unit: nobody meets a mixture, and nobody goes back and forth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from tests.delivery_rig import ADA, Change, DeliveryRig, delivery_rig, served_by
from tests.steady_load import steady_load

from fairway.delivery.deployment import Deployment

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.xdist_group("system"),
    pytest.mark.asyncio(loop_scope="module"),
]

BY_HAND = {"canary": {"steps": [20, 50], "bake": "120s"}}
"""Each step lasts until it is promoted."""
USERS = 60


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeliveryRig]:
    async with delivery_rig(tmp_path_factory.mktemp("cohorts")) as made:
        yield made


async def promoted(rig: DeliveryRig, begun: Deployment, weight: int) -> None:
    """Go on by hand, until the candidates have this weight."""
    await rig.delivery.tell(begun.id, "promote", ADA)
    await rig.when(begun, lambda found: found.serving == weight)


async def test_both_services_move_together(rig: DeliveryRig) -> None:
    async with steady_load(f"{rig.gateway}/orbit/axon", 60) as load:
        ended = await rig.deploy(Change(axon="two", orbit="two"))
        await asyncio.sleep(0.2)
    assert (ended.status, load.failed) == ("succeeded", {})
    paths = {tuple(served_by(body)) for body in load.bodies(0)}
    old, new = f"r{ended.base}", ended.cohort
    assert paths == {(old, old), (new, new)}


async def test_users_stay_in_the_canary_as_it_grows(rig: DeliveryRig) -> None:
    begun = await rig.begin(Change(axon="three", orbit="three", strategy=BY_HAND))
    await rig.when(begun, lambda found: found.serving == 20)
    users = [httpx2.AsyncClient(base_url=rig.gateway, timeout=10) for _ in range(USERS)]
    inside: set[int] = set()
    for weight in (20, 50, 100):
        answers = await asyncio.gather(*(user.get("/orbit/axon") for user in users))
        again = await asyncio.gather(*(user.get("/orbit/axon") for user in users))
        assert [a.text for a in answers] == [b.text for b in again]
        served = [served_by(answer.text) for answer in answers]
        assert all(len(set(hops)) == 1 for hops in served)
        found = {user for user, hops in enumerate(served) if hops[0] == begun.cohort}
        assert inside <= found
        assert found if weight < 100 else len(found) == USERS
        inside = found
        if weight < 100:
            await promoted(rig, begun, 50 if weight == 20 else 100)
    await asyncio.gather(*(user.aclose() for user in users))
    assert (await rig.ended(begun)).status == "succeeded"


async def test_testers_see_it_before_the_switch_and_nobody_else_does(rig: DeliveryRig) -> None:
    strategy = {"blue_green": {"preview": "120s", "bake": "200ms"}}
    begun = await rig.begin(Change(axon="four", orbit="four", strategy=strategy))
    await rig.when(begun, lambda found: found.effect is not None and found.effect.step == "watch")
    for wish in (begun.cohort, "canary"):
        seen = await rig.get("/orbit/axon", x_fairway_preview=wish)
        assert served_by(seen.text) == [begun.cohort, begun.cohort]
    forged = await rig.get("/orbit/axon", x_fairway_cohort=begun.cohort)
    others = [forged, *[await rig.get("/orbit/axon") for _ in range(20)]]
    assert {tuple(served_by(answer.text)) for answer in others} == {(f"r{begun.base}",) * 2}
    await promoted(rig, begun, 100)
    assert served_by((await rig.get("/orbit/axon")).text) == [begun.cohort, begun.cohort]
    assert (await rig.ended(begun)).status == "succeeded"


async def test_copies_of_requests_are_the_first_step(rig: DeliveryRig) -> None:
    """The candidate fails half of the copies: no user has seen one, and it ends there."""
    strategy = {"canary": {"steps": [50], "bake": "15s", "mirror": 100}}
    async with steady_load(f"{rig.gateway}/axon/x", 80) as load:
        ended = await rig.deploy(Change(axon="errors", orbit="four", strategy=strategy))
    assert ended.status == "rolled_back"
    assert load.failed == {}
    assert {tuple(served_by(body)) for body in load.bodies(0)} == {(f"r{ended.base}",)}
    watching = await rig.delivery.watching(ended.id)
    assert watching is not None
    assert (watching.weight, watching.stage) == (0, 0)
    assert watching.harmed == 0, "a copy harms nobody"
