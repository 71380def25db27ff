"""The first steps on an account, with small roots that have the shape of the real ones."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.aws.moto_rig import ACCOUNT, REGION, Moto
from tests.aws.terraform_rig import Terraform as Rig

from fairway.errors import Conflict, FairwayError, Refused
from fairway.targets.aws.bootstrap import Bootstrap, Telling
from fairway.targets.aws.clients import Clients
from fairway.targets.aws.place import Place
from fairway.targets.aws.terraform.site import Site

pytestmark = [pytest.mark.aws, pytest.mark.apply]
VERSIONS = """
terraform {
  required_version = ">= 1.10"
  required_providers { aws = { source = "hashicorp/aws", version = ">= 5.100, < 7.0" } }
}
provider "aws" {}
"""
BACKEND = """
terraform {
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}
"""
BUCKET = f"shop-prod-state-{ACCOUNT}-{REGION}"
TREE = {
    "account/versions.tf": VERSIONS, "account/backend.tf": BACKEND,
    "account/main.tf": f'resource "aws_s3_bucket" "this" {{ bucket = "{BUCKET}" }}\n',
    "registry/versions.tf": VERSIONS, "registry/backend.tf": BACKEND,
    "registry/main.tf": 'resource "aws_ecr_repository" "this" { name = "shop-prod/web" }\n'
    'output "url" { value = aws_ecr_repository.this.repository_url }\n',
}  # fmt: skip
BROKEN = """
resource "aws_ssm_parameter" "x" {
  name       = "/x"
  type       = "String"
  value      = ""
  depends_on = [aws_s3_bucket.this]
}
"""
Make = Callable[..., Bootstrap]


@pytest.fixture
def make(terraform: Rig, moto: Moto, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A bootstrap on an empty account; `begun` are the roots that it told of."""
    for name, value in terraform.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(terraform.folder / "cache"))

    def made(
        tree: dict[str, str] = TREE, owner: str = ACCOUNT, begun: list[str] | None = None
    ) -> Bootstrap:
        clients = Clients()
        place = Place("shop", "prod", REGION, clients, time.time, owner)
        site = Site(
            "shop", "prod", REGION, place.require_account, terraform.folder / "work", os.environ
        )
        tell = Telling((begun if begun is not None else []).append, lambda _progress: None)
        return Bootstrap(site, place, tree, tell)

    return made


def keys(moto: Moto) -> set[str]:
    listed = moto.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {each["Key"] for each in listed}


async def test_the_state_moves_into_the_bucket_that_it_made(
    make: Make, moto: Moto, terraform: Rig
) -> None:
    begun: list[str] = []
    account, registry = await make(begun=begun).run("account", "registry")
    assert begun == ["account", "registry"]
    assert [each.kind for each in account.changes] == ["aws_s3_bucket"]
    assert registry.outputs["url"].endswith("shop-prod/web")
    assert keys(moto) == {"account/terraform.tfstate", "registry/terraform.tfstate"}
    left = [*(terraform.folder / "work" / "tree" / "account").glob("*tfstate*")]
    assert left == []
    again = await make().run("account", "registry")
    assert [each.changes for each in again] == [(), ()]


async def test_another_machine_has_nothing_to_do_either(
    make: Make, moto: Moto, terraform: Rig
) -> None:
    await make().run("account", "registry")
    (terraform.folder / "work").rename(terraform.folder / "elsewhere")
    again = await make().run("account", "registry")
    assert [each.changes for each in again] == [(), ()]


async def test_it_goes_on_where_it_was_interrupted(make: Make, moto: Moto) -> None:
    """The bucket is there, its state is not in it yet, and the rest has failed."""
    broken = {**TREE, "account/more.tf": BROKEN}
    with pytest.raises(FairwayError):
        await make(broken).run("account")
    assert keys(moto) == set()
    [account] = await make().run("account")
    assert account.changes == ()
    assert keys(moto) == {"account/terraform.tfstate"}


async def test_what_was_begun_elsewhere_is_not_made_twice(make: Make, moto: Moto) -> None:
    moto.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    with pytest.raises(Conflict) as caught:
        await make().run("account")
    assert caught.value.code == "bootstrap-begun-elsewhere"
    assert keys(moto) == set()


async def test_a_look_changes_nothing(make: Make, moto: Moto) -> None:
    seen = await make().look("account", "registry")
    assert [[each.action for each in step.changes] for step in seen] == [["create"], ["create"]]
    assert moto.client("s3").list_buckets()["Buckets"] == []
    await make().run("account", "registry")
    assert [step.changes for step in await make().look("account", "registry")] == [(), ()]


async def test_another_account_is_refused(make: Make, moto: Moto, terraform: Rig) -> None:
    with pytest.raises(Refused) as caught:
        await make(owner="999999999999").run("account")
    assert caught.value.code == "aws-other-account"
    assert not Path(terraform.folder / "work").exists()
