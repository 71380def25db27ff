"""Builds and pushes images: what is there already is not built again.

`fairway deploy` and `fairway bootstrap` call it. An image is known by the digest of its source, by
which it is tagged; the commit and the version are further tags of it. Guarantees that what it
returns is the digest of an image that lies in the registry.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fairway.errors import FairwayError, NotFound, Unavailable
from fairway.targets.aws.clients import code_of
from fairway.targets.aws.images import commands
from fairway.targets.aws.images.commands import BUILDERS, Arguments, Builder, Image
from fairway.targets.aws.images.registry import Registry, no_repository

NAMED_BY = "FAIRWAY_BUILDER"
_LAST_LINES = 12


@dataclass(frozen=True, slots=True)
class Source:
    """What an image is made from. `digest` is that of all its files; `tags` are further names."""

    name: str
    context: Path
    dockerfile: Path
    digest: str
    tags: tuple[str, ...] = ()
    platform: str = "linux/amd64"
    arguments: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, Path] = field(default_factory=dict)

    @property
    def source_tag(self) -> str:
        """The tag by which it is found again."""
        return f"source-{self.digest.removeprefix('sha256:')[:32]}"


class Images:
    """The images of one environment. `say` hears what is built; every method blocks."""

    def __init__(
        self, registry: Registry, variables: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._registry = registry
        self._variables = variables
        self._say = say
        self._logged_in = ""

    def present(self, source: Source) -> str | None:
        """The digest of the image that was made from this source, None when none was."""
        try:
            return self._registry.digest(source.name, source.source_tag)
        except FairwayError as error:
            if code_of(error) == "RepositoryNotFoundException":
                raise no_repository(source.name, self._registry.environment) from error
            raise

    def pushed(self, source: Source) -> str:
        """The digest of its image, which is built and pushed if it is not there."""
        found = self.present(source)
        if found is not None:
            for tag in source.tags:
                self._registry.tag(source.name, source.source_tag, tag)
            return found
        free = tuple(tag for tag in source.tags if not self._registry.digest(source.name, tag))
        return self._built(replace(source, tags=free))

    def _built(self, source: Source) -> str:
        builder = find_builder(self._variables)
        self._say(f"building the image of {source.name} with {builder}")
        repository = self._registry.repository(source.name)
        image = Image(
            repository, (source.source_tag, *source.tags), source.context, source.dockerfile,
            source.platform, source.arguments, source.contexts,
        )  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="fairway-image-") as folder:
            told = Path(folder, "digest")
            variables = self._entered(builder, image.registry, Path(folder))
            for arguments in commands.build(builder, image, told):
                self._run(arguments, variables, source.name)
            return _digest(builder, told, source.name)

    def _entered(self, builder: Builder, registry: str, folder: Path) -> Mapping[str, str]:
        """Variables with which the builder may push; it is logged in once."""
        login = commands.login(builder, registry)
        if login is None:
            return {**self._variables, "DOCKER_CONFIG": self._settings(registry, folder)}
        if self._logged_in != registry:
            self._run(login, self._variables, "the registry", given=self._registry.token())
            self._logged_in = registry
        return self._variables

    def _settings(self, registry: str, folder: Path) -> str:
        """Docker's settings for a builder without a login of its own, for this build only."""
        entry = base64.b64encode(f"AWS:{self._registry.token()}".encode()).decode()
        file = folder / "config.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({"auths": {registry: {"auth": entry}}}))
        return str(folder)

    def _run(
        self, arguments: Arguments, variables: Mapping[str, str], what: str, given: str = ""
    ) -> None:
        done = subprocess.run(
            arguments, input=given, env=dict(variables), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise _failed(what, arguments, done.stderr or done.stdout)


def find_builder(variables: Mapping[str, str]) -> Builder:
    """The builder that a variable names, else the first one on PATH; NotFound without one."""
    named = variables.get(NAMED_BY, "")
    for builder in BUILDERS:
        if named in ("", builder) and shutil.which(builder, path=variables.get("PATH")):
            return builder
    raise NotFound(
        "builder-missing",
        f"there is no {named or 'builder of images'} here",
        where=NAMED_BY if named else "",
        remedy="install Docker with buildx, BuildKit (buildctl) or Buildah, or deploy from a "
        "machine that has one",
    )


def commit_tags(folder: Path, digest: str) -> tuple[str, ...]:
    """The commit of a working folder as a tag; a changed one is marked, outside git there is none.

    Tags never move, so that what was not committed carries a part of its own digest.
    """
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return ()
    changed = _git(folder, "status", "--porcelain", "--", ".")
    mark = f"-changed-{digest.removeprefix('sha256:')[:8]}" if changed else ""
    return (f"git-{commit}{mark}",)


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _digest(builder: Builder, told: Path, name: str) -> str:
    try:
        return commands.digest_in(builder, told.read_text())
    except (OSError, ValueError) as error:
        raise Unavailable(
            "image-without-digest",
            f"{builder} did not say which image of {name} it has pushed",
            where=name,
            remedy="use a newer one: Docker with buildx 0.8, BuildKit 0.10, Buildah 1.20",
        ) from error


def _failed(what: str, arguments: Arguments, said: str) -> FairwayError:
    lines = "\n".join(said.strip().splitlines()[-_LAST_LINES:])
    return FairwayError(
        "image-not-built",
        f"{' '.join(arguments[:2])} failed for {what}:\n{lines}",
        where=what,
        remedy="correct the Dockerfile, or see that the builder runs and reaches the registry",
    )
