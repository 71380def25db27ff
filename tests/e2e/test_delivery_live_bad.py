"""A bad release ends by itself where it began: at 0 %, with its harm counted and a reason."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.delivery_rig import ADA, BLUE_GREEN, ROLLING, Change, DeliveryRig, delivery_rig
from tests.steady_load import Load, steady_load

from fairway.delivery.deployment import Deployment
from fairway.errors import InvalidInput

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.xdist_group("system"),
    pytest.mark.asyncio(loop_scope="module"),
]

PATIENT = {"canary": {"steps": [20, 50], "bake": "10s"}}
"""A bad release must not outlast its first step."""
OBJECTIVE = {"asking": {"service": "axon", "intent": "ask", "availability": 99.0}}
RATE = 100


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeliveryRig]:
    async with delivery_rig(tmp_path_factory.mktemp("bad")) as made:
        yield made


async def rolled_back(rig: DeliveryRig, change: Change) -> tuple[Deployment, Load]:
    """A deployment under load that ends where it began; afterwards all is as before."""
    async with steady_load(f"{rig.gateway}/axon/x", RATE) as load:
        ended = await rig.deploy(change)
        over = time.monotonic()
        await asyncio.sleep(0.3)
    assert ended.status == "rolled_back", ended.reason
    assert set(load.bodies(over)) == {f"axon:r{ended.base}:one:"}
    assert rig.pids("axon", ended.cohort) == []
    assert len(rig.pids("axon", f"r{ended.base}")) == 2
    assert (await rig.delivery.plan(rig.wish(Change()))).empty
    return ended, load


@pytest.mark.parametrize(
    "strategy", [PATIENT, BLUE_GREEN, ROLLING], ids=["canary", "blue-green", "rolling"]
)
async def test_half_of_its_answers_are_errors(
    rig: DeliveryRig, strategy: dict[str, object]
) -> None:
    """With all requests there is nothing to compare it with: blue/green goes by its objective."""
    change = Change(axon="errors", strategy=strategy, app={"slos": OBJECTIVE})
    ended, load = await rolled_back(rig, change)
    assert ended.reason.startswith("axon: "), ended.reason
    assert "failed" in ended.reason
    watching = await rig.delivery.watching(ended.id)
    assert watching is not None
    assert watching.outcome == "fail"
    seen = sum(status == 500 for _, status, _ in load.answers)
    assert set(load.failed) == {f"500 axon:{ended.cohort}:errors:"}
    assert 0 < watching.harmed <= seen < 150


async def test_its_answers_take_longer(rig: DeliveryRig) -> None:
    ended, load = await rolled_back(rig, Change(axon="slow", strategy=PATIENT))
    assert ended.reason.startswith("axon: "), ended.reason
    assert "p95 of" in ended.reason
    assert load.failed == {}


async def test_it_never_gets_healthy_and_nobody_has_asked_it(rig: DeliveryRig) -> None:
    ended, load = await rolled_back(rig, Change(axon="ill"))
    assert "no table named orders" in ended.reason
    assert load.failed == {}
    assert not [body for body in load.bodies(0) if "ill" in body]


async def test_nobody_can_deploy_what_is_there_already(rig: DeliveryRig) -> None:
    with pytest.raises(InvalidInput):
        await rig.deploy(Change())


async def test_an_abort_in_the_bake_brings_the_old_version_back_at_once(rig: DeliveryRig) -> None:
    strategy = {"blue_green": {"bake": "60s"}}
    before = rig.pids("axon", f"r{(await rig.delivery.deployments()).deployments[-1].release}")
    async with steady_load(f"{rig.gateway}/axon/x", RATE) as load:
        begun = await rig.begin(Change(axon="two", strategy=strategy))
        await rig.when(begun, lambda found: found.serving == 100)
        await asyncio.sleep(0.5)
        told = time.monotonic()
        await rig.delivery.tell(begun.id, "abort", ADA, "not the right moment")
        ended = await rig.ended(begun)
    assert (ended.status, load.failed) == ("rolled_back", {})
    assert "not the right moment" in ended.reason
    assert set(load.bodies(told + 2)) <= {f"axon:r{ended.base}:one:"}
    assert rig.pids("axon", f"r{ended.base}") == before
