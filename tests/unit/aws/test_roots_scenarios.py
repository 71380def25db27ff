"""Golden files: an app file and what stands give just these values, and Terraform's own format."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from fairway.model.load import load_app
from fairway.model.services import Service
from fairway.model.views import environment_view
from fairway.targets.aws.rendering.roots import regions
from fairway.targets.aws.standing.state import Standing, StandingVersion
from fairway.targets.aws.values import values

FOLDER = Path(__file__).parents[2] / "scenarios" / "aws"
SCENARIOS = sorted(f for f in FOLDER.glob("*.yaml") if not f.name.endswith(".standing.yaml"))
WRITE = os.environ.get("FAIRWAY_WRITE_SCENARIOS")


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_values(file: Path) -> None:
    found, expected = _written(standing_of(file)), file.with_suffix(".tfvars")
    if WRITE:
        expected.write_text(found, "utf-8")
    assert found == expected.read_text("utf-8")


def standing_of(file: Path) -> Standing:
    app = environment_view(
        load_app(file.name, file.read_text("utf-8"), read=str, variables={}).app, "prod"
    )
    declared = app.model_dump(mode="json", by_alias=True, exclude_none=True)
    beside = file.with_suffix(".standing.yaml")
    versions = yaml.safe_load(beside.read_text("utf-8")) if beside.exists() else {}
    services = {
        name: tuple(_version(app.services[name], dict(each)) for each in several)
        for name, several in versions.items()
    }
    return Standing("prod", declared, services)


def _version(service: Service, entry: dict[str, object]) -> StandingVersion:
    changes = entry.pop("changes", {})
    assert isinstance(changes, dict)
    own = service.model_dump(mode="json", by_alias=True, exclude_none=True) | changes
    return StandingVersion(declared=own, digest="", **entry)  # type: ignore[arg-type]


def _written(standing: Standing) -> str:
    parts = []
    for region in regions(standing):
        for name, text in values(standing, region).texts().items():
            if name != "access.auto.tfvars":  # the grants have tests of their own
                parts.append(f"# === {region}/{name}\n{text}")
    return "\n".join(parts)
