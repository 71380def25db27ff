"""A deployment on AWS with real Terraform: canary, all the way, back again, and after a crash."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator

import pytest
from tests.aws.moto_rig import Moto
from tests.aws.terraform_rig import FIGURE, Recorder, Terraform
from tests.aws_target_rig import AwsRig, governing

from fairway.targets.aws import names
from fairway.targets.aws.assembly import Ground, LazyProvision, terraform_of
from fairway.targets.aws.enforcing import Collaborators
from fairway.targets.aws.mesh.documents import documents_of
from fairway.targets.aws.standing.state import Standing
from fairway.targets.aws.target import AwsTarget
from fairway.targets.contract import Fence, Routing, Split, Wanted

pytestmark = [pytest.mark.aws, pytest.mark.apply]

FIRST, SECOND = Fence("d1", 1), Fence("d2", 2)
ALL = Routing({name: Split({"r1": 100}) for name in ("axon", "orbit")})


class TerraformRig(AwsRig):
    """The conformance rig on the root modules as they are."""

    def __init__(self, moto: Moto, terraform: Terraform) -> None:
        self._terraform = terraform
        super().__init__(moto)

    def _opened(self) -> AwsTarget:
        variables = {**os.environ, **self._terraform.environment, **self._moto.environment()}
        if self._terraform.binary:
            variables["FAIRWAY_TERRAFORM"] = self._terraform.binary
        folder = self._terraform.folder
        ground = Ground(folder / "work", folder / "cache", variables, time.time)
        provision = LazyProvision(lambda: terraform_of(self.place, ground))
        return AwsTarget(self.place, Collaborators(provision, documents_of, governing))

    async def start(self) -> None:
        await super().start()
        lead = self.place.lead
        bucket = names.state_bucket("shop", "prod", self.place.require_account(), lead)
        where = {"LocationConstraint": lead}
        self._moto.client("s3", lead).create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        self._moto.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")


@pytest.fixture
async def rig(moto: Moto, terraform: Terraform) -> AsyncIterator[TerraformRig]:
    made = TerraformRig(moto, terraform)
    await made.start()
    yield made
    await made.close()


def candidate(weight: int) -> Routing:
    return Routing({"axon": Split({"r2": weight, "r1": 100 - weight}, "r2")}, cohort="r2")


async def weights(rig: TerraformRig) -> dict[str, int]:
    return {v.name: v.weight for v in (await rig.target.observe()).services["axon"]}


async def test_a_release_a_canary_a_crash_and_the_way_back(
    rig: TerraformRig, record_property: Recorder
) -> None:
    def took(step: str, since: float) -> float:
        record_property(FIGURE, f"by the target, {step}: {time.monotonic() - since:.1f} s")
        return time.monotonic()

    at = time.monotonic()
    one, two = rig.release(1), rig.release(2, axon="two")
    both = [Wanted("axon", "r1", 2), Wanted("orbit", "r1", 1)]
    preview = await rig.target.preview(one, both)
    assert {"axon", "orbit"} <= {change.service for change in preview.resources}
    at = took("plan", at)
    await rig.target.apply(one, both, FIRST)
    at = took("first apply", at)
    await rig.target.govern(one, FIRST)
    await rig.target.shift(ALL, FIRST)
    await rig.target.settle(one, FIRST)
    at = took("govern, shift, settle", at)

    await rig.target.apply(two, [Wanted("axon", "r2", 1)], SECOND)
    at = took("a second version", at)
    await rig.target.shift(candidate(20), SECOND)
    await rig.ask("axon", 200)
    found = (await rig.target.measure(["axon"]))["axon"]
    assert 15 <= found["r2"].requests <= 70

    await rig.target._record.change(SECOND, interrupted)  # and died there
    await rig.restart()
    at = took("canary", at)
    await rig.target.shift(Routing({"axon": Split({"r1": 100})}), SECOND)
    await rig.target.retire([("axon", "r2")], SECOND)
    await rig.target.settle(one, SECOND)
    assert await weights(rig) == {"r1": 100}
    took("back", at)
    assert await rig.target.drift() == ()


def interrupted(standing: Standing) -> Standing:
    """As a shift keeps it before it acts."""
    return standing.routed(candidate(50))
