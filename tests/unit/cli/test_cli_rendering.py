"""`fairway render` and `fairway eject`: a tree of files, offline, or why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cli.cli_driver import APP_FILE, CommandLine

PROD = """
environments:
  local: {}
  prod: {target: aws-ecs, regions: [eu-central-1], aws: {domain: shop.example.com}}
"""


@pytest.fixture(autouse=True)
def app_on_aws(folder: Path) -> None:
    (folder / "fairway.yaml").write_text(APP_FILE + PROD)


def test_render_writes_the_whole_tree(fairway: CommandLine, folder: Path) -> None:
    done = fairway("render", "prod", "-o", "there")
    assert done.code == 0 and "files in there" in done.out
    assert (folder / "there/regions/eu-central-1/services.auto.tfvars").is_file()
    assert (folder / "there/packages/identity.zip").is_file()


def test_programs_get_the_list_of_files(fairway: CommandLine) -> None:
    done = fairway("render", "prod", "-o", "there", "--json")
    assert done.json["folder"] == "there"
    assert "regions/eu-central-1/main.tf" in done.json["files"]


def test_ejected_it_says_how_to_go_on(fairway: CommandLine, folder: Path) -> None:
    done = fairway("eject", "prod", "-o", "there", "--offline")
    assert done.code == 0 and "README.md" in done.err
    readme = (folder / "there/README.md").read_text()
    assert "terraform init -backend-config=backend.hcl" in readme
    assert "axon" in readme or "orbit" in readme


@pytest.mark.parametrize("command", ["render", "eject"])
def test_another_target_has_no_terraform(fairway: CommandLine, command: str) -> None:
    done = fairway(command, "local", "-o", "there")
    assert done.code == 2
    assert "not-on-aws" in done.err or "which has no Terraform" in done.err


def test_a_folder_of_somebody_is_refused(fairway: CommandLine, folder: Path) -> None:
    (folder / "there").mkdir()
    (folder / "there" / "mine").write_text("mine")
    assert fairway("render", "prod", "-o", "there").code == 6


def test_edits_survive_a_second_eject_and_render(fairway: CommandLine, folder: Path) -> None:
    for command in (("eject", "prod", "--offline"), ("render", "prod")):
        there = folder / command[0]
        assert fairway(*command, "-o", command[0]).code == 0
        (there / "README.md").write_text("mine")
        refused = fairway(*command, "-o", command[0])
        assert refused.code == 6 and "--force" in refused.err
        assert (there / "README.md").read_text() == "mine"
        assert fairway(*command, "-o", command[0], "--force").code == 0
        assert (there / "README.md").read_text() != "mine"


def test_the_documents_of_tasks_are_ejected(fairway: CommandLine, folder: Path) -> None:
    assert fairway("eject", "prod", "-o", "there", "--offline").code == 0
    config = folder / "there/config/eu-central-1"
    assert list(config.glob("mesh/*/r1/envoy.json")) and list(config.glob("handouts/*/r1.json"))
