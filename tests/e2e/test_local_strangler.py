"""A public route leaves a legacy system by deployments: shifted by weights, judged, and given back.

The legacy system is a plain HTTP server outside the mesh; it knows nothing of Fairway.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.delivery_rig import ADA, Change, DeliveryRig, delivery_rig
from tests.old_system import LEGACY, OldSystem, old_system
from tests.steady_load import steady_load

from fairway.delivery.deployment import Deployment

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.xdist_group("system"),
    pytest.mark.asyncio(loop_scope="module"),
]

AT_ONCE = {"blue_green": {"bake": "0s"}}
BY_HAND = {"canary": {"steps": [20, 50], "bake": "120s"}}
PATIENT = {"canary": {"steps": [20, 50], "bake": "15s"}}
USERS = 60


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def old() -> AsyncIterator[OldSystem]:
    async with old_system() as system:
        yield system


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(
    tmp_path_factory: pytest.TempPathFactory, old: OldSystem
) -> AsyncIterator[DeliveryRig]:
    """At first the legacy system answers axon's route."""
    folder = tmp_path_factory.mktemp("strangler")
    async with delivery_rig(folder, left_to(old, strategy=AT_ONCE)) as made:
        yield made


def left_to(old: OldSystem, **changes: Any) -> Change:
    """A release that leaves axon's public route to the legacy system."""
    return Change(services={"axon": {"public": [{"path": "/axon", "legacy": old.url}]}}, **changes)


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def before(rig: DeliveryRig, old: OldSystem) -> None:
    """The legacy system answers everything, whatever the test before has left behind."""
    old.status = 200
    if (await rig.get("/axon/x")).text != LEGACY:
        ended = await rig.deploy(left_to(old, strategy=AT_ONCE))
        assert ended.status == "succeeded", ended.reason
    assert (await rig.get("/axon/x")).text == LEGACY


async def promoted(rig: DeliveryRig, begun: Deployment, weight: int) -> None:
    await rig.delivery.tell(begun.id, "promote", ADA)
    await rig.when(begun, lambda found: found.serving == weight)


def by_whom(bodies: Counter[str]) -> Counter[str]:
    """Answers by who gave them: `legacy`, or a version."""
    found: Counter[str] = Counter()
    for body, count in bodies.items():
        found[body if body == LEGACY else body.split(":")[1]] += count
    return found


async def test_a_route_is_shifted_to_the_service_and_judged(rig: DeliveryRig) -> None:
    async with steady_load(f"{rig.gateway}/axon/x", 120) as load:
        ended = await rig.deploy(Change(axon="good"))
    assert (ended.status, load.failed) == ("succeeded", {}), ended.reason
    assert (await rig.get("/axon/x")).text.startswith(f"axon:{ended.cohort}:")
    assert set(by_whom(load.bodies(0))) == {LEGACY, ended.cohort}, "never the old version"
    watching = await rig.delivery.watching(ended.id)
    assert watching is not None
    (errors,) = [check for check in watching.checks if check["name"].endswith("errors")]
    assert min(errors["candidate_requests"], errors["stable_requests"]) > 20, "both were counted"


async def test_users_stay_on_their_side(rig: DeliveryRig) -> None:
    begun = await rig.begin(Change(axon="sticky", strategy=BY_HAND))
    await rig.when(begun, lambda found: found.serving == 20)
    users = [httpx2.AsyncClient(base_url=rig.gateway, timeout=10) for _ in range(USERS)]
    inside: set[int] = set()
    for weight in (20, 50, 100):
        answers = await asyncio.gather(*(user.get("/axon/x") for user in users))
        again = await asyncio.gather(*(user.get("/axon/x") for user in users))
        assert [a.text for a in answers] == [b.text for b in again]
        assert set(by_whom(Counter(a.text for a in answers))) <= {LEGACY, begun.cohort}
        found = {user for user, answer in enumerate(answers) if answer.text != LEGACY}
        assert inside <= found
        assert len(found) == USERS if weight == 100 else 0 < len(found) < USERS
        inside = found
        if weight < 100:
            await promoted(rig, begun, 50 if weight == 20 else 100)
    await asyncio.gather(*(user.aclose() for user in users))
    assert (await rig.ended(begun)).status == "succeeded"


async def test_a_bad_service_gives_the_route_back(rig: DeliveryRig) -> None:
    async with steady_load(f"{rig.gateway}/axon/x", 80) as load:
        ended = await rig.deploy(Change(axon="errors", strategy=PATIENT))
    assert ended.status == "rolled_back", ended.reason
    assert ended.reason.startswith("axon: ")
    assert 0 < len([1 for _, status, _ in load.answers if status == 500]) < 60
    assert {(await rig.get("/axon/x")).text for _ in range(20)} == {LEGACY}


async def test_an_old_system_that_fails_as_well_is_no_reason_to_go_back(
    rig: DeliveryRig, old: OldSystem
) -> None:
    """What it answers is what the service is compared with, from the very same moments."""
    old.status = 500
    async with steady_load(f"{rig.gateway}/axon/x", 120) as load:
        ended = await rig.deploy(Change(axon="errors"))
    assert ended.status == "succeeded", ended.reason
    assert set(load.failed) == {"500 legacy", f"500 axon:{ended.cohort}:errors:"}


async def test_going_back_to_the_old_system_is_a_canary_too(
    rig: DeliveryRig, old: OldSystem
) -> None:
    assert (await rig.deploy(Change(axon="taken", strategy=AT_ONCE))).status == "succeeded"
    begun = await rig.begin(left_to(old, axon="left", strategy=BY_HAND))
    await rig.when(begun, lambda found: found.serving == 20)
    answers = by_whom(Counter([(await rig.get("/axon/x")).text for _ in range(100)]))
    assert set(answers) == {LEGACY, f"r{begun.base}"}, "nobody meets what has no public route"
    assert 5 <= answers[LEGACY] <= 40
    tester = await rig.get("/axon/x", x_fairway_preview="canary")
    assert tester.text == LEGACY
    await rig.delivery.tell(begun.id, "abort", ADA, "the old system is not needed any more")
    assert (await rig.ended(begun)).status == "rolled_back"
    assert {(await rig.get("/axon/x")).text for _ in range(20)} == {f"axon:r{begun.base}:taken:"}
