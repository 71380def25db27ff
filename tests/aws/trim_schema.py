"""The provider's schema of what `infra/` uses, stored so that HCL is checked without Terraform.

    python -m tests.aws.trim_schema < schema.json

reads what `terraform providers schema -json` prints (13 MB) and writes `schema/aws.json.gz` beside
this file: only the types of resources and data sources that `infra/` names, without descriptions.
`stored()` reads it again.
"""

from __future__ import annotations

import gzip
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.aws import hcl

PROVIDER = "registry.terraform.io/hashicorp/aws"
STORED = Path(__file__).parent / "schema" / "aws.json.gz"
_KINDS = {"resource": "resource_schemas", "data": "data_source_schemas"}
_KEPT = ("type", "required", "optional", "computed", "deprecated")
_COUNTS = ("nesting_mode", "min_items", "max_items")


def main() -> None:
    """Store the schema on standard input, trimmed."""
    trimmed = trim(json.load(sys.stdin))
    STORED.parent.mkdir(exist_ok=True)
    text = json.dumps(trimmed, sort_keys=True, separators=(",", ":"))
    STORED.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    counts = ", ".join(f"{len(trimmed[kind])} of kind {kind}" for kind in _KINDS)
    print(f"{STORED.name}: {counts}, {STORED.stat().st_size} bytes")


def trim(schema: Any) -> dict[str, Any]:
    """`{"resource": {type: block}, "data": {type: block}}` of the types that `infra/` names."""
    provider = schema["provider_schemas"][PROVIDER]
    return {
        kind: {
            type_: _block(provider[key][type_]["block"])
            for type_ in sorted(used(kind))
            if type_ in provider[key]
        }
        for kind, key in _KINDS.items()
    }


def used(kind: str) -> set[str]:
    """The types of a kind that `infra/` names."""
    return {
        block.type
        for folder in hcl.folders()
        for block in hcl.read(folder).blocks
        if block.kind == kind and block.type.startswith("aws_")
    }


def _block(block: Any) -> dict[str, Any]:
    return {
        "attributes": {
            name: {key: attribute[key] for key in _KEPT if key in attribute}
            for name, attribute in block.get("attributes", {}).items()
        },
        "blocks": {
            name: {key: nested[key] for key in _COUNTS if key in nested}
            | {"block": _block(nested["block"])}
            for name, nested in block.get("block_types", {}).items()
        },
    }


@cache
def stored() -> dict[str, Any]:
    """What `main` wrote."""
    found: dict[str, Any] = json.loads(gzip.decompress(STORED.read_bytes()))
    return found


if __name__ == "__main__":
    main()
