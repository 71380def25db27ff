"""What `plan` and `deploy` of an environment on AWS take for artifacts: images, by digest."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.aws.moto_rig import Moto
from tests.unit.aws.test_terraform_images import Desk

from fairway.cli.delivering.image_artifacts import image_artifacts, needs_images
from fairway.errors import InvalidInput
from fairway.model.app import App

SOURCE = "sha256:" + "ab" * 32
SHOP = App.model_validate({
    "app": "shop",
    "services": {"web": {"build": "web", "run": "serve"}, "pages": {"kind": "static", "root": "p"}},
    "environments": {
        "prod": {"target": "aws-ecs", "regions": ["eu-central-1"]}, "test": {"target": "memory"},
    },
})  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, moto: Moto, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path, moto)
    monkeypatch.setenv("PATH", made.path)
    made.ecr.create_repository(repositoryName="shop-prod/web")
    return made


def test_only_what_is_on_aws_needs_images() -> None:
    assert needs_images(SHOP, "prod")
    assert not needs_images(SHOP, "test")


def test_a_plan_builds_nothing_and_a_deployment_once(desk: Desk) -> None:
    sources = {"web": (desk.folder / "web", SOURCE), "pages": (desk.folder, "sha256:pages")}
    planned = image_artifacts(SHOP, "prod", sources, build=False)
    assert planned == {"web": SOURCE, "pages": "sha256:pages"}
    assert desk.calls() == []
    deployed = image_artifacts(SHOP, "prod", sources, build=True)
    assert deployed["web"] not in (SOURCE, "")
    assert deployed["pages"] == "sha256:pages"
    assert image_artifacts(SHOP, "prod", sources, build=False) == deployed
    assert len([call for call in desk.calls() if call[0] == "buildx"]) == 1


def test_a_folder_without_a_dockerfile_is_refused(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no Dockerfile"):
        image_artifacts(SHOP, "prod", {"web": (tmp_path, SOURCE)}, build=False)
