"""Releases that change no program: feature flags and policies, on a whole system of this machine.

One system for the module: each test goes on where the one before has left it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from openfeature.evaluation_context import EvaluationContext
from tests.delivery_rig import ADA, Change, DeliveryRig, delivery_rig
from tests.waiting import PATIENCE

from fairway.delivery.port import DeliveryEvent
from fairway_runtime.flags import FairwayProvider, parse_flags

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.xdist_group("system"),
    pytest.mark.asyncio(loop_scope="module"),
]
USERS = [f"user-{number}" for number in range(400)]


def with_flags(percent: float, **more: Any) -> Change:
    return Change(app={"flags": {"new-checkout": {"percent": percent}, **more}})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeliveryRig]:
    async with delivery_rig(tmp_path_factory.mktemp("flags"), with_flags(10)) as made:
        yield made


def flags_file(rig: DeliveryRig, service: str = "axon") -> Path:
    """As a running replica knows it."""
    (version,) = rig.plane._system.desired.services[service]
    process = psutil.Process(rig.pids(service, version.name)[0])
    return Path(process.environ()["FAIRWAY_FLAGS_FILE"])


def enabled(rig: DeliveryRig) -> set[str]:
    """The users who get the new checkout, by the library that services use."""
    provider = FairwayProvider(flags_file(rig))
    found = {
        user: provider.resolve_boolean_details(
            "new-checkout", default_value=False, evaluation_context=EvaluationContext(user)
        ).value
        for user in USERS
    }
    return {user for user, value in found.items() if value}


def processes(rig: DeliveryRig) -> list[int]:
    assert rig.plane._system.supervisor is not None
    return sorted(each.pid for each in rig.plane._system.supervisor.status() if each.pid)


async def test_after_up_the_first_deployment_is_release_one(rig: DeliveryRig) -> None:
    assert [release.number for release in await rig.delivery.releases()] == [1]
    status = await rig.plane.status()
    assert status.release == "r1"
    assert not any("r1" in words for words in status.warnings)
    assert status.notes[-1].startswith("r1 runs: edits take effect by fairway deploy")


async def test_a_larger_share_restarts_nothing_and_users_keep_their_variant(
    rig: DeliveryRig,
) -> None:
    before, running = enabled(rig), processes(rig)
    assert 15 < len(before) < 70
    ended = await rig.deploy(with_flags(50))
    assert (ended.status, ended.plan.moves) == ("succeeded", ())
    assert [change.subject for change in ended.plan.changes] == ["flags.new-checkout"]
    assert processes(rig) == running
    after = enabled(rig)
    assert before < after
    assert 150 < len(after) < 250


async def test_status_and_events_say_how_a_deployment_stands(rig: DeliveryRig) -> None:
    begun = await rig.begin(Change(axon="two", app=with_flags(50).app))
    await rig.when(begun, lambda found: found.serving > 0)
    await rig.delivery.tell(begun.id, "pause", ADA, "lunch")
    await rig.when(begun, lambda found: bool(found.paused))
    said = (await rig.plane.status()).warnings[-1]
    assert "is paused at" in said
    assert "paused by ada: lunch; fairway promote, resume or abort" in said
    await rig.delivery.tell(begun.id, "abort", ADA)
    assert (await rig.ended(begun)).status == "rolled_back"
    async with asyncio.timeout(PATIENCE):
        async for event in rig.plane.events(0):
            if event.kind == "deployment.paused":
                assert (event.message, event.level) == ("paused by ada: lunch", "warning")
                break


async def test_the_flags_of_a_release_come_back_with_it(rig: DeliveryRig) -> None:
    await rig.deploy(with_flags(100, banner={"default": "on"}))
    assert set(parse_flags(flags_file(rig).read_bytes())) == {"new-checkout", "banner"}
    assert (await rig.to_release(1)).status == "succeeded"
    assert set(parse_flags(flags_file(rig).read_bytes())) == {"new-checkout"}
    assert 15 < len(enabled(rig)) < 70


async def test_a_release_that_is_rolled_back_takes_its_flags_along(rig: DeliveryRig) -> None:
    bad = Change(axon="ill", app={"flags": {"new-checkout": {"percent": 90}}})
    ended = await rig.deploy(bad)
    assert ended.status == "rolled_back"
    assert 15 < len(enabled(rig)) < 70


async def test_policies_activated_by_hand_are_a_release_that_the_next_one_replaces(
    rig: DeliveryRig,
) -> None:
    newest = (await rig.delivery.releases())[0].number
    active = await rig.plane.policy_set((await rig.plane.status()).policy_set or 0)
    closed = active.policies + '@id("closed") forbid(principal, action, resource);\n'
    made = await rig.plane.create_policy_set(closed, author="eve")
    activated = await rig.plane.activate_policy_set(made.version, author="eve")
    assert activated.release == f"r{newest + 1}"
    assert (await rig.get("/orbit/axon")).status_code == 403
    told = [event async for event in _so_far(rig)]
    assert (told[-1].type, told[-1].data["by"]) == ("PolicyActivated", "eve")
    drift = await rig.delivery.drift()
    assert [each.kind for each in drift] == ["policies"]
    ended = await rig.deploy(with_flags(20))
    assert (ended.status, ended.release) == ("succeeded", newest + 2)
    assert (await rig.get("/orbit/axon")).status_code == 200
    assert await rig.delivery.drift() == ()


async def _so_far(rig: DeliveryRig) -> AsyncIterator[DeliveryEvent]:
    """Every event until there is no other for a moment."""
    events = rig.delivery.events(None).__aiter__()
    with suppress(TimeoutError):
        while True:
            yield await asyncio.wait_for(events.__anext__(), 0.5)
