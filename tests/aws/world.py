"""An environment on moto, made as a user makes it: rendered, then applied root by root.

`made(app)` does what the README of a rendered tree says, with the tree of `fairway render`: state
begins on this machine, moves into the bucket that the root `account` made, and from then on is
there with its lock. Nothing here knows what the modules contain. Roots that do not wait for each
other are worked on at once, since most of the time goes by in the provider's waiting.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from tests.aws.moto_rig import ACCOUNT, Moto, serving
from tests.aws.terraform_rig import Terraform

ROOT = Path(__file__).parents[2]
APPS = {
    "axon-orbit": ROOT / "examples" / "axon-orbit",
    "shop": Path(__file__).parent / "apps" / "shop",
}
"""The examples with an environment on AWS, and an app of our own that uses everything there is."""
ENVIRONMENT = "prod"
LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'
_FAST = ("-no-color", "-input=false", "-parallelism=40")
Answer = TypeVar("Answer")


@dataclass(slots=True)
class World:
    """One environment: its server of AWS, its tree, and how long each step took."""

    app: str
    moto: Moto
    tree: Path
    terraform: Terraform
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.app}-{ENVIRONMENT}"

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of the environment; the first leads."""
        declared = yaml.safe_load((APPS[self.app] / "fairway.yaml").read_text())
        return tuple(declared["environments"][ENVIRONMENT]["regions"])

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """Folders of the tree in the order in which they are applied; those of a stage at once.

        All others keep their state in a bucket of `account`, and regions copy from the one that
        leads.
        """
        leading, *others = (f"regions/{region}" for region in self.regions)
        shared = ("registry", "control-plane")
        there = (name for name in shared if (self.tree / name / "main.tf").is_file())
        return tuple(filter(None, (("account",), (*there, leading), tuple(others))))

    @property
    def roots(self) -> tuple[str, ...]:
        """The same folders, one by one."""
        return tuple(root for stage in self.stages for root in stage)

    def at(self, root: str) -> Terraform:
        """Terraform in the folder of a root."""
        return self.terraform.within(self.tree / root, self.moto.environment(self.regions[0]))

    def timed(self, step: str, work: Callable[[], Answer]) -> Answer:
        """Do it and note how long it took."""
        began = time.monotonic()
        try:
            return work()
        finally:
            self.timings[step] = time.monotonic() - began

    def client(self, service: str, region: str = "") -> Any:
        """boto3 in one region; absent: the one that leads."""
        return self.moto.client(service, region or self.regions[0])


@contextmanager
def made(app: str, terraform: Terraform, folder: Path) -> Iterator[World]:
    """The environment of an app, applied; its server ends with the block."""
    with serving(folder) as moto:
        world = World(app, moto, folder / "out", terraform)
        world.timed("render", lambda: render(app, world.tree))
        moto.client("route53").create_hosted_zone(Name="example.com", CallerReference="zone")
        for stage in world.stages:
            at_once(lambda root: apply(world, root), stage)
        yield world


def at_once(work: Callable[[str], Answer], roots: Iterable[str]) -> list[Answer]:
    """Do it to several roots; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(work, roots))


def render(app: str, tree: Path) -> None:
    """`fairway render`, with the number of the account in its backend files."""
    command = [sys.executable, "-m", "fairway.cli.main", "render", ENVIRONMENT, "-o", str(tree)]
    variables = {**os.environ, "AXON_MODEL_KEY": "not a real one"}
    subprocess.run(
        command, cwd=APPS[app], env=variables, check=True, capture_output=True, timeout=60
    )
    for file in tree.rglob("backend.hcl"):
        file.write_text(re.sub(r"-ACCOUNT-", f"-{ACCOUNT}-", file.read_text()))


def apply(world: World, root: str) -> None:
    """Initialise and apply one root; the root `account` keeps its own state in its bucket."""
    terraform = world.at(root)
    override = terraform.folder / "backend_override.tf"
    if root == "account":
        override.write_text(LOCAL_STATE)
        terraform.init("-reconfigure")
    else:
        terraform.init(*_BACKEND)
    world.timed(f"apply {root}", lambda: terraform.run("apply", "-auto-approve", *_FAST))
    if root == "account":
        override.unlink()
        terraform.init("-migrate-state", "-force-copy", *_BACKEND)


_BACKEND = (
    "-backend-config=backend.hcl",
    "-backend-config=use_path_style=true",  # no DNS knows bucket.127.0.0.1
)


def changes(world: World, root: str) -> dict[str, Mapping[str, Any]]:
    """What a second plan would change, by address."""
    terraform = world.at(root)
    world.timed(
        f"plan {root}",
        lambda: terraform.run("plan", "-out=second.plan", "-no-color", "-input=false"),
    )
    plan = terraform.json("show", "-json", "second.plan")
    return {
        change["address"]: change["change"]
        for change in plan.get("resource_changes", [])
        if change["change"]["actions"] not in (["no-op"], ["read"])
    }


def destroy(world: World, root: str) -> None:
    """As the README says: what holds data is freed first. State is forgotten with its bucket."""
    terraform = world.at(root)
    if root == "account":
        (terraform.folder / "backend_override.tf").write_text(LOCAL_STATE)
        terraform.init("-migrate-state", "-force-copy")
    free = ("-var", "protect=false")
    world.timed(f"free {root}", lambda: terraform.run("apply", "-auto-approve", *free, *_FAST))
    world.timed(f"destroy {root}", lambda: terraform.run("destroy", "-auto-approve", *free, *_FAST))
