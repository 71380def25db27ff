"""`fairway eject` of what runs on AWS: everything that goes on without Fairway, and no secret."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from tests.aws.moto_rig import ACCOUNT, Moto
from tests.aws.terraform_rig import Terraform
from tests.unit.cli.cli_driver import CommandLine
from tests.unit.cli.ejecting import (
    APP_FILE,
    POLICIES,
    REGIONS,
    VALUE,
    Deployed,
    deploy,
    wheel_of_cedar,
)

EJECT = ("eject", "prod", "-o", "ours")


@pytest.fixture
def deployed(moto: Moto, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """What runs; pip finds what it looks for in a folder, and asks nobody."""
    (folder / "fairway.yaml").write_text(APP_FILE)
    (folder / "wheels").mkdir()
    wheel_of_cedar(folder / "wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder / "wheels"))
    return deploy(moto, folder)


def told(folder: Path, region: str) -> dict[str, str]:
    """What is ejected for the tasks of a region, by the key of its object."""
    below = folder / "ours" / "config" / region
    files = (path for path in below.rglob("*") if path.is_file())
    return {path.relative_to(below).as_posix(): path.read_text() for path in files}


def test_it_has_all_that_the_cloud_needs(
    deployed: Deployed, fairway: CommandLine, folder: Path, moto: Moto
) -> None:
    done = fairway(*EJECT)
    assert done.code == 0 and "prod as of release 7" in done.out
    assert "7 days" in done.err and "ours/signing/renew.py" in done.err
    tasks_are_told_what_is_in_the_buckets(deployed, folder)
    what_runs_and_where_its_state_is(folder)
    functions_come_with_what_they_need(folder)
    no_value_of_a_secret_is_in_it(folder, moto)


def tasks_are_told_what_is_in_the_buckets(deployed: Deployed, folder: Path) -> None:
    for region in REGIONS:
        assert told(folder, region).keys() == deployed.keys(region)
        assert "BEGIN CERTIFICATE" in told(folder, region)["identity/authority.pem"]
    handout = json.loads(told(folder, "eu-west-1")["handouts/axon/r7.json"])
    assert handout["files"]["policies.json"]["policies"] == POLICIES
    assert handout["secrets"]["secrets/MODEL_KEY"] == "shop-prod/axon/MODEL_KEY"


def what_runs_and_where_its_state_is(folder: Path) -> None:
    """The app file does not name the account; the credentials do."""
    values = (folder / "ours/regions/eu-west-1/services.auto.tfvars").read_text()
    assert "axon@sha256:7" in values and "r7" in values
    for root in ("account", "registry", "control-plane", *(f"regions/{r}" for r in REGIONS)):
        assert f"state-{ACCOUNT}-" in (folder / "ours" / root / "backend.hcl").read_text()
    readme = (folder / "ours/README.md").read_text()
    assert ACCOUNT in readme and "ACCOUNT" not in readme
    assert "after seven days" in readme and "python signing/renew.py" in readme


def functions_come_with_what_they_need(folder: Path) -> None:
    with zipfile.ZipFile(folder / "ours/packages/governance.zip") as package:
        assert "cedarpy/__init__.py" in package.namelist()


def no_value_of_a_secret_is_in_it(folder: Path, moto: Moto) -> None:
    written = b"".join(path.read_bytes() for path in (folder / "ours").rglob("*") if path.is_file())
    assert VALUE.encode() not in written
    for region in REGIONS:
        for each in secret_values(moto, region):
            assert each.encode() not in written


def secret_values(moto: Moto, region: str) -> list[str]:
    client = moto.client("secretsmanager", region)
    kept = client.get_secret_value(SecretId="shop-prod/fairway/signing")["SecretString"]
    found = [key["secret"] for keys in json.loads(kept)["identities"].values() for key in keys]
    given = client.get_secret_value(SecretId="shop-prod/axon/identity")["SecretString"]
    return found + [each["key"] for each in json.loads(given)["verifying.json"]["keys"]]


def test_a_region_that_lacks_documents_is_an_error(
    deployed: Deployed, fairway: CommandLine, folder: Path
) -> None:
    """More and more of them are gone, in the end the bucket."""
    bucket = deployed.bucket("eu-west-1")
    for gone, said in (
        (["mesh/gateway/envoy.json"], "1 of the 6 documents"),
        (["handouts/axon/r7.json", "mesh/axon/r7/envoy.json"], "handouts/axon/r7.json and 2 more"),
        (["identity/authority.pem"], "4 of the 6 documents"),
        (sorted(deployed.keys("eu-west-1")), "6 of the 6 documents"),
        ([], "6 of the 6 documents"),
    ):
        deployed.remove("eu-west-1", *gone)
        if not gone:
            deployed.place.clients.of("s3", "eu-west-1").delete_bucket(Bucket=bucket)
        done = fairway(*EJECT)
        assert done.code != 0 and said in done.err
        assert bucket in done.err and "fairway deploy prod" in done.err
        assert not (folder / "ours").exists()


def test_a_folder_in_use_loses_nothing(
    deployed: Deployed, fairway: CommandLine, folder: Path
) -> None:
    (folder / "ours").mkdir()
    (folder / "ours" / "notes.md").write_text("mine")
    done = fairway(*EJECT)
    assert done.code == 6 and "--force" in done.err
    assert [path.name for path in (folder / "ours").iterdir()] == ["notes.md"]
    assert fairway(*EJECT, "--force").code == 0
    assert (folder / "ours" / "notes.md").read_text() == "mine"


def test_an_eject_that_was_aborted_can_be_done_again(
    deployed: Deployed, fairway: CommandLine, folder: Path
) -> None:
    (folder / "ours" / "config" / "eu-west-1").mkdir(parents=True)
    (folder / "ours" / ".rendered").write_text("unfinished\n")
    half = folder / "ours" / "config" / "eu-west-1" / "identity"
    half.mkdir()
    assert fairway(*EJECT).code == 0
    assert told(folder, "eu-west-1").keys() == deployed.keys("eu-west-1")


@pytest.mark.aws
def test_terraform_takes_every_root(
    deployed: Deployed, fairway: CommandLine, terraform: Terraform
) -> None:
    """With the versions, images and account of what runs, and with the zips of functions."""
    assert fairway("eject", "prod", "-o", str(terraform.folder / "ours")).code == 0
    for root in ("account", "registry", "control-plane", "regions/eu-west-1"):
        there = terraform.within(terraform.folder / "ours" / root)
        there.init()
        said = there.json("validate", "-json")
        assert (said["valid"], said["warning_count"]) == (True, 0), said["diagnostics"]


def test_before_the_first_deployment_the_app_file_decides(
    moto: Moto, fairway: CommandLine, folder: Path, deployed: Deployed
) -> None:
    moto.reset()
    done = fairway(*EJECT)
    assert done.code == 0 and "nothing was deployed yet" in done.err
    assert {"mesh/gateway/envoy.json", "handouts/axon/r1.json"} <= told(folder, "eu-west-1").keys()


def test_another_account_is_refused(deployed: Deployed, fairway: CommandLine, folder: Path) -> None:
    other = 'aws: {account: "999999999999", domain'
    (folder / "fairway.yaml").write_text(APP_FILE.replace("aws: {domain", other))
    done = fairway(*EJECT)
    assert done.code == 6 and ACCOUNT in done.err and "--offline" in done.err
    assert not (folder / "ours").exists()


def test_an_account_that_cannot_be_reached_is_an_error(
    deployed: Deployed, fairway: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    done = fairway(*EJECT)
    assert done.code != 0 and "no credentials" in done.err and "--offline" in done.err
    assert not (folder / "ours").exists()
