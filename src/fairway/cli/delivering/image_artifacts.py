"""Artifacts of an environment on AWS: an image of each service, by digest.

`wish.py` asks for them. `deploy` builds and pushes what is not in the registry; `plan` only looks,
and stands in the digest of the source for an image that is yet to be built.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fairway.cli.output import note
from fairway.errors import InvalidInput
from fairway.model.app import App

if TYPE_CHECKING:
    from fairway.targets.aws.images.pushing import Images, Source

ON_AWS = "aws-ecs"


def needs_images(app: App, environment: str) -> bool:
    """Whether the services of an environment run from images."""
    return app.environments[environment].target == ON_AWS


def say_that_it_takes_long(app: App, environment: str) -> None:
    """Before a plan: Terraform asks AWS about hundreds of resources."""
    if needs_images(app, environment):
        note("Terraform plans every region; nothing is changed yet…")


def image_artifacts(
    app: App, environment: str, sources: Mapping[str, tuple[Path, str]], *, build: bool
) -> dict[str, str]:
    """The digests of images by service, from the folders and digests of their sources.

    Static sites have no image: their artifact is their source, as anywhere else.
    """
    images = _images(app, environment)
    found: dict[str, str] = {}
    missing: list[str] = []
    for name, (folder, digest) in sources.items():
        if app.services[name].kind == "static":
            found[name] = digest
            continue
        source = _source(name, folder, digest)
        present = images.pushed(source) if build else images.present(source)
        if present is None:
            missing.append(name)
        found[name] = present or digest
    if missing:
        note(f"not built yet, which `fairway deploy` does: {', '.join(missing)}")
    return found


def _source(name: str, folder: Path, digest: str) -> Source:
    from fairway.targets.aws.images.pushing import Source, commit_tags

    dockerfile = folder / "Dockerfile"
    if not dockerfile.is_file():
        raise InvalidInput(
            "no-dockerfile",
            f"{name} runs from an image on AWS, and its folder has no Dockerfile",
            where=str(folder),
            remedy="write one, or name an image that is there: image",
        )
    return Source(name, folder, dockerfile, digest, commit_tags(folder, digest))


def _images(app: App, environment: str) -> Images:
    from fairway.targets.aws.clients import Clients
    from fairway.targets.aws.images.pushing import Images
    from fairway.targets.aws.images.registry import Registry
    from fairway.targets.aws.place import Place
    from fairway.targets.aws.values.place import regions_of

    declared = app.environments[environment]
    lead = regions_of(declared)[0]
    place = Place(app.app, environment, lead, Clients(), time.time, declared.aws.account)
    return Images(Registry(place), os.environ, note)
