"""The target in several regions, and what others do behind its back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from tests.aws.direct_provision import DirectProvision
from tests.aws.moto_rig import Moto
from tests.aws_target_rig import REGIONS, AwsRig, governing

from fairway.errors import Refused, Unavailable
from fairway.targets.aws.balancing import Balancer
from fairway.targets.aws.enforcing import Collaborators
from fairway.targets.aws.mesh.documents import documents_of
from fairway.targets.aws.place import Patience
from fairway.targets.aws.standing.state import Standing
from fairway.targets.aws.target import AwsTarget
from fairway.targets.contract import Fence, Routing, Split, Wanted

FENCE = Fence("d1", 1)
ALL = Routing({"axon": Split({"r1": 100}), "orbit": Split({"r1": 100})})
CANARY = Routing({"axon": Split({"r2": 20, "r1": 80}, "r2")}, cohort="r2")


async def shipped(rig: AwsRig) -> None:
    one = rig.release(1)
    await rig.target.apply(one, [Wanted("axon", "r1", 2), Wanted("orbit", "r1", 1)], FENCE)
    await rig.target.govern(one, FENCE)
    await rig.target.shift(ALL, FENCE)
    await rig.target.settle(one, FENCE)


@pytest.fixture
async def meshed(moto: Moto) -> AsyncIterator[AwsRig]:
    rig = AwsRig(moto, regions=REGIONS)
    await rig.start()
    yield rig
    await rig.close()


@pytest.fixture
async def balanced(moto: Moto) -> AsyncIterator[AwsRig]:
    rig = AwsRig(moto, balanced=True, regions=REGIONS)
    await rig.start()
    yield rig
    await rig.close()


async def test_a_canary_gets_its_share_in_every_region(meshed: AwsRig) -> None:
    await shipped(meshed)
    await meshed.target.apply(meshed.release(2, axon="two"), [Wanted("axon", "r2", 1)], FENCE)
    await meshed.target.shift(CANARY, FENCE)
    await meshed.ask("axon", 400)
    axon = (await meshed.target.measure(["axon"]))["axon"]
    assert axon["r1"].requests + axon["r2"].requests == 400
    assert 50 <= axon["r2"].requests <= 110
    [r1, r2] = (await meshed.target.observe()).services["axon"]
    assert [(r1.healthy, r1.weight), (r2.healthy, r2.weight)] == [(2, 80), (1, 20)]


async def test_totals_do_not_fall_when_a_task_is_gone(meshed: AwsRig) -> None:
    await shipped(meshed)
    await meshed.ask("axon", 100)
    await meshed.kill_a_replica("axon", "r1")
    assert (await meshed.target.measure(["axon"]))["axon"]["r1"].requests == 100


async def test_weights_changed_behind_its_back_are_drift(moto: Moto, balanced: AwsRig) -> None:
    await shipped(balanced)
    assert await balanced.target.drift() == ()
    region = REGIONS[1]
    [rule] = Balancer(balanced.place).rules(region, ["axon"])
    groups = rule.actions[0]["ForwardConfig"]["TargetGroups"]
    for group in groups:
        group["Weight"] = 1
    actions = [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
    moto.client("elbv2", region).modify_rule(RuleArn=rule.arn, Actions=actions)
    found = await balanced.target.drift()
    assert [(each.kind, each.subject) for each in found] == [("weights", f"axon in {region}")]
    await balanced.target.repair(found, FENCE)
    assert await balanced.target.drift() == ()


async def test_an_edited_document_is_drift(moto: Moto, meshed: AwsRig) -> None:
    await shipped(meshed)
    s3, bucket = moto.client("s3", REGIONS[0]), meshed.place.config_bucket(REGIONS[0])
    document = json.loads(
        s3.get_object(Bucket=bucket, Key="mesh/gateway/envoy.json")["Body"].read()
    )
    document["files"] = {}
    s3.put_object(Bucket=bucket, Key="mesh/gateway/envoy.json", Body=json.dumps(document).encode())
    found = await meshed.target.drift()
    assert [each.kind for each in found] == ["mesh-file"]
    await meshed.target.repair(found, FENCE)
    assert await meshed.target.drift() == ()


async def test_another_number_of_tasks_is_drift(moto: Moto, meshed: AwsRig) -> None:
    await shipped(meshed)
    moto.client("ecs").update_service(cluster="shop-prod", service="axon-r1", desiredCount=5)
    found = await meshed.target.drift()
    assert [each.kind for each in found] == ["replicas"]
    await meshed.target.repair(found, FENCE)
    assert await meshed.target.drift() == ()


async def test_an_agent_that_does_not_follow_is_named(meshed: AwsRig) -> None:
    await shipped(meshed)
    for fleet in meshed.fleets.values():
        await asyncio.to_thread(fleet.close)
    impatient = Patience(start=1.0, confirm=0.2, drain=0.2, between=0.05)
    meshed.place = meshed.place.__class__(**{**vars(meshed.place), "patience": impatient})
    meshed.target = meshed._opened()
    with pytest.raises(Unavailable, match=r"axon-r1/|gateway/"):
        await meshed.target.govern(meshed.release(2), FENCE)


async def test_the_leading_region_stays(meshed: AwsRig) -> None:
    await shipped(meshed)
    meshed._regions = (REGIONS[1], REGIONS[0])
    with pytest.raises(Refused, match="leads"):
        await meshed.target.apply(meshed.release(2), [Wanted("axon", "r2", 1)], FENCE)


async def test_what_an_interrupted_retirement_left_is_removed_by_the_next(
    moto: Moto, meshed: AwsRig
) -> None:
    await shipped(meshed)
    await meshed.target.apply(meshed.release(2, axon="two"), [Wanted("axon", "r2", 1)], FENCE)
    # as if the control plane had died after the record was changed
    await meshed.target._record.change(FENCE, lambda found: found.without([("axon", "r2")]))
    await meshed.restart()
    await meshed.target.retire([("axon", "r2")], FENCE)
    names = str(moto.client("ecs").list_services(cluster="shop-prod")["serviceArns"])
    described = moto.client("ecs").describe_services(cluster="shop-prod", services=["axon-r2"])
    assert "axon-r1" in names
    assert [each["status"] for each in described["services"]] in ([], ["INACTIVE"])


class Flaky(DirectProvision):
    """Fails once when `fails` is set."""

    fails = False
    applied = 0

    async def apply(self, standing: Standing) -> None:
        if self.fails:
            self.fails = False
            raise Unavailable("aws-throttled", "AWS asks for patience")
        self.applied += 1
        await super().apply(standing)


async def test_settling_again_does_what_could_not_be_done(meshed: AwsRig) -> None:
    provision = Flaky(meshed.place)
    meshed.target = AwsTarget(meshed.place, Collaborators(provision, documents_of, governing))
    one = meshed.release(1)
    await meshed.target.apply(one, [Wanted("axon", "r1", 1), Wanted("orbit", "r1", 1)], FENCE)
    await meshed.target.govern(one, FENCE)
    await meshed.target.shift(ALL, FENCE)
    provision.fails, before = True, provision.applied
    with pytest.raises(Unavailable):
        await meshed.target.settle(one, FENCE)
    await meshed.target.settle(one, FENCE)
    assert provision.applied == before + 1
    assert (await meshed.target.observe()).release == 1
