"""Commands, approvals, events, differences and repairs of an environment, on a real store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.service_rig import ADA, BOB, EVE, Desk, forbidding
from tests.waiting import PATIENCE, eventually

from fairway.delivery.port import Actor, DeliveryEvent
from fairway.errors import Conflict, InvalidInput, NotFound, Refused
from fairway.targets.contract import Drift

SLOW = {"pre_shift": [{"name": "slow", "run": "sleep 60"}]}


async def test_it_is_approved_by_someone_else_with_the_role(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        begun = await desk.delivery.deploy(desk.wish("one", approvals=1), BOB)
        await desk.step(begun.id, "await_approval")
        with pytest.raises(Refused, match="bob started this deployment"):
            await desk.delivery.approve(begun.id, BOB)
        with pytest.raises(Refused, match="takes the role approver or admin"):
            await desk.delivery.approve(begun.id, ADA)
        await desk.delivery.approve(begun.id, EVE, "looks good")
        ended = await desk.ended(begun.id)
        assert [(each.by, each.reason) for each in ended.approvals] == [("eve", "looks good")]
        with pytest.raises(Conflict, match="waits for no approval: succeeded"):
            await desk.delivery.approve(begun.id, EVE)


async def test_who_is_approved_and_waits_for_a_window_is_refused_no_more(tmp_path: Path) -> None:
    days = [{"from": "2000-01-01", "to": "2100-01-01"}]
    async with Desk(tmp_path) as desk:
        begun = await desk.delivery.deploy(desk.wish("one", approvals=1, freezes=days), ADA)
        await desk.step(begun.id, "await_approval")
        await desk.delivery.approve(begun.id, EVE)
        await desk.step(begun.id, "await_window")
        await eventually(lambda: bool(desk.store.deployments.get(begun.id).held))
        with pytest.raises(Conflict, match="no approval: it waits: frozen until 2100-01-01"):
            await desk.delivery.reject(begun.id, EVE, "too late to say so")
        await desk.delivery.tell(begun.id, "abort", ADA)
        assert (await desk.ended(begun.id)).status == "cancelled"


async def test_agreeing_twice_counts_once(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        begun = await desk.delivery.deploy(desk.wish("one", approvals=2), ADA)
        await desk.step(begun.id, "await_approval")
        for _ in range(2):
            await desk.delivery.approve(begun.id, BOB)
        await asyncio.sleep(0.1)
        assert (await desk.delivery.deployment(begun.id)).status == "awaiting_approval"
        await desk.delivery.approve(begun.id, EVE)
        assert (await desk.ended(begun.id)).status == "succeeded"


async def test_a_refusal_ends_it(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        begun = await desk.delivery.deploy(desk.wish("one", approvals=1), ADA)
        await desk.step(begun.id, "await_approval")
        with pytest.raises(Refused):
            await desk.delivery.reject(begun.id, Actor("kim", "viewer"), "no")
        await desk.delivery.reject(begun.id, BOB, "not on a friday")
        ended = await desk.ended(begun.id)
        assert (ended.status, ended.reason) == ("cancelled", "rejected by bob: not on a friday")


async def test_nobody_approves_what_asks_nobody(tmp_path: Path) -> None:
    desk = Desk(tmp_path, resting=True)
    begun = await desk.delivery.deploy(desk.wish("one"), ADA)
    for ask in (desk.delivery.approve(begun.id, BOB), desk.delivery.reject(begun.id, BOB, "no")):
        with pytest.raises(Conflict, match="no approval: pending"):
            await ask


async def test_an_override_takes_a_role_and_a_reason_and_is_told(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        begun = await desk.delivery.deploy(desk.wish("one", approvals=1), BOB)
        await desk.step(begun.id, "await_approval")
        with pytest.raises(Refused, match="may not override"):
            await desk.delivery.tell(begun.id, "override", ADA, "it burns")
        with pytest.raises(Refused, match="takes the role admin"):
            await desk.delivery.tell(begun.id, "override", Actor("kim", "approver"), "it burns")
        with pytest.raises(InvalidInput, match="needs a reason"):
            await desk.delivery.tell(begun.id, "override", EVE, " ")
        await desk.delivery.tell(begun.id, "override", EVE, "it burns")
        assert (await desk.ended(begun.id)).status == "succeeded"
        told = {each.type: each for each in desk.store.events.after(0)}
        assert told["EmergencyOverride"].data["by"] == "eve"
        assert "it burns" in told["EmergencyOverride"].words


async def test_a_command_out_of_turn_is_refused_in_words(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        begun = await desk.delivery.deploy(desk.wish("one", hooks=SLOW), ADA)
        await desk.step(begun.id, "run_hooks")
        for command, words in (
            ("resume", "not paused"), ("promote", "no stage"), ("override", "no gate"),
        ):  # fmt: skip
            with pytest.raises(Conflict, match=words):
                await desk.delivery.tell(begun.id, command, EVE, "why")  # type: ignore[arg-type]
        await desk.delivery.tell(begun.id[:2], "abort", ADA, "wrong one")
        ended = await desk.ended(begun.id)
        assert (ended.status, ended.reason) == ("rolled_back", "aborted by ada: wrong one")
        with pytest.raises(Conflict, match="the deployment is over: rolled back"):
            await desk.delivery.tell(begun.id, "abort", ADA)
        with pytest.raises(NotFound):
            await desk.delivery.tell("nothing", "abort", ADA)


async def test_events_end_with_their_deployment_and_go_on_where_one_stopped(
    tmp_path: Path,
) -> None:
    async with Desk(tmp_path) as desk:
        begun = await desk.delivery.deploy(desk.wish("one", approvals=1), ADA)
        reading = asyncio.create_task(_all(desk, begun.id))
        await desk.step(begun.id, "await_approval")
        await desk.delivery.approve(begun.id, BOB)
        async with asyncio.timeout(PATIENCE):
            told = await reading
        assert (told[0].type, told[-1].type) == ("DeploymentQueued", "DeploymentSucceeded")
        assert [each.id for each in told] == sorted({each.id for each in told})
        async with asyncio.timeout(PATIENCE):
            assert await _all(desk, begun.id, told[2].id) == told[3:]
        with pytest.raises(NotFound):
            await _all(desk, "nothing")


async def _all(desk: Desk, deployment: str, after: int = 0) -> list[DeliveryEvent]:
    return [event async for event in desk.delivery.events(deployment, after)]


async def test_live_numbers_are_there_after_the_first_look(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        begun = await desk.delivery.deploy(desk.wish("two", hooks=SLOW), ADA)
        assert await desk.delivery.watching(begun.id) is None
        await desk.delivery.tell(begun.id, "abort", ADA)
        await desk.ended(begun.id)
        second = await desk.shipped(desk.wish("three"))
        seen = await desk.delivery.watching(second.id)
        assert seen is not None
        assert {each.version for each in seen.versions} == {"r1", "r3"}


async def test_the_difference_of_two_releases_names_services_and_policies(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        await desk.shipped(desk.wish("two", policies=forbidding(desk, "closed")))
        found = await desk.delivery.diff(1, 2)
        assert {change["subject"] for change in found.changes} >= {"axon", "policies"}
        assert '+@id("closed")' in found.lines
        assert (await desk.delivery.diff(1, 1)).changes == ()
        with pytest.raises(NotFound):
            await desk.delivery.diff(1, 9)


async def test_a_repair_ends_every_difference_and_is_told(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        assert await desk.delivery.repair(ADA) == ()
        desk.target.kill("axon", "r1")
        repaired = await desk.delivery.repair(ADA)
        assert [each.subject for each in repaired] == ["axon r1"]
        assert await desk.delivery.drift() == ()
        told = desk.store.events.after(0)[-1]
        assert (told.type, told.words) == ("DriftRepaired", "ada had 1 difference repaired")
        assert (await desk.shipped(desk.wish("two"))).status == "succeeded"  # the lease is free


async def test_a_failed_repair_gives_its_lease_back(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        desk.target.kill("axon", "r1")
        desk.target.fail("repair")
        with pytest.raises(Exception, match="repair fails"):
            await desk.delivery.repair(ADA)
        assert len(await desk.delivery.repair(ADA)) == 1


async def test_what_a_deployment_brought_meanwhile_is_not_repaired_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        candidate = Drift("version", "axon r2", "nothing", "runs", "it is stopped")
        looks = iter([(candidate,), ()])  # it succeeds between the look and the lease

        async def drift() -> tuple[Drift, ...]:
            return next(looks)

        monkeypatch.setattr(desk.target, "drift", drift)
        assert await desk.delivery.repair(ADA) == ()
        assert "DriftRepaired" not in {each.type for each in desk.store.events.after(0)}


async def test_nothing_is_drift_while_a_deployment_is_under_way(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        begun = await desk.delivery.deploy(desk.wish("two", hooks=SLOW), ADA)
        await desk.step(begun.id, "run_hooks")
        for ask in (desk.delivery.drift(), desk.delivery.repair(ADA)):
            with pytest.raises(Conflict, match="under way") as caught:
                await ask
            assert caught.value.remedy == f"wait for its end: fairway follow {begun.id}"
        await desk.delivery.tell(begun.id, "abort", ADA)
        await desk.ended(begun.id)
