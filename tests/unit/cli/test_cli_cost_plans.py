"""`fairway cost --plan`: only plans of this environment count, and missing ones are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairway.cli.commands.cost import _of_plans
from fairway.errors import InvalidInput
from fairway.targets.aws.standing.state import Standing

APP = {
    "app": "shop",
    "services": {"web": {"run": "x", "public": "/"}},
    "environments": {
        "prod": {"target": "aws-ecs", "regions": ["eu-central-1", "eu-west-1"]},
    },
}


def plan(folder: Path, region: str = "eu-central-1", app: str = "shop") -> Path:
    values = {"app": app, "environment": "prod", "region": region}
    variables = {name: {"value": value} for name, value in values.items()}
    file = folder / f"{app}-{region}.json"
    file.write_text(json.dumps({"planned_values": {}, "variables": variables}))
    return file


def test_a_region_without_a_plan_is_named(tmp_path: Path) -> None:
    found = _of_plans(Standing("prod", APP), [plan(tmp_path)])
    assert found.missing == ("eu-west-1",)
    assert found.at_least


def test_the_plan_of_another_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="a plan of 'other' in 'prod'") as caught:
        _of_plans(Standing("prod", APP), [plan(tmp_path, app="other")])
    assert caught.value.code == "other-plan"


def test_a_region_counts_once(tmp_path: Path) -> None:
    file = plan(tmp_path)
    with pytest.raises(InvalidInput, match="second plan of eu-central-1"):
        _of_plans(Standing("prod", APP), [file, file])
