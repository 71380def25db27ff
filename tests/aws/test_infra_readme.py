"""`infra/README.md` knows every root and module, leads nowhere wrong, and its example is valid."""

from __future__ import annotations

import re
import shutil

import pytest
from tests.aws import hcl
from tests.aws.terraform_rig import Terraform

README = (hcl.INFRA / "README.md").read_text("utf-8")
LINKS = re.findall(r"\]\(([^)#]+)", README)


def test_it_leads_to_every_root_and_module() -> None:
    there = {f"{each.parent.name}/{each.name}/" for each in hcl.folders()}
    assert there <= set(LINKS)


@pytest.mark.parametrize("link", sorted(set(LINKS)))
def test_what_it_links_to_exists(link: str) -> None:
    assert (hcl.INFRA / link).exists()


@pytest.mark.aws
def test_its_example_is_valid_terraform(terraform: Terraform) -> None:
    example = re.search(r"```hcl\n(.*?)```", README, re.DOTALL)
    assert example is not None
    shutil.copytree(hcl.INFRA / "modules", terraform.folder / "modules")
    (terraform.folder / "main.tf").write_text(example[1])
    terraform.init()
    assert terraform.json("validate", "-json")["valid"]
