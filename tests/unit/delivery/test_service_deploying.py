"""What people may have deployed, and what they are refused, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.service_rig import ADA, BOB, EVE, Desk, forbidding

from fairway.delivery.port import Wish
from fairway.delivery.service import EnvironmentDelivery
from fairway.errors import Conflict, InvalidAppFile, InvalidInput, NotFound, Refused
from fairway.governance.sets import Activation
from fairway.governance.sql_store import SqlPolicyStore
from fairway.plan.preview import Preview, ResourceChange
from fairway.plan.release import Release
from fairway.targets.contract import Wanted
from fairway.targets.memory import MemoryTarget


async def test_a_plan_changes_and_keeps_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, resting=True)
    found = await desk.delivery.plan(desk.wish("one"))
    assert [(change.kind, change.subject) for change in found.changes] == [
        ("start", "axon"), ("start", "orbit"), ("policies", "policies"),
    ]  # fmt: skip
    assert await desk.delivery.releases() == ()
    assert (await desk.delivery.deployments()).deployments == ()
    with pytest.raises(NotFound):
        desk.policies.text(1)


async def test_a_plan_says_what_the_target_does_below_and_its_deployment_keeps_it(
    tmp_path: Path,
) -> None:
    asked: list[tuple[str, list[Wanted]]] = []

    def below(release: Release, wanted: Sequence[Wanted]) -> Preview:
        asked.append((release.name, list(wanted)))
        return Preview((ResourceChange("axon", "aws_ecs_service", "module.x", "create"),))

    desk = Desk(tmp_path, resting=True)
    target = MemoryTarget(desk.clock, below=below)
    desk.delivery = EnvironmentDelivery(replace(desk.delivery._parts, target=target))
    found = await desk.delivery.plan(desk.wish("one"))
    assert [each.kind for each in found.preview.resources] == ["aws_ecs_service"]
    assert asked == [("r1", [Wanted("axon", "r1", 2), Wanted("orbit", "r1", 1)])]
    made = await desk.delivery.deploy(desk.wish("one", fingerprint=found.fingerprint), ADA)
    assert made.plan.preview == found.preview
    kept = await desk.delivery.deployment(made.id)
    assert kept.plan.preview == found.preview
    assert len(asked) == 1, "a minute is not spent twice"


async def test_a_deployment_keeps_its_release_and_its_policies(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        ended = await desk.shipped(desk.wish("one", note="first"))
        assert (ended.status, ended.release, ended.by) == ("succeeded", 1, "ada")
        release = await desk.delivery.release(1)
        assert (release.by, release.note, release.content.policy_set) == ("ada", "first", 1)
        assert "orbit" in desk.policies.text(1)
        assert (await desk.target.observe()).policy_set == 1


async def test_what_changes_nothing_is_refused_and_spends_no_number(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        assert (await desk.delivery.plan(desk.wish("one"))).empty
        for wish in (desk.wish("one"), Wish(release=1)):
            with pytest.raises(InvalidInput, match="as the release says"):
                await desk.delivery.deploy(wish, ADA)
        assert (await desk.shipped(desk.wish("two"))).release == 2


async def test_while_one_is_under_way_another_is_refused_by_its_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path, resting=True)
    first = await desk.delivery.deploy(desk.wish("one"), ADA)
    with pytest.raises(Conflict, match=first.id):
        await desk.delivery.deploy(desk.wish("two"), ADA)
    assert [each.number for each in await desk.delivery.releases()] == [1]
    queued = await desk.delivery.deploy(desk.wish("two", when_busy="queue"), BOB)
    assert queued.status == "pending"
    assert desk.store.deployments.unfinished() == (first.id, queued.id)
    await desk.delivery.deploy(desk.wish("three", when_busy="supersede"), BOB)
    orders = [desk.store.deployments.given(each)[0].command for each in (first.id, queued.id)]
    assert orders == ["abort", "abort"]


async def test_whoever_comes_second_is_told_so_before_anything_else(tmp_path: Path) -> None:
    """Not that the plan is stale, nor that nothing would change: that is the other one's doing."""
    hooks = {"pre_shift": [{"name": "slow", "run": "sleep 60"}]}
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        wish = desk.wish("two", hooks=hooks)
        seen = await desk.delivery.plan(wish)
        running = await desk.delivery.deploy(wish, ADA)
        await desk.step(running.id, "run_hooks")
        with pytest.raises(Conflict) as caught:
            await desk.delivery.plan(desk.wish("three"))
        assert caught.value.code == "deployment-under-way"
        assert f"fairway follow {running.id}" in caught.value.remedy
        for again in (replace(wish, fingerprint=seen.fingerprint), desk.wish("one")):
            with pytest.raises(Conflict) as caught:
                await desk.delivery.deploy(again, BOB)
            assert caught.value.code == "busy"
            assert f"fairway follow {running.id}" in caught.value.remedy
        assert (await desk.delivery.plan(desk.wish("three", when_busy="queue"))).changes
        await desk.delivery.tell(running.id, "abort", ADA)
        await desk.ended(running.id)


