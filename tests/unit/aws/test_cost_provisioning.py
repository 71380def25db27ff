"""Resources are applied only when no region's plan loses data; the lead goes first."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fairway.errors import Refused, Unavailable
from fairway.plan.preview import ResourceChange
from fairway.targets.aws.provisioning import Purpose, TerraformProvision, Workshop, _would_lose
from fairway.targets.aws.rendering import native
from fairway.targets.aws.standing.state import Standing
from fairway.targets.aws.terraform.binary import Binary
from fairway.targets.aws.terraform.runner import PlannedChanges, Terraform

APP = {
    "app": "shop",
    "services": {"web": {"run": "x"}},
    "environments": {"prod": {"target": "aws-ecs", "regions": ["eu-central-1", "eu-west-1"]}},
}


class Applying(Terraform):
    """Writes down what would be applied."""

    def __init__(self, ran: list[str]) -> None:
        self.ran = ran

    async def apply(self, planned: PlannedChanges) -> None:
        self.ran.append(f"apply {planned.file}")


class Recorded(TerraformProvision):
    """A provision whose Terraform runs nothing; the plan of one region may lose data."""

    def __init__(self, folder: Path, loses: str = "") -> None:
        binary = Binary.__new__(Binary)
        super().__init__(Workshop(binary, folder, folder, {}, None, wheels=False))
        self.loses, self.ran = loses, list[str]()

    async def _written(self, purpose: Purpose, standing: Standing) -> None:
        pass

    async def _planned(self, standing: Standing, region: str) -> tuple[Terraform, PlannedChanges]:
        self.ran.append(f"plan {region}")
        if region == self.loses:
            lost = ResourceChange("", "aws_db_instance", "x.y", "delete", destructive=True)
            raise _would_lose(region, [lost])
        return Applying(self.ran), PlannedChanges(Path(region), something=True)


def test_a_loss_in_the_second_region_stops_the_first(tmp_path: Path) -> None:
    made = Recorded(tmp_path, loses="eu-west-1")
    with pytest.raises(Refused, match="eu-west-1"):
        asyncio.run(made.apply(Standing("prod", APP)))
    assert not [each for each in made.ran if each.startswith("apply")]


def test_the_lead_is_applied_first(tmp_path: Path) -> None:
    made = Recorded(tmp_path)
    asyncio.run(made.apply(Standing("prod", APP)))
    applied = [each for each in made.ran if each.startswith("apply")]
    assert applied == ["apply eu-central-1", "apply eu-west-1"]
    assert made.ran[0] == "plan eu-west-1"


async def test_a_failure_in_one_region_waits_for_what_the_others_do(tmp_path: Path) -> None:
    class Slow(Applying):
        async def apply(self, planned: PlannedChanges) -> None:
            if planned.file.name == "eu-west-1":
                raise Refused("aws-quota", "no more of these", remedy="have the quota raised")
            await asyncio.sleep(0.05)
            await super().apply(planned)

    class Provision(Recorded):
        async def _planned(
            self, standing: Standing, region: str
        ) -> tuple[Terraform, PlannedChanges]:
            return Slow(self.ran), (await super()._planned(standing, region))[1]

    made = Provision(tmp_path)
    regions = ["eu-central-1", "eu-west-1", "us-east-1"]
    app = {**APP, "environments": {"prod": {"target": "aws-ecs", "regions": regions}}}
    with pytest.raises(Refused, match="no more"):
        await made.apply(Standing("prod", app))
    assert made.ran[-1] == "apply us-east-1"


def test_a_package_that_pip_cannot_get_can_be_tried_again() -> None:
    with pytest.raises(Unavailable, match="pip could not get"):
        native.archive({"requirements.txt": b"./nowhere.whl\n"}, wheels=True)
