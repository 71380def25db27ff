"""How images are built with each builder, and that what lies in the registry is not built again."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.aws.moto_rig import ACCOUNT, REGION, Moto

from fairway.errors import FairwayError, NotFound
from fairway.targets.aws.clients import Clients
from fairway.targets.aws.images.commands import BUILDERS, Builder, Image, build, digest_in, login
from fairway.targets.aws.images.pushing import Images, Source, commit_tags, find_builder
from fairway.targets.aws.images.registry import Registry
from fairway.targets.aws.place import Place

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
DIGEST = "sha256:" + "ab" * 32
IMAGE = Image(f"{HOST}/shop-prod/web", ("source-1", "git-2"), Path("/src"), Path("/src/Dockerfile"))
FAKE = '''#!{python}
"""A builder that pushes a manifest of its own, and writes down how it was called."""
import hashlib, json, os, sys
from pathlib import Path
import boto3

arguments, log = sys.argv[1:], Path({log!r})
given = sys.stdin.read() if "--password-stdin" in arguments else ""
with log.open("a") as file:
    file.write(json.dumps([arguments, given]) + "\\n")
if (Path({log!r}).parent / "broken").exists():
    sys.exit("no space left on device")
if arguments[0] == "login":
    sys.exit(0)
source = hashlib.sha256(Path(arguments[-1], "Dockerfile").read_bytes()).hexdigest()
layer = {{"mediaType": "m", "size": 1, "digest": "sha256:" + source}}
manifest = json.dumps({{
    "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": layer, "layers": [layer],
}})
ecr = boto3.client("ecr", region_name={region!r})
for place, word in enumerate(arguments):
    if word == "--tag":
        repository, _, tag = arguments[place + 1].partition("/")[2].rpartition(":")
        answer = ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag)
digest = answer["image"]["imageId"]["imageDigest"]
told = arguments[arguments.index("--metadata-file") + 1]
Path(told).write_text(json.dumps({{"containerimage.digest": digest}}))
'''


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_builder_names_all_tags_and_tells_the_digest(builder: Builder) -> None:
    steps = build(builder, IMAGE, Path("/told"))
    words = " ".join(part for step in steps for part in step)
    assert all(step[0] == builder for step in steps)
    assert all(reference in words for reference in IMAGE.references)
    assert "/told" in words
    assert "linux/amd64" in words


def test_names_with_a_comma_are_one_value_for_buildctl() -> None:
    [step] = build("buildctl", IMAGE, Path("/told"))
    first, second = IMAGE.references
    assert f'type=image,"name={first},{second}",push=true' in step


def test_a_token_is_no_argument() -> None:
    for builder in ("docker", "buildah"):
        arguments = login(builder, HOST)
        assert arguments is not None
        assert "--password-stdin" in arguments
    assert login("buildctl", HOST) is None


def test_the_digest_is_read_as_each_builder_writes_it() -> None:
    told = json.dumps({"containerimage.digest": DIGEST})
    assert digest_in("docker", told) == digest_in("buildctl", told) == DIGEST
    assert digest_in("buildah", f"{DIGEST}\n") == DIGEST
    for builder, text in (("docker", "{}"), ("buildah", ""), ("buildctl", "nonsense")):
        with pytest.raises(ValueError):
            digest_in(builder, text)  # type: ignore[arg-type]


def test_the_first_builder_on_path_is_used(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        find_builder({"PATH": str(tmp_path)})
    for name in ("buildah", "buildctl"):
        (tmp_path / name).touch(mode=0o755)
    assert find_builder({"PATH": str(tmp_path)}) == "buildctl"
    assert find_builder({"PATH": str(tmp_path), "FAIRWAY_BUILDER": "buildah"}) == "buildah"


def test_a_commit_is_a_tag_and_changes_are_marked(tmp_path: Path) -> None:
    assert commit_tags(tmp_path, DIGEST) == ()
    _git(tmp_path, "init", "-q")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one")
    [tag] = commit_tags(tmp_path, DIGEST)
    assert re.fullmatch(r"git-[0-9a-f]{12}", tag)
    (tmp_path / "Dockerfile").write_text("FROM debian\n")
    assert commit_tags(tmp_path, DIGEST) == (f"{tag}-changed-abababab",)


class Desk:
    """A source folder, a fake builder on PATH, and the registry."""

    def __init__(self, folder: Path, moto: Moto) -> None:
        self.folder, self.log, self.said = folder, folder / "log", list[str]()
        python = subprocess.check_output(["which", "python"], text=True).strip()
        program = folder / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(FAKE.format(python=python, log=str(self.log), region=REGION))
        program.chmod(0o755)
        (folder / "web").mkdir()
        (folder / "web" / "Dockerfile").write_text("FROM scratch\n")
        self.ecr = moto.client("ecr")
        place = Place("shop", "prod", REGION, Clients(), lambda: 0.0)
        self.path = f"{program.parent}:{os.environ['PATH']}"
        self.images = Images(Registry(place), {**os.environ, "PATH": self.path}, self.said.append)

    def source(self, digest: str = DIGEST, tags: Sequence[str] = ("git-1",)) -> Source:
        folder = self.folder / "web"
        return Source("web", folder, folder / "Dockerfile", digest, tuple(tags))

    def calls(self) -> list[list[str]]:
        if not self.log.exists():
            return []
        return [json.loads(line)[0] for line in self.log.read_text().splitlines()]

    def tags(self) -> set[str]:
        found = self.ecr.describe_images(repositoryName="shop-prod/web")["imageDetails"]
        return {tag for each in found for tag in each.get("imageTags", ())}


@pytest.fixture
def desk(tmp_path: Path, moto: Moto) -> Desk:
    return Desk(tmp_path, moto)


def test_an_image_is_pushed_once_and_known_by_its_source(desk: Desk) -> None:
    desk.ecr.create_repository(repositoryName="shop-prod/web")
    assert desk.images.present(desk.source()) is None
    digest = desk.images.pushed(desk.source())
    assert digest.startswith("sha256:")
    assert desk.tags() == {desk.source().source_tag, "git-1"}
    assert [call[0] for call in desk.calls()] == ["login", "buildx"]
    assert desk.images.pushed(desk.source(tags=["git-2"])) == digest
    assert desk.images.present(desk.source()) == digest
    assert len(desk.calls()) == 2, "what is there is not built again"
    assert desk.tags() == {desk.source().source_tag, "git-1", "git-2"}


def test_a_tag_that_is_taken_is_not_moved(desk: Desk) -> None:
    desk.ecr.create_repository(repositoryName="shop-prod/web", imageTagMutability="IMMUTABLE")
    first = desk.images.pushed(desk.source())
    (desk.folder / "web" / "Dockerfile").write_text("FROM debian\n")
    second = desk.images.pushed(desk.source("sha256:" + "cd" * 32))
    assert first != second
    assert desk.images.present(desk.source()) == first


def test_the_token_is_given_on_standard_input_alone(desk: Desk) -> None:
    desk.ecr.create_repository(repositoryName="shop-prod/web")
    desk.images.pushed(desk.source())
    lines = [json.loads(line) for line in desk.log.read_text().splitlines()]
    token = lines[0][1]
    assert token
    assert not any(token in word for arguments, _ in lines for word in arguments)


def test_without_a_repository_bootstrap_is_named(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no repository"):
        desk.images.pushed(desk.source())


def test_a_build_that_fails_says_why(desk: Desk) -> None:
    desk.ecr.create_repository(repositoryName="shop-prod/web")
    (desk.folder / "broken").touch()
    with pytest.raises(FairwayError, match="no space left on device"):
        desk.images.pushed(desk.source())


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)