async def test_beside_one_that_has_not_begun_a_plan_is_a_plan(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        waiting = await desk.delivery.deploy(desk.wish("two", approvals=1), ADA)
        await desk.step(waiting.id, "await_approval")
        assert (await desk.delivery.plan(desk.wish("three"))).base == 1
        assert await desk.delivery.drift() == ()


async def test_of_two_at_the_same_moment_one_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, resting=True)
    wishes = [desk.wish(version) for version in ("one", "two", "three")]
    made = await asyncio.gather(
        *(desk.delivery.deploy(wish, ADA) for wish in wishes), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in made) == ["Conflict", "Conflict", "Deployment"]
    assert len(desk.store.deployments.unfinished()) == 1
    assert len(await desk.delivery.releases()) == 1


async def test_a_queued_one_is_planned_anew_when_its_turn_comes(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        first = await desk.delivery.deploy(desk.wish("two", approvals=1), ADA)
        await desk.step(first.id, "await_approval")
        second = await desk.delivery.deploy(desk.wish("three", when_busy="queue"), ADA)
        assert second.base == 1
        await desk.delivery.approve(first.id, BOB)
        ended = await desk.ended(second.id)
        assert (ended.status, ended.base, ended.plan.base) == ("succeeded", 2, 2)
        assert await desk.weights() == {"r3": 100}
        told = [each.type for each in desk.store.events.after(0, deployment=second.id)]
        assert told[:4] == [
            "DeploymentQueued", "DeploymentStarted", "DeploymentReplanned", "PlanConfirmed",
        ]  # fmt: skip


async def test_whoever_supersedes_goes_on_after_the_rollback(tmp_path: Path) -> None:
    hooks = {"pre_shift": [{"name": "slow", "run": "sleep 60"}]}
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        held = await desk.delivery.deploy(desk.wish("two", hooks=hooks), ADA)
        await desk.step(held.id, "run_hooks")
        ended = await desk.shipped(desk.wish("three", when_busy="supersede"), BOB)
        assert (await desk.delivery.deployment(held.id)).status == "rolled_back"
        assert ended.status == "succeeded"
        assert await desk.weights() == {"r3": 100}


async def test_a_queued_one_that_was_agreed_to_by_its_plan_is_not_planned_anew(
    tmp_path: Path,
) -> None:
    async with Desk(tmp_path) as desk:
        first = await desk.delivery.deploy(desk.wish("one", approvals=1), ADA)
        await desk.step(first.id, "await_approval")
        wish = desk.wish("two", when_busy="queue")
        seen = await desk.delivery.plan(wish)
        agreed = replace(wish, fingerprint=seen.fingerprint, facts=seen.facts)
        second = await desk.delivery.deploy(agreed, ADA)
        await desk.delivery.approve(first.id, BOB)
        ended = await desk.ended(second.id)
        assert (ended.status, "stale" in ended.reason) == ("failed", True)


async def test_a_stale_plan_says_what_moved(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        wish = desk.wish("two")
        seen = await desk.delivery.plan(wish)
        agreed = replace(wish, fingerprint=seen.fingerprint, facts=seen.facts)
        await desk.shipped(desk.wish("one"))
        for ask in (desk.delivery.plan(agreed), desk.delivery.deploy(agreed, ADA)):
            with pytest.raises(Conflict, match="the release was 0 and is 1") as caught:
                await ask
            assert "version r1 of axon runs now" in caught.value.message
        fresh = await desk.delivery.plan(wish)
        assert fresh.fingerprint != seen.fingerprint


async def test_a_stale_plan_without_its_facts_is_refused_as_well(tmp_path: Path) -> None:
    desk = Desk(tmp_path, resting=True)
    with pytest.raises(Conflict, match="the environment has changed"):
        await desk.delivery.deploy(desk.wish("one", fingerprint="sha256:other"), ADA)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(), "neither an app nor a release"),
        (Wish(app={"app": "shop"}), "not an app"),
        (Wish(app={"app": "shop", "services": {"a": {"run": "x"}}}), "environment 'prod'"),
    ],
)
async def test_what_cannot_be_deployed_is_said(tmp_path: Path, wish: Wish, words: str) -> None:
    desk = Desk(tmp_path, resting=True)
    with pytest.raises(InvalidInput, match=words):
        await desk.delivery.deploy(wish, ADA)


async def test_another_app_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, resting=True)
    app: dict[str, Any] = dict(desk.wish("one").app or {}) | {"app": "bakery"}
    with pytest.raises(InvalidInput, match="'bakery'"):
        await desk.delivery.deploy(Wish(app=app), ADA)


async def test_policies_that_are_none_are_refused_before_anything_is_kept(tmp_path: Path) -> None:
    desk = Desk(tmp_path, resting=True)
    with pytest.raises(InvalidAppFile):
        await desk.delivery.deploy(desk.wish("one", policies="permit(everyone)"), ADA)
    assert await desk.delivery.releases() == ()


