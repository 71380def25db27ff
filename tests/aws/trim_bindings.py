"""What provider 6 takes and gives of what `infra/` uses, stored so that HCL is checked against it.

    pip download --no-deps --dest DIR cdktf-cdktf-provider-aws==21.22.1
    python -m tests.aws.trim_bindings DIR/*.whl

HashiCorp generated that package from the schema of provider 6.25.0; it is the last one. Its classes
are read as text, none is imported. Written is `schema/aws6.json.gz` beside this file:

    {"resource": {TYPE: {"takes": {ARGUMENT: {"required": …, "fields": {…}}}, "gives": [NAME, …]}}}

and the same for "data". `fields` are the arguments of a nested block. `stored()` reads it again.
"""

from __future__ import annotations

import ast
import gzip
import json
import sys
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.aws.trim_schema import used

STORED = Path(__file__).parent / "schema" / "aws6.json.gz"
_PREFIXES = {"resource": "", "data": "data_aws_"}
_OF_TERRAFORM = {
    "connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioners",
}  # fmt: skip
_BASES = {"TerraformResource", "TerraformDataSource"}
ANY = "any"
"""The fields of blocks that hold their like, which the package does not describe."""
Classes = Mapping[str, ast.ClassDef]


def main() -> None:
    """Store what the package at the path of the command line says, trimmed."""
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        found = {
            kind: {type_: _type(wheel, kind, type_) for type_ in sorted(used(kind))}
            for kind in _PREFIXES
        }
    text = json.dumps(found, sort_keys=True, separators=(",", ":"))
    STORED.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    counts = ", ".join(f"{len(found[kind])} of kind {kind}" for kind in _PREFIXES)
    print(f"{STORED.name}: {counts}, {STORED.stat().st_size} bytes")


def _type(wheel: zipfile.ZipFile, kind: str, type_: str) -> dict[str, Any]:
    module = _PREFIXES[kind] + type_.removeprefix("aws_")
    source = wheel.read(f"cdktf_cdktf_provider_aws/{module}/__init__.py").decode()
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    own = next(name for name, node in classes.items() if _BASES & _names(node.bases[0]))
    takes = _takes(classes, own)
    for name in _OF_TERRAFORM:
        takes.pop(name)
    return {"takes": takes, "gives": sorted(_gives(classes[own]))}


def _names(node: ast.AST) -> set[str]:
    return {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def _takes(classes: Classes, name: str) -> dict[str, Any]:
    """The arguments of a class, with those of the classes that they are of."""
    [made] = [
        node
        for node in classes[name].body
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    ]
    arguments = zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True)
    return {
        argument.arg: {"required": default is None, "fields": _fields(classes, argument)}
        for argument, default in arguments
    }


def _fields(classes: Classes, argument: ast.arg) -> dict[str, Any] | str:
    """What a nested block takes; nothing for a plain value."""
    assert argument.annotation is not None
    if ast.unparse(argument.annotation) == "typing.Any":
        return ANY
    for node in ast.walk(argument.annotation):
        if isinstance(node, ast.Constant) and node.value in classes:
            return _takes(classes, str(node.value))
    return {}


def _gives(node: ast.ClassDef) -> set[str]:
    return {each.name for each in node.body if isinstance(each, ast.FunctionDef)}


@cache
def stored() -> dict[str, Any]:
    """What `main` wrote."""
    found: dict[str, Any] = json.loads(gzip.decompress(STORED.read_bytes()))
    return found


if __name__ == "__main__":
    main()
