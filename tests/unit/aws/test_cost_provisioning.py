"""Resources are applied only when no region's plan loses data; the lead goes first."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fairway.errors import Refused
from fairway.plan.preview import ResourceChange
from fairway.targets.aws.provisioning import TerraformProvision, Workshop, _would_lose
from fairway.targets.aws.standing import Standing
from fairway.targets.aws.terraform.binary import Binary
from fairway.targets.aws.terraform.runner import PlannedChanges

APP = {
    "app": "shop",
    "services": {"web": {"run": "x"}},
    "environments": {"prod": {"target": "aws-ecs", "regions": ["eu-central-1", "eu-west-1"]}},
}


class Recorded(TerraformProvision):
    """Plans and applies by writing down what would be run."""

    def __init__(self, workshop: Workshop, loses: str = "") -> None:
        super().__init__(workshop)
        self.loses, self.ran = loses, list[str]()

    async def _written(self, purpose: str, standing: Standing) -> None: ...

    async def _planned(self, standing: Standing, region: str):  # type: ignore[no-untyped-def]
        self.ran.append(f"plan {region}")
        if region == self.loses:
            raise _would_lose(region, [ResourceChange(address="x.y", service="", action="delete")])
        return self, PlannedChanges(Path(region), something=True)

    async def apply(self, planned):  # type: ignore[no-untyped-def,override]
        if isinstance(planned, Standing):
            return await super().apply(planned)
        self.ran.append(f"apply {planned.file}")
        return None


def provision(folder: Path, loses: str = "") -> Recorded:
    return Recorded(Workshop(Binary.__new__(Binary), folder, folder, {}, None), loses)


def test_a_loss_in_the_second_region_stops_the_first(tmp_path: Path) -> None:
    made = provision(tmp_path, loses="eu-west-1")
    with pytest.raises(Refused, match="eu-west-1"):
        asyncio.run(made.apply(Standing("prod", APP)))
    assert not [each for each in made.ran if each.startswith("apply")]


def test_the_lead_is_applied_first(tmp_path: Path) -> None:
    made = provision(tmp_path)
    asyncio.run(made.apply(Standing("prod", APP)))
    applied = [each for each in made.ran if each.startswith("apply")]
    assert applied == ["apply eu-central-1", "apply eu-west-1"]
    assert made.ran[0] == "plan eu-west-1"