async def test_an_emergency_takes_a_role_and_a_reason(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        wish = desk.wish("one", approvals=2, emergency=True)
        with pytest.raises(InvalidInput, match="reason"):
            await desk.delivery.deploy(wish, EVE)
        with pytest.raises(Refused, match="bob has the role approver"):
            await desk.delivery.deploy(replace(wish, reason="it burns"), BOB)
        ended = await desk.shipped(replace(wish, reason="it burns"), EVE)
        assert (ended.status, ended.approvals, ended.note) == ("succeeded", (), "it burns")
        told = {each.type: each.words for each in desk.store.events.after(0)}
        assert told["EmergencyOverride"] == "eve skips every gate: it burns"


async def test_a_kept_release_comes_back_with_its_policies(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        for version in ("one", "two", "three"):
            wish = desk.wish(version)
            if version != "one":
                wish = replace(wish, policies=forbidding(desk, version))
            assert (await desk.shipped(wish)).status == "succeeded"
        assert (await desk.target.observe()).policy_set == 3
        back = await desk.shipped(Wish(release=1))
        assert (back.status, back.release, back.base) == ("succeeded", 1, 3)
        assert await desk.weights() == {"r1": 100}
        assert (await desk.target.observe()).policy_set == 1
        assert desk.store.releases.in_force() == 1
        assert desk.store.releases.next_number() == 4


async def test_a_release_of_policies_only_is_not_deployed_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one"))
        desk.policies.keep("forbid(principal, action, resource);\n", "eve")
        store = SqlPolicyStore(desk.database)
        store.activate(Activation(2, 0, "eve", desk.clock()))
        with pytest.raises(NotFound, match="policy set 2") as caught:
            await desk.delivery.plan(Wish(release=2))
        assert "policy activate 2" in caught.value.remedy
        assert "name r1" in caught.value.remedy


async def test_a_release_that_is_not_kept_any_more(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        for version in ("one", "two", "three"):
            await desk.shipped(desk.wish(version))
        assert desk.store.releases.clean_up(1) == (1, 2)
        with pytest.raises(NotFound, match="no longer kept"):
            await desk.delivery.deploy(Wish(release=1), ADA)
        with pytest.raises(NotFound, match="there is no release 9"):
            await desk.delivery.deploy(Wish(release=9), ADA)


async def test_a_release_whose_artifact_is_gone_is_refused_before_anything_begins(
    tmp_path: Path,
) -> None:
    old, new = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    async with Desk(tmp_path) as desk:
        await desk.shipped(desk.wish("one", artifacts={"axon": old}))
        await desk.shipped(desk.wish("one", artifacts={"axon": new}))
        desk.missing = {old}
        for ask in (
            desk.delivery.plan(Wish(release=1)),
            desk.delivery.deploy(Wish(release=1), ADA),
        ):
            with pytest.raises(Conflict, match="artifact of axon") as caught:
                await ask
            assert caught.value.where == "axon"
        assert not desk.store.deployments.unfinished()


def _migrated(desk: Desk, version: str, oldest: int, now: int) -> Wish:
    wish = desk.wish(version)
    app = dict(wish.app or {})
    app["stores"] = {"orders": {"kind": "postgres", "schema": {"version": now, "oldest": oldest}}}
    return replace(wish, app=app)


async def test_no_release_comes_back_past_a_contraction(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(_migrated(desk, "one", 1, 1))
        await desk.shipped(_migrated(desk, "two", 1, 2))
        assert (await desk.delivery.plan(Wish(release=1))).changes
        await desk.shipped(_migrated(desk, "three", 2, 3))
        assert (await desk.delivery.plan(Wish(release=2))).changes
        with pytest.raises(Refused, match="r1 was made for schema 1") as caught:
            await desk.delivery.deploy(Wish(release=1), EVE)
        assert caught.value.where == "r1"


async def test_an_older_app_file_is_no_way_past_a_contraction(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(_migrated(desk, "one", 1, 1))
        await desk.shipped(_migrated(desk, "two", 2, 2))
        for ask in (desk.delivery.plan, lambda wish: desk.delivery.deploy(wish, EVE)):
            with pytest.raises(Refused, match="this app was made for schema 1, and 'orders' has"):
                await ask(_migrated(desk, "three", 1, 1))
        assert [each.number for each in await desk.delivery.releases()] == [2, 1]


async def test_a_contraction_that_was_rolled_back_still_counts(tmp_path: Path) -> None:
    async with Desk(tmp_path) as desk:
        await desk.shipped(_migrated(desk, "one", 1, 1))
        await desk.shipped(desk.wish("two"))
        begun = await desk.delivery.deploy(_migrated(desk, "three", 3, 3), ADA)
        await desk.step(begun.id, "watch")
        await desk.delivery.tell(begun.id, "abort", ADA)
        assert (await desk.ended(begun.id)).status == "rolled_back"
        with pytest.raises(Refused, match="schema"):
            await desk.delivery.plan(Wish(release=1))
