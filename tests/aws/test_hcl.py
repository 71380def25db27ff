"""The HCL of `infra/`, checked without Terraform: against the stored schema and its own READMEs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.aws import hcl
from tests.aws.hcl import Block, Body
from tests.aws.terraform_rig import Terraform
from tests.aws.trim_schema import PROVIDER, stored, trim, used

FOLDERS = pytest.mark.parametrize(
    "folder", hcl.folders(), ids=lambda folder: f"{folder.parent.name}/{folder.name}"
)
MODULES = pytest.mark.parametrize(
    "folder",
    [folder for folder in hcl.folders() if folder.parent.name == "modules"],
    ids=lambda folder: folder.name,
)
META = {"count", "for_each", "provider", "depends_on"}
META_BLOCKS = {"lifecycle"}
RENEW = "terraform providers schema -json | python -m tests.aws.trim_schema"
ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


@FOLDERS
def test_every_argument_is_one_that_the_provider_knows(folder: Path) -> None:
    wrong = [f"{block}: {words}" for block in hcl.read(folder).blocks for words in faults(block)]
    assert not wrong, "\n".join(wrong)


def faults(block: Block) -> Iterator[str]:
    """What is wrong with a block, by the stored schema."""
    if block.type == "terraform_data":
        return
    known = stored()[block.kind].get(block.type)
    if known is None:
        yield f"not in the stored schema: {RENEW}"
        return
    body = {name: value for name, value in block.body.items() if name not in META | META_BLOCKS}
    yield from _faults(body, known, "")


def _faults(body: Body, known: dict[str, Any], where: str) -> Iterator[str]:
    blocks = list(hcl.blocks_of(body))
    as_blocks = {name for name, _ in blocks if _fields(known["attributes"].get(name))}
    given = hcl.attributes_of(body) | as_blocks
    yield from (f"{where}{words}" for words in _arguments(given, known["attributes"]))
    for name, nested in blocks:
        if name in as_blocks:
            wrong = hcl.attributes_of(nested) - _fields(known["attributes"][name])
            yield from (f"{where}{name}.{each} is not known" for each in sorted(wrong))
        elif name in known["blocks"]:
            yield from _faults(nested, known["blocks"][name]["block"], f"{where}{name}.")
        else:
            yield f"{where}{name} is no block of it"
    for name, nested in known["blocks"].items():
        if nested.get("min_items") and name not in {each for each, _ in blocks}:
            yield f"{where}{name} is missing"


def _arguments(given: set[str], known: dict[str, Any]) -> Iterator[str]:
    yield from (f"{name} is not known" for name in sorted(given - set(known)))
    for name, attribute in known.items():
        if attribute.get("required") and name not in given:
            yield f"{name} is missing"
        if name in given and attribute.get("deprecated"):
            yield f"{name} is deprecated"
        if name in given and not (attribute.get("optional") or attribute.get("required")):
            yield f"{name} cannot be set"


def _fields(attribute: dict[str, Any] | None) -> set[str]:
    """What an attribute of objects holds; the provider takes such ones as blocks, too."""
    match attribute and attribute["type"]:
        case [_, ["object", fields]]:
            return set(fields)
        case _:
            return set()


def test_faults_are_found() -> None:
    body: Body = {
        "nmae": "x",
        "arn": "x",
        "redrive": [{hcl.MARK: True, "a": 1}],
        "dynamic": [{'"other"': {"content": [{hcl.MARK: True}]}, hcl.MARK: True}],
    }
    known = {
        "attributes": {
            "name": {"type": "string", "required": True},
            "arn": {"type": "string", "computed": True},
        },
        "blocks": {"redrive": {"block": {"attributes": {}, "blocks": {}}}},
    }
    assert list(_faults(body, known, "")) == [
        "nmae is not known",
        "name is missing",
        "arn cannot be set",
        "redrive.a is not known",
        "other is no block of it",
    ]


@FOLDERS
def test_only_one_provider_is_required_at_versions_5_and_6(folder: Path) -> None:
    settings = hcl.read(folder).terraform
    assert settings["required_version"] == ">= 1.10"
    (providers,) = settings["required_providers"]
    aws = {key: value for key, value in providers["aws"].items() if key != "configuration_aliases"}
    assert aws == {"source": "hashicorp/aws", "version": ">= 5.100, < 7.0"}
    assert set(providers) <= {"aws", hcl.MARK}


@FOLDERS
def test_nothing_is_used_that_only_one_of_these_versions_has(folder: Path) -> None:
    for block in hcl.read(folder).blocks:
        if block.kind == "resource":
            assert "region" not in block.body, block
    text = "".join(file.read_text() for file in folder.glob("*.tf"))
    assert not re.search(r"data\.aws_region\.\w+(\[\d+\])?\.name\b", text)


@FOLDERS
def test_variables_and_outputs_are_typed_and_described(folder: Path) -> None:
    found = hcl.read(folder)
    for name, body in found.variables.items():
        assert {"type", "description"} <= set(body), f"variable {name} of {folder.name}"
    for name, body in found.outputs.items():
        assert "description" in body, f"output {name} of {folder.name}"


@MODULES
def test_the_readme_lists_what_there_is(folder: Path) -> None:
    found = hcl.read(folder)
    readme = (folder / "README.md").read_text()
    inputs, _, outputs = readme.partition("## Outputs")
    listed = ROW.findall(inputs.partition("## Inputs")[2])
    assert sorted(listed) == sorted(found.variables)
    assert sorted(ROW.findall(outputs)) == sorted(found.outputs)


@MODULES
def test_every_module_takes_tags_and_has_tests_of_its_own(folder: Path) -> None:
    assert "tags" in hcl.read(folder).variables
    tests = list((folder / "tests").glob("*.tftest.hcl"))
    assert any("assert {" in test.read_text() for test in tests)


@pytest.mark.aws
def test_the_stored_schema_is_what_terraform_says(terraform: Terraform) -> None:
    versions = next(file for file in hcl.INFRA.glob("modules/*/versions.tf"))
    (terraform.folder / "versions.tf").write_text(versions.read_text())
    terraform.init()
    said = terraform.json("providers", "schema", "-json")
    missing = {
        kind: used(kind) - set(said["provider_schemas"][PROVIDER][f"{key}_schemas"])
        for kind, key in (("resource", "resource"), ("data", "data_source"))
    }
    assert not any(missing.values()), f"the provider does not know {missing}"
    assert stored() == trim(said), f"renew it: {RENEW}"
