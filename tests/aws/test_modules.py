"""Every module by Terraform itself: formatted, valid, and its own tests with a mocked provider.

A root that has tests is tested likewise.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.aws import hcl
from tests.aws.terraform_rig import Terraform

pytestmark = pytest.mark.aws
MODULES = [
    folder
    for folder in hcl.folders()
    if folder.parent.name == "modules" or (folder / "tests").is_dir()
]


def test_all_hcl_is_formatted(terraform: Terraform) -> None:
    done = terraform.run("fmt", "-check", "-recursive", str(hcl.INFRA), ok=(0, 3))
    assert done.stdout == "", f"terraform fmt would change:\n{done.stdout}"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_module_is_valid_and_passes_its_own_tests(terraform: Terraform, module: Path) -> None:
    copied = shutil.copytree(hcl.INFRA, terraform.folder / "infra")
    terraform = terraform.within(copied / module.relative_to(hcl.INFRA))
    terraform.init()
    said = terraform.json("validate", "-json")
    assert (said["valid"], said["warning_count"]) == (True, 0), said["diagnostics"]
    done = terraform.run("test", "-no-color")
    assert "Success!" in done.stdout, done.stdout
    assert " 0 passed" not in done.stdout, f"no test ran:\n{done.stdout}"
