"""Fairway's own images: the sidecar of every task, and the control plane.

Their Dockerfiles come with Fairway (`infra/images/`); what is in them follows from its version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from fairway import __version__
from fairway.targets.aws.images.pushing import Source
from fairway.targets.aws.rendering import native
from fairway.targets.aws.values.shared import SERVER, SIDECAR

WHEELS = "FAIRWAY_WHEELS"
"""Names a folder of wheels that no package index has: those of Fairway itself before a release."""
_FOLDERS: Mapping[str, str] = {SIDECAR: "sidecar", SERVER: "control-plane"}


def own_image(name: str, variables: Mapping[str, str]) -> Source:
    """From what one of them is built; `name` is that of its repository."""
    folder = native.infra() / "images" / _FOLDERS[name]
    dockerfile = folder / "Dockerfile"
    wheels = variables.get(WHEELS)
    found = hashlib.sha256(f"{__version__}\n{dockerfile.read_text()}".encode())
    for wheel in sorted(Path(wheels).glob("*.whl")) if wheels else ():
        found.update(wheel.read_bytes())
    return Source(
        name, folder, dockerfile, found.hexdigest(), (__version__,),
        arguments={"FAIRWAY_VERSION": __version__},
        contexts={"wheels": Path(wheels)} if wheels else {},
    )  # fmt: skip
