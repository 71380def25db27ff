"""How an image is built and pushed, as argument lists, for each builder. Pure.

`pushing.py` runs them. A credential is in none of them: a login reads it from standard input.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, assert_never

Builder = Literal["docker", "buildctl", "buildah"]
BUILDERS: tuple[Builder, ...] = ("docker", "buildctl", "buildah")
Arguments = tuple[str, ...]
_USER = "AWS"
"""Whose name every token of ECR has."""


@dataclass(frozen=True, slots=True)
class Image:
    """What is built: `repository` is the registry's address with the name, `tags` its names there.

    `contexts` are named folders beside the main one.
    """

    repository: str
    tags: tuple[str, ...]
    context: Path
    dockerfile: Path
    platform: str = "linux/amd64"
    arguments: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, Path] = field(default_factory=dict)

    @property
    def references(self) -> tuple[str, ...]:
        """The image by each of its tags."""
        return tuple(f"{self.repository}:{tag}" for tag in self.tags)

    @property
    def registry(self) -> str:
        """The host part of the repository."""
        return self.repository.partition("/")[0]


def login(builder: Builder, registry: str) -> Arguments | None:
    """Reads the token from standard input; None for one that reads Docker's settings instead."""
    match builder:
        case "docker" | "buildah":
            return (builder, "login", "--username", _USER, "--password-stdin", registry)
        case "buildctl":
            return None
        case _:
            assert_never(builder)


def build(builder: Builder, image: Image, told: Path) -> tuple[Arguments, ...]:
    """Build and push, in order; the digest is written to the file `told`."""
    match builder:
        case "docker":
            return (_buildx(image, told),)
        case "buildctl":
            return (_buildctl(image, told),)
        case "buildah":
            return _buildah(image, told)
        case _:
            assert_never(builder)


def digest_in(builder: Builder, text: str) -> str:
    """The digest of what was pushed, from the file; ValueError without one."""
    found = text.strip() if builder == "buildah" else json.loads(text).get("containerimage.digest")
    if not isinstance(found, str) or not found.startswith("sha256:"):
        raise ValueError("no digest")
    return found


def _buildx(image: Image, told: Path) -> Arguments:
    return (
        "docker", "buildx", "build", "--platform", image.platform,
        "--provenance=false",  # else what is pushed is an index, which some scanners do not read
        "--push", "--metadata-file", str(told),
        *_repeated("--tag", image.references),
        *_repeated("--build-arg", _pairs(image.arguments)),
        *_repeated("--build-context", _pairs(image.contexts)),
        "--file", str(image.dockerfile), str(image.context),
    )  # fmt: skip


def _buildctl(image: Image, told: Path) -> Arguments:
    names = ",".join(image.references)
    contexts = {"context": image.context, "dockerfile": image.dockerfile.parent, **image.contexts}
    return (
        "buildctl", "build", "--frontend", "dockerfile.v0",
        *_repeated("--local", _pairs(contexts)),
        *_repeated("--opt", [
            f"filename={image.dockerfile.name}", f"platform={image.platform}",
            *(f"build-arg:{pair}" for pair in _pairs(image.arguments)),
            *(f"context:{name}=local:{name}" for name in image.contexts),
        ]),
        "--output", f'type=image,"name={names}",push=true', "--metadata-file", str(told),
    )  # fmt: skip


def _buildah(image: Image, told: Path) -> tuple[Arguments, ...]:
    built = (
        "buildah", "build", "--platform", image.platform, "--format", "docker",
        *_repeated("--tag", image.references),
        *_repeated("--build-arg", _pairs(image.arguments)),
        *_repeated("--build-context", _pairs(image.contexts)),
        "--file", str(image.dockerfile), str(image.context),
    )  # fmt: skip
    pushed = (
        ("buildah", "push", "--digestfile", str(told), reference, f"docker://{reference}")
        for reference in image.references
    )
    return (built, *pushed)


def _pairs(values: Mapping[str, object]) -> list[str]:
    return [f"{name}={value}" for name, value in values.items()]


def _repeated(option: str, values: list[str] | tuple[str, ...]) -> Arguments:
    return tuple(part for value in values for part in (option, value))
