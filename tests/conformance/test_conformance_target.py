"""One suite for every target: what passes is shipped to by the same engine, in the same way.

Each test says a sentence of the contract's docstrings. A new target writes a rig and adds it here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.aws_target_rig import AwsRig
from tests.local_target_rig import LocalRig
from tests.target_rig import MemoryRig, Rig

from fairway.errors import Conflict, InvalidInput, Refused, Unhealthy
from fairway.plan.observed import ObservedVersion
from fairway.targets.contract import Fence, Routing, Split, Traffic, Wanted

RIGS: dict[str, Callable[[pytest.FixtureRequest, Path], Rig]] = {
    "memory": lambda _request, folder: MemoryRig(folder),
    "local": lambda _request, folder: LocalRig(folder),
    "aws-ecs-mesh": lambda request, _folder: AwsRig(request.getfixturevalue("moto")),
    "aws-ecs-alb": lambda request, _: AwsRig(request.getfixturevalue("moto"), balanced=True),
}
REAL = [pytest.mark.envoy, pytest.mark.xdist_group("system")]
"""Real processes and real Envoys, one system at a time."""

FIRST = Fence("d1", 1)
SECOND = Fence("d2", 2)
BOTH_ONE = (Wanted("axon", "r1", 2), Wanted("orbit", "r1", 1))


@pytest.fixture(params=["memory", pytest.param("local", marks=REAL), "aws-ecs-mesh", "aws-ecs-alb"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    made = RIGS[request.param](request, tmp_path)
    try:
        await made.start()
        yield made
    finally:
        await made.close()


def everything_to(version: str, *services: str) -> Routing:
    return Routing({name: Split({version: 100}) for name in services or ("axon", "orbit")})


def canary(weight: int, mirror: int = 0) -> Routing:
    split = Split({"r2": weight, "r1": 100 - weight}, candidate="r2")
    return Routing({"axon": split}, cohort="r2", mirror=mirror)


async def first_release(rig: Rig) -> None:
    one = rig.release(1)
    await rig.target.apply(one, BOTH_ONE, FIRST)
    await rig.target.govern(one, FIRST)
    await rig.target.shift(everything_to("r1"), FIRST)
    await rig.target.settle(one, FIRST)


async def with_candidate(rig: Rig) -> None:
    await first_release(rig)
    await rig.target.apply(rig.release(2, axon="two"), [Wanted("axon", "r2", 1)], SECOND)


async def versions(rig: Rig, service: str) -> dict[str, ObservedVersion]:
    observed = await rig.target.observe()
    return {version.name: version for version in observed.services.get(service, ())}


async def weights(rig: Rig, service: str = "axon") -> dict[str, int]:
    return {name: version.weight for name, version in (await versions(rig, service)).items()}


async def measured(rig: Rig, version: str, service: str = "axon") -> Traffic:
    return (await rig.target.measure([service]))[service][version]


async def test_at_first_nothing_runs(rig: Rig) -> None:
    observed = await rig.target.observe()
    assert (observed.release, dict(observed.services)) == (0, {})
    assert await rig.target.drift() == ()


async def test_a_new_version_runs_healthily_without_new_requests(rig: Rig) -> None:
    one = rig.release(1)
    await rig.target.apply(one, BOTH_ONE, FIRST)
    digest = one.content.services["axon"].digest
    assert await versions(rig, "axon") == {"r1": ObservedVersion("r1", digest, 0, 2, 2)}


async def test_what_serves_is_observed_with_release_and_policies(rig: Rig) -> None:
    await first_release(rig)
    observed = await rig.target.observe()
    assert (observed.release, observed.policy_set) == (1, 1)
    assert (await weights(rig, "axon"), await weights(rig, "orbit")) == ({"r1": 100}, {"r1": 100})


async def test_a_second_version_leaves_the_first_alone(rig: Rig) -> None:
    await first_release(rig)
    before = (await versions(rig, "axon"))["r1"]
    await rig.target.apply(rig.release(2, axon="two"), [Wanted("axon", "r2", 1)], SECOND)
    after = await versions(rig, "axon")
    assert after["r1"] == before
    assert (after["r2"].weight, after["r2"].healthy) == (0, 1)
    assert after["r2"].digest != before.digest


async def test_replicas_grow_and_shrink(rig: Rig) -> None:
    await first_release(rig)
    for count in (3, 1):
        await rig.target.apply(rig.release(1), [Wanted("axon", "r1", count)], FIRST)
        assert (await versions(rig, "axon"))["r1"].healthy == count


async def test_no_replica_of_a_version_is_left_when_none_is_wanted(rig: Rig) -> None:
    await with_candidate(rig)
    await rig.target.apply(rig.release(2, axon="two"), [Wanted("axon", "r2", 0)], SECOND)
    assert (await versions(rig, "axon")).get("r2", ObservedVersion("r2", "", 0, 0, 0)).healthy == 0


async def test_an_older_version_is_started_as_its_own_release_described_it(rig: Rig) -> None:
    await with_candidate(rig)
    old = (await versions(rig, "axon"))["r1"].digest
    await rig.target.shift(canary(100), SECOND)
    await rig.target.retire([("axon", "r1")], SECOND)
    await rig.target.apply(rig.release(1), [Wanted("axon", "r1", 2)], SECOND)
    assert (await versions(rig, "axon"))["r1"].digest == old


async def test_a_version_that_does_not_get_healthy_is_said_with_evidence(rig: Rig) -> None:
    await first_release(rig)
    ill = rig.release(2, axon="ill")
    with pytest.raises(Unhealthy, match="axon") as failure:
        await rig.target.apply(ill, [Wanted("axon", "r2", 1)], SECOND)
    assert failure.value.remedy
    assert (await weights(rig))["r1"] == 100


async def test_what_did_not_get_healthy_can_be_retired(rig: Rig) -> None:
    await first_release(rig)
    with pytest.raises(Unhealthy):
        await rig.target.apply(rig.release(2, axon="ill"), [Wanted("axon", "r2", 1)], SECOND)
    await rig.target.retire([("axon", "r2")], SECOND)
    assert set(await versions(rig, "axon")) == {"r1"}


async def test_requests_are_divided_as_asked(rig: Rig) -> None:
    await with_candidate(rig)
    for weight in (5, 50, 100, 0):
        await rig.target.shift(canary(weight), SECOND)
        assert await weights(rig) == {"r1": 100 - weight, "r2": weight}
    assert await weights(rig, "orbit") == {"r1": 100}


async def test_a_service_without_split_gets_no_requests_any_more(rig: Rig) -> None:
    await first_release(rig)
    await rig.target.shift(Routing({"orbit": Split({})}), FIRST)
    assert await weights(rig, "orbit") == {"r1": 0}


async def test_nothing_is_shifted_to_what_does_not_run(rig: Rig) -> None:
    await first_release(rig)
    both = Routing({"axon": Split({"r1": 100}), "orbit": Split({"r9": 100})})
    with pytest.raises(Conflict):
        await rig.target.shift(both, FIRST)
    assert await weights(rig, "orbit") == {"r1": 100}


async def test_only_whole_services_are_divided(rig: Rig) -> None:
    await with_candidate(rig)
    with pytest.raises(InvalidInput):
        await rig.target.shift(Routing({"axon": Split({"r1": 50, "r2": 49})}), SECOND)
    assert await weights(rig) == {"r1": 100, "r2": 0}


async def test_running_totals_follow_the_weights(rig: Rig) -> None:
    await with_candidate(rig)
    await rig.target.shift(canary(50), SECOND)
    before = await measured(rig, "r1"), await measured(rig, "r2")
    await rig.ask("axon", 200)
    after = await measured(rig, "r1"), await measured(rig, "r2")
    grown = [now.requests - then.requests for now, then in zip(after, before, strict=True)]
    assert sum(grown) >= 190
    assert all(70 <= count <= 130 for count in grown)
    assert [sum(now.latency.values()) for now in after] == [now.requests for now in after]


async def test_failed_answers_are_counted(rig: Rig) -> None:
    await first_release(rig)
    await rig.target.apply(rig.release(2, axon="errors"), [Wanted("axon", "r2", 1)], SECOND)
    await rig.target.shift(canary(100), SECOND)
    before = await measured(rig, "r2")
    await rig.ask("axon", 100)
    after = await measured(rig, "r2")
    assert 30 <= after.errors - before.errors <= 70


async def test_a_candidate_without_weight_is_asked_by_copies_only(rig: Rig) -> None:
    await with_candidate(rig)
    if not rig.copies:  # then it says so, and leaves everything as it is
        with pytest.raises(Refused):
            await rig.target.shift(canary(0, mirror=100), SECOND)
        assert await weights(rig) == {"r1": 100, "r2": 0}
        return
    await rig.target.shift(canary(0, mirror=100), SECOND)
    before = await measured(rig, "r1"), await measured(rig, "r2")
    await rig.ask("axon", 100)
    after = await measured(rig, "r1"), await measured(rig, "r2")
    assert all(now.requests - then.requests >= 90 for now, then in zip(after, before, strict=True))


async def test_what_still_gets_requests_is_not_retired(rig: Rig) -> None:
    await with_candidate(rig)
    await rig.target.shift(canary(50), SECOND)
    with pytest.raises(Conflict):
        await rig.target.retire([("orbit", "r9"), ("axon", "r1")], SECOND)
    assert await weights(rig) == {"r1": 50, "r2": 50}


async def test_a_retired_version_is_gone(rig: Rig) -> None:
    await with_candidate(rig)
    await rig.target.shift(canary(100), SECOND)
    await rig.target.retire([("axon", "r1"), ("orbit", "r7")], SECOND)
    assert set(await versions(rig, "axon")) == {"r2"}


async def test_done_twice_is_done_once(rig: Rig) -> None:
    two = rig.release(2, axon="two")
    await first_release(rig)
    for _ in range(2):
        await rig.target.apply(two, [Wanted("axon", "r2", 1)], SECOND)
        await rig.target.govern(two, SECOND)
    for _ in range(2):
        await rig.target.shift(canary(100), SECOND)
    for _ in range(2):
        await rig.target.retire([("axon", "r1")], SECOND)
        await rig.target.settle(two, SECOND)
    observed = await rig.target.observe()
    assert (observed.release, observed.policy_set) == (2, 2)
    assert await weights(rig) == {"r2": 100}


async def test_a_stale_worker_cannot_act(rig: Rig) -> None:
    await with_candidate(rig)
    two = rig.release(2, axon="two")
    attempts = (
        lambda: rig.target.apply(two, [Wanted("axon", "r2", 3)], FIRST),
        lambda: rig.target.govern(two, FIRST),
        lambda: rig.target.shift(canary(50), FIRST),
        lambda: rig.target.retire([("axon", "r2")], FIRST),
        lambda: rig.target.settle(two, FIRST),
        lambda: rig.target.repair((), FIRST),
    )
    before = await rig.target.observe()
    for attempt in attempts:
        with pytest.raises(Conflict):
            await attempt()
    assert await rig.target.observe() == before


async def test_a_restart_forgets_neither_fences_nor_what_runs(rig: Rig) -> None:
    await with_candidate(rig)
    before = await rig.target.observe()
    await rig.restart()
    assert (await rig.target.observe()).facts == before.facts
    with pytest.raises(Conflict):
        await rig.target.shift(canary(50), FIRST)


async def test_what_is_settled_and_runs_has_no_drift(rig: Rig) -> None:
    await first_release(rig)
    assert await rig.target.drift() == ()


async def test_a_killed_replica_is_drift_until_it_is_repaired(rig: Rig) -> None:
    await first_release(rig)
    await rig.kill_a_replica("axon", "r1")
    found = await rig.target.drift()
    assert [drift.kind for drift in found] == ["process"]
    assert "axon" in found[0].subject
    await rig.target.repair(found, FIRST)
    assert await rig.target.drift() == ()
    assert (await versions(rig, "axon"))["r1"].healthy == 2


async def test_other_policies_than_settled_are_drift(rig: Rig) -> None:
    await first_release(rig)
    await rig.target.govern(rig.release(2), FIRST)
    assert [drift.kind for drift in await rig.target.drift()] == ["policies"]


async def test_rendering_is_pure_and_shows_a_change(rig: Rig) -> None:
    one, two = rig.release(1), rig.release(1, axon="two")
    assert rig.target.render(one) == rig.target.render(one)
    assert rig.target.render(one) != rig.target.render(two)
    assert dict((await rig.target.observe()).services) == {}
