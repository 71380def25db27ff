"""Versions side by side on this machine, with real processes and real Envoys.

Each test plays the delivery engine's part: it calls the target's methods in the engine's order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from tests.local_target_rig import Changes, LocalRig
from tests.steady_load import steady_load
from tests.waiting import eventually

from fairway.control.plane import derived_policies
from fairway.errors import Conflict, InvalidInput, Unhealthy
from fairway.model.app import App
from fairway.plan.observed import WORKING_TREE
from fairway.plan.release import Release
from fairway.targets.contract import Fence, Routing, Split, Wanted

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

LEASE = Fence("d1", 1)
BOTH = ("axon", "orbit")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[LocalRig]:
    """A control plane with no release, and no service."""
    made = LocalRig(tmp_path)
    try:
        await made.start()
        yield made
    finally:
        await made.close()


@pytest.fixture
async def working(tmp_path: Path) -> AsyncIterator[LocalRig]:
    """A control plane that runs the working tree, as the first `fairway up` does."""
    made = LocalRig(tmp_path, empty=False)
    try:
        await made.start()
        yield made
    finally:
        await made.close()


async def deployed(rig: LocalRig, release: Release, *services: str, replicas: int = 2) -> None:
    """All of a deployment, at once."""
    wanted = [Wanted(name, release.name, replicas) for name in services]
    await rig.target.apply(release, wanted, LEASE)
    await rig.target.govern(release, LEASE)
    await rig.target.shift(Routing({n: Split({release.name: 100}) for n in services}), LEASE)
    observed = await rig.target.observe()
    old = [
        (name, version.name)
        for name in services
        for version in observed.services[name]
        if version.name != release.name
    ]
    await rig.target.retire(old, LEASE)
    await rig.target.settle(release, LEASE)


def split(weight: int, before: str = "r1", after: str = "r2", *services: str) -> Routing:
    weights = {before: 100 - weight, after: weight}
    return Routing({n: Split(weights, after) for n in services or BOTH}, cohort=after)


async def test_no_request_is_lost_while_a_release_comes_and_a_replica_dies(rig: LocalRig) -> None:
    await deployed(rig, rig.release(1), *BOTH)
    async with (
        steady_load(f"{rig.gateway}/orbit/axon", 250) as through,
        steady_load(f"{rig.gateway}/axon/x", 250) as direct,
    ):
        two = rig.release(2, axon="two", orbit="two")
        await rig.target.apply(two, [Wanted(name, "r2", 2) for name in BOTH], LEASE)
        await rig.target.govern(two, LEASE)
        for weight in (5, 50, 100):
            await rig.target.shift(split(weight), LEASE)
            await asyncio.sleep(0.5)
        await rig.target.retire([("axon", "r1"), ("orbit", "r1")], LEASE)
        retired = time.monotonic()
        await rig.target.settle(two, LEASE)
        await asyncio.sleep(0.5)
    assert (through.failed, direct.failed) == ({}, {})
    assert set(direct.bodies(retired)) == {"r2 two"}
    assert set(through.bodies(retired)) == {"r2 two via r2 two"}
    assert len(direct.answers) > 250


async def test_a_killed_replica_comes_back_in_its_own_version(rig: LocalRig) -> None:
    await deployed(rig, rig.release(1), "axon")
    await rig.target.apply(rig.release(2, axon="two"), [Wanted("axon", "r2", 2)], LEASE)
    await rig.target.shift(split(50, "r1", "r2", "axon"), LEASE)
    async with steady_load(f"{rig.gateway}/axon/x", 200) as load:
        before = rig.pids("axon", "r2")
        await rig.kill_a_replica("axon", "r2")
        await eventually(lambda: rig.healthy("axon", "r2") == 2)
    assert load.failed == {}
    assert len(set(rig.pids("axon", "r2")) - set(before)) == 1
    assert len(rig.pids("axon", "r1")) == 2


async def test_a_request_under_way_is_finished_before_its_version_goes(rig: LocalRig) -> None:
    await deployed(rig, rig.release(1, axon="late"), "axon")
    await rig.target.apply(rig.release(2, axon="two"), [Wanted("axon", "r2", 1)], LEASE)
    asked = asyncio.create_task(rig.ask("axon", 4))
    await asyncio.sleep(1.5)  # half of the time that it takes to answer
    await rig.target.shift(split(100, "r1", "r2", "axon"), LEASE)
    await rig.target.retire([("axon", "r1")], LEASE)
    assert await asked == ["200 r1 late"] * 4
    assert not rig.pids("axon", "r1")


async def test_a_snapshot_runs_on_when_the_working_tree_moves_on(rig: LocalRig) -> None:
    await deployed(rig, rig.release(1), "axon")
    rig.write("edited", "edited")
    assert rig.plane is not None
    await rig.plane.restart("axon")
    assert set(await rig.ask("axon", 4)) == {"200 r1 one"}


async def test_the_first_deployment_pins_the_working_tree_and_replaces_it(
    working: LocalRig,
) -> None:
    assert set(await working.ask("axon", 2)) == {f"200 {WORKING_TREE} one"}
    one = working.release(1, axon="two", orbit="two")
    working.write("one", "one")
    async with steady_load(f"{working.gateway}/orbit/axon", 100) as load:
        await working.target.apply(one, [Wanted(name, "r1", 1) for name in BOTH], LEASE)
        working.write("edited", "edited")
        await asyncio.sleep(0.8)  # the time in which an edit would have been noticed
        assert set(await working.ask("axon", 2)) == {f"200 {WORKING_TREE} one"}
        await working.target.shift(split(100, WORKING_TREE, "r1"), LEASE)
        await working.target.retire([(name, WORKING_TREE) for name in BOTH], LEASE)
        await working.target.settle(one, LEASE)
    assert load.failed == {}
    assert set(await working.ask("orbit", 2)) == {"200 r1 two"}


async def test_back_to_the_working_tree_edits_take_effect_again(working: LocalRig) -> None:
    one = working.release(1, axon="ill")
    working.write("one", "one")
    with pytest.raises(Unhealthy):
        await working.target.apply(one, [Wanted("axon", "r1", 1)], LEASE)
    assert working.system.pinned
    await working.target.shift(split(0, WORKING_TREE, "r1", "axon"), LEASE)
    await working.target.retire([("axon", "r1")], LEASE)
    assert not working.system.pinned
    working.write("edited", "one")

    async def reloaded() -> bool:
        return set(await working.ask("axon", 2)) == {f"200 {WORKING_TREE} edited"}

    await eventually(reloaded)


async def test_a_new_control_plane_goes_on_with_both_versions(rig: LocalRig) -> None:
    await deployed(rig, rig.release(1), *BOTH)
    await rig.target.apply(rig.release(2, axon="two"), [Wanted("axon", "r2", 1)], LEASE)
    await rig.target.shift(split(50, "r1", "r2", "axon"), LEASE)
    before = rig.pids("axon", "r1"), rig.pids("axon", "r2")
    async with steady_load(f"{rig.gateway}/axon/x", 100) as load:
        await rig.restart()
        await asyncio.sleep(0.3)
    assert load.failed == {}
    assert (rig.pids("axon", "r1"), rig.pids("axon", "r2")) == before
    answers = await rig.ask("axon", 60)
    assert 10 <= answers.count("200 r2 two") <= 50


async def test_a_restart_loses_no_measurement(rig: LocalRig) -> None:
    await deployed(rig, rig.release(1), "axon")
    await rig.ask("axon", 20)
    before = (await rig.target.measure(["axon"]))["axon"]["r1"].requests
    await rig.restart()
    await rig.ask("axon", 5)
    assert (await rig.target.measure(["axon"]))["axon"]["r1"].requests == before + 5


async def test_what_only_the_old_version_offers_is_there_until_it_has_settled(
    rig: LocalRig,
) -> None:
    await deployed(rig, rig.release(1), *BOTH)
    moved = {"intents": {"ask": "GET /moved/{x}"}, "public": "/moved"}
    two = rig.release(2, axon="two", orbit="two", changes={"axon": moved, "orbit": {"calls": {}}})
    await rig.target.apply(two, [Wanted(name, "r2", 1) for name in BOTH], LEASE)
    await rig.target.govern(two, LEASE)
    assert set(await rig.ask("axon", 4)) == {"200 r1 one"}
    await rig.target.shift(split(100), LEASE)
    assert set(await rig.ask("moved", 4)) == {"200 r2 two"}
    await rig.target.retire([(name, "r1") for name in BOTH], LEASE)
    await rig.target.settle(two, LEASE)
    assert {answer[:3] for answer in await rig.ask("axon", 2)} == {"404"}


async def test_two_protocols_at_once_are_refused(rig: LocalRig) -> None:
    await deployed(rig, rig.release(1), "axon")
    two = rig.release(2, axon="two", changes={"axon": {"protocol": "http2"}})
    with pytest.raises(InvalidInput, match="protocol"):
        await rig.target.apply(two, [Wanted("axon", "r2", 1)], LEASE)
    assert set(await rig.ask("axon", 2)) == {"200 r1 one"}


async def test_a_worker_changes_hands_and_never_works_twice(tmp_path: Path) -> None:
    worker = {"kind": "worker", "intents": {}, "public": [], "health": {}}
    alone: Changes = {"axon": worker, "orbit": {"calls": {}}}
    rig = LocalRig(tmp_path, changes=alone)
    try:
        await rig.start()
        await _worker_changes_hands(rig, alone)
    finally:
        await rig.close()


async def _worker_changes_hands(rig: LocalRig, alone: Changes) -> None:
    await deployed(rig, rig.release(1, changes=alone), "axon", replicas=1)
    assert len(rig.pids("axon", "r1")) == 1
    two = rig.release(2, axon="two", changes=alone)
    await rig.target.apply(two, [Wanted("axon", "r2", 1)], LEASE)
    assert rig.pids("axon", "r2") == []
    await rig.target.shift(split(100, "r1", "r2", "axon"), LEASE)
    assert (len(rig.pids("axon", "r1")), len(rig.pids("axon", "r2"))) == (0, 1)
    await rig.target.shift(split(0, "r1", "r2", "axon"), LEASE)
    assert (len(rig.pids("axon", "r1")), len(rig.pids("axon", "r2"))) == (1, 0)
    await rig.target.retire([("axon", "r2")], LEASE)


async def test_a_service_that_goes_away_is_stopped_with_its_envoy(rig: LocalRig) -> None:
    await deployed(rig, rig.release(1), *BOTH)
    two = rig.release(2, orbit="two", changes={"orbit": {"calls": {}}, "axon": None})
    await rig.target.apply(two, [Wanted("orbit", "r2", 1)], LEASE)
    await rig.target.shift(split(100, "r1", "r2", "orbit"), LEASE)
    with pytest.raises(Conflict):
        await rig.target.retire([("axon", "r1")], LEASE)
    await rig.target.shift(Routing({"axon": Split({})}), LEASE)
    await rig.target.retire([("axon", "r1"), ("orbit", "r1")], LEASE)
    await rig.target.settle(two, LEASE)
    assert set(await rig.system.envoys()) == {"orbit", "gateway"}
    assert set(await rig.ask("orbit", 4)) == {"200 r2 two"}


async def test_up_goes_on_with_the_release_until_the_working_tree_is_asked_for(
    rig: LocalRig,
) -> None:
    await deployed(rig, rig.release(1), *BOTH)
    rig.write("edited", "edited")
    await rig.close()
    await rig.start()
    assert rig.plane is not None
    assert set(await rig.ask("axon", 2)) == {"200 r1 one"}
    assert (await rig.plane.status()).release == "r1"
    await rig.close()
    await rig.start(watch=True)
    assert set(await rig.ask("axon", 2)) == {f"200 {WORKING_TREE} edited"}
    assert rig.plane is not None
    assert {service.release for service in (await rig.plane.status()).services} == {WORKING_TREE}


async def test_calls_of_both_versions_are_allowed_by_policies_that_follow_from_calls(
    rig: LocalRig,
) -> None:
    """Each release brings the policies that follow from its own calls, and nothing else."""
    await deployed(rig, rig.release(1), *BOTH)
    changes: Changes = {"orbit": {"calls": {}}}
    two = rig.release(2, orbit="two", changes=changes)
    assert rig.plane is not None
    derived = derived_policies(App.model_validate(two.content.app))
    made = await rig.plane.create_policy_set(derived, author="a release")
    two = replace(two, content=replace(two.content, policy_set=made.version))
    await rig.target.apply(two, [Wanted("orbit", "r2", 1)], LEASE)
    await rig.target.govern(two, LEASE)
    url = f"http://127.0.0.1:{rig.system.ports.egress_to_of['orbit', 'axon', 'r1']}/axon/x"
    async with httpx2.AsyncClient() as http:
        assert (await http.get(url)).status_code == 200
        await rig.target.shift(split(100, "r1", "r2", "orbit"), LEASE)
        await rig.target.settle(two, LEASE)
        assert (await http.get(url)).status_code != 200
