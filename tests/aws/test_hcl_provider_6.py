"""The HCL of `infra/` against what provider 6 takes and gives; `test_hcl.py` is for 5.100."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.aws import hcl
from tests.aws.hcl import Body
from tests.aws.test_hcl import FOLDERS, META, META_BLOCKS
from tests.aws.trim_bindings import ANY, stored
from tests.aws.trim_schema import used

REFERENCE = re.compile(r"(?<![\w.])(data\.)?(aws_\w+)\.\w+(?:\[[^\]]*\])?\.([a-z]\w*)")
RENEW = "python -m tests.aws.trim_bindings"


def test_the_stored_types_are_those_in_use() -> None:
    assert {kind: set(types) for kind, types in stored().items()} == {
        kind: used(kind) for kind in ("resource", "data")
    }, f"renew them: {RENEW}"


@FOLDERS
def test_provider_6_takes_every_argument(folder: Path) -> None:
    wrong = [
        f"{block}: {words}"
        for block in hcl.read(folder).blocks
        if block.type != "terraform_data"
        for words in faults(
            block.body, stored()[block.kind][block.type]["takes"], META | META_BLOCKS
        )
    ]
    assert not wrong, "\n".join(wrong)


@FOLDERS
def test_provider_6_gives_every_attribute_that_is_read(folder: Path) -> None:
    text = "".join(file.read_text() for file in folder.glob("*.tf"))
    unknown = {
        found[0]
        for found in REFERENCE.finditer(text)
        if found[3] not in stored()["data" if found[1] else "resource"][found[2]]["gives"]
    }
    assert not unknown


def faults(
    body: Body, takes: Mapping[str, Any], ignored: set[str] = frozenset(), where: str = ""
) -> Iterator[str]:
    """What provider 6 would refuse of a body."""
    blocks = [(name, nested) for name, nested in hcl.blocks_of(body) if name not in ignored]
    given = hcl.attributes_of(body) | {name for name, _ in blocks}
    yield from (f"{where}{name} is not known" for name in sorted(given - set(takes) - ignored))
    for name, argument in takes.items():
        if argument["required"] and name not in given:
            yield f"{where}{name} is missing"
    for name, nested in blocks:
        if name in takes and (fields := takes[name]["fields"]) != ANY:
            yield from faults(nested, fields, where=f"{where}{name}.")


def test_faults_are_found() -> None:
    plain = {"required": False, "fields": {}}
    takes = {
        "name": {"required": True, "fields": {}},
        "rule": {"required": False, "fields": {"id": {"required": True, "fields": {}}}},
        "statement": {"required": False, "fields": ANY},
        "plain": plain,
    }
    rule = {hcl.MARK: True, "priority": 1}
    body: Body = {"nmae": "x", "plain": 1, "rule": [rule], "statement": [rule], "count": 2}
    assert list(faults(body, takes, META)) == [
        "nmae is not known",
        "name is missing",
        "rule.priority is not known",
        "rule.id is missing",
    ]
