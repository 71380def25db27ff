"""The whole tree of files from which an environment on AWS is made. Pure, but for our own files.

Called by `fairway render` and `fairway eject`, and by the target, which applies just these files:

    README.md
    modules/<name>/…            the modules, as they are
    account/ registry/ control-plane/
    regions/<region>/           the same files in each, with other values
    images/<name>/Dockerfile    Fairway's sidecar and its server
    packages/<name>/…           the code of Lambda functions, and build.py, which zips it
    signing/                    renew.py, which renews the keys of calls, and what it has to know

The zips themselves are no text: `tree.archives`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from fairway.targets.aws.identity.signing import who_signs
from fairway.targets.aws.rendering import native, packages
from fairway.targets.aws.rendering.readme import readme
from fairway.targets.aws.standing.state import Standing
from fairway.targets.aws.values import values
from fairway.targets.aws.values.backend import backend
from fairway.targets.aws.values.place import place_of, regions_of
from fairway.targets.aws.values.shared import account_values, control_plane_values, registry_values
from fairway.targets.signing import verifying_services

RENEW = "signing/renew.py"
"""Does without Fairway what its control plane does every day."""

_SHARED = {
    "account": account_values,
    "registry": registry_values,
    "control-plane": control_plane_values,
}


def rendered(standing: Standing) -> dict[str, str]:
    """Every text file by its path in the tree."""
    files = {"README.md": readme(standing)}
    files |= {f"modules/{path}": text for path, text in native.modules().items()}
    files |= {f"images/{path}": text for path, text in native.images().items()}
    files |= _packages() | _signing(standing)
    for kind in _SHARED:
        files |= _below(kind, render_root(kind, standing))
    for region in regions(standing):
        files |= _below(f"regions/{region}", render_root("region", standing, region))
    return files


def render_root(kind: str, standing: Standing, region: str = "") -> Mapping[str, str]:
    """One root: its files and its values, by name. `region` is that of the kind `region`."""
    place = place_of(standing, region or regions(standing)[0])
    if kind == "region":
        files = _moved(native.root(kind), 2) | values(standing, region).texts()
    else:
        files = _moved(native.root(kind), 1) | _SHARED[kind](place).texts()
    return files | {"backend.hcl": backend(place, kind)}


def regions(standing: Standing) -> tuple[str, ...]:
    """The regions of the environment; the first leads."""
    return regions_of(standing.model.environments[standing.environment])


def _packages() -> dict[str, str]:
    files = {
        f"packages/{name}/{path}": content.decode()
        for name, code in native.packages().items()
        for path, content in code.items()
    }
    return files | {"packages/build.py": Path(packages.__file__).read_text("utf-8")}


def _signing(standing: Standing) -> dict[str, str]:
    """Nothing where no service has the library: nobody signs anything then."""
    if not verifying_services(standing.model):
        return {}
    told = who_signs(standing.model, standing.environment, regions(standing))
    text = json.dumps(told, indent=2) + "\n"
    return {RENEW: native.renewing(), "signing/identities.json": text}


def _moved(files: Mapping[str, str], depth: int) -> dict[str, str]:
    """The files with the modules where they are in the tree: two folders up in the repository."""
    if depth == 2:
        return dict(files)
    return {path: text.replace('"../../', '"../') for path, text in files.items()}


def _below(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{path}": text for path, text in files.items()}
