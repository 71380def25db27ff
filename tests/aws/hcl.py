"""The HCL below `infra/` as data, read without Terraform.

`folders()` are all modules and roots; `read(folder)` is what the files of one of them declare.
Bodies are dictionaries as python-hcl2 gives them: an attribute is a value, a block is a list of
dictionaries that carry its mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
from hcl2 import SerializationOptions

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
MARK = "__is_block__"
_OPTIONS = SerializationOptions(with_comments=False, strip_string_quotes=True)
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """A resource or data source: where it stands, its type, name and body."""

    kind: str
    type: str
    name: str
    body: Body
    file: Path

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}: {self.kind} {self.type}.{self.name}"


@dataclass(frozen=True, slots=True)
class Folder:
    """A module or root: the settings of Terraform, variables and outputs by name, its blocks."""

    path: Path
    terraform: Body
    variables: dict[str, Body]
    outputs: dict[str, Body]
    blocks: tuple[Block, ...]

    @property
    def is_module(self) -> bool:
        return self.path.parent.name == "modules"


def folders() -> tuple[Path, ...]:
    """Every module and every root, in order."""
    return tuple(sorted({file.parent for file in INFRA.glob("*/*/*.tf")}))


@cache
def read(folder: Path) -> Folder:
    """Everything that the `*.tf` files of a folder declare."""
    parsed = {file: _parsed(file) for file in sorted(folder.glob("*.tf"))}
    settings: Body = {}
    for body in parsed.values():
        for block in body.get("terraform", []):
            settings |= block
    return Folder(
        folder,
        settings,
        _named(parsed, "variable"),
        _named(parsed, "output"),
        tuple(_blocks(parsed)),
    )


def _parsed(file: Path) -> Body:
    found: Body = hcl2.loads(file.read_text(), serialization_options=_OPTIONS)
    return found


def _named(parsed: dict[Path, Body], kind: str) -> dict[str, Body]:
    declared = (block for body in parsed.values() for block in body.get(kind, []))
    return {name: body for block in declared for name, body in _inner(block)}


def _blocks(parsed: dict[Path, Body]) -> Iterator[Block]:
    for file, body in parsed.items():
        for kind in ("resource", "data"):
            for typed in body.get(kind, []):
                for type_, named in _inner(typed):
                    for name, inner in _inner(named):
                        yield Block(kind, type_, name, inner, file)


def _inner(block: Body) -> Iterator[tuple[str, Body]]:
    for label, body in block.items():
        if label != MARK:
            yield label.strip('"'), body


def attributes_of(body: Body) -> set[str]:
    """Names of the arguments that a body sets."""
    return {name for name, value in body.items() if name != MARK and not is_block(name, value)}


def blocks_of(body: Body) -> Iterator[tuple[str, Body]]:
    """Nested blocks by name; a dynamic one as its content."""
    for name, value in body.items():
        if not is_block(name, value):
            continue
        for nested in value:
            if name == "dynamic":
                for label, dynamic in _inner(nested):
                    yield from ((label, content) for content in dynamic["content"])
            else:
                yield name, nested


def is_block(name: str, value: Any) -> bool:
    """Whether this is a block and not an argument; only the inner part of `dynamic` is marked."""
    marked = isinstance(value, list) and any(isinstance(v, dict) and MARK in v for v in value)
    return name == "dynamic" or marked
