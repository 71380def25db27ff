"""The first steps on an account: where state is kept, where images lie, who delivers.

`fairway bootstrap` calls it, as often as one likes: every step looks first and does only what is
missing, so that a second run changes nothing and an interrupted one goes on.

The root `account` makes the bucket that its own state belongs in. It is therefore applied with a
state on this machine, which then moves into the bucket. As long as that file is here, the move is
not over: it is the only note that is needed to go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairway.errors import Conflict, NotFound, Refused
from fairway.plan.preview import ResourceChange
from fairway.targets.aws import names
from fairway.targets.aws.clients import asked
from fairway.targets.aws.place import Place
from fairway.targets.aws.terraform.messages import Progress
from fairway.targets.aws.terraform.runner import Backend, PlannedChanges, Terraform
from fairway.targets.aws.terraform.site import Site

ACCOUNT, REGISTRY, CONTROL_PLANE = "account", "registry", "control-plane"
_LOCAL = "backend_override.tf"
_IMAGE = "image.auto.tfvars"
_UNMOVED = "unmoved.tfstate"
"""Not Terraform's own name for it: it would be taken for a state to ask people about."""
_LOCAL_BACKEND = f'terraform {{\n  backend "local" {{\n    path = "{_UNMOVED}"\n  }}\n}}\n'


@dataclass(frozen=True, slots=True)
class Step:
    """What one root module changes, or has changed. `outputs` are empty for a mere look."""

    root: str
    changes: tuple[ResourceChange, ...]
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told: the name of a root as it is begun, then each of its resources."""

    begin: Callable[[str], None]
    progress: Callable[[Progress], None]


class Bootstrap:
    """The shared roots of one environment, in their order. `texts` are the rendered files."""

    def __init__(self, site: Site, place: Place, texts: Mapping[str, str], tell: Telling) -> None:
        self._site = site
        self._place = place
        self._texts = texts
        self._tell = tell

    async def look(self, *roots: str) -> tuple[Step, ...]:
        """What would be changed; nothing is, not even the state is locked."""
        await self._begin()
        there = await self._has_bucket()
        return tuple([await self._looked(root, there=there) for root in roots])

    async def run(self, *roots: str) -> tuple[Step, ...]:
        """Have these roots stand, one after the other."""
        await self._begin()
        return tuple([await self._made(root) for root in roots])

    async def serve(self, image: str) -> None:
        """Have the control plane run this image from now on."""
        self._texts = {**self._texts, f"{CONTROL_PLANE}/{_IMAGE}": f'image = "{image}"\n'}
        await self._site.write(self._texts)

    # Steps

    async def _begin(self) -> None:
        """Refused when the credentials are those of another account."""
        await asyncio.to_thread(self._place.require_account)
        kept = self._site.root(CONTROL_PLANE) / _IMAGE
        if kept.is_file():  # what was pushed before runs on where nothing is pushed now
            self._texts = {f"{CONTROL_PLANE}/{_IMAGE}": kept.read_text(), **self._texts}
        await self._site.write(self._texts)

    async def _looked(self, root: str, *, there: bool) -> Step:
        self._tell.begin(root)
        ours = await self._terraform(root)
        if there and not self._unmoved(root).is_file():
            await self._in_bucket(root, ours)
        else:
            await self._on_this_machine(root, ours)
        planned = await ours.plan(lock=False)
        return Step(root, planned.changes, {})

    async def _made(self, root: str) -> Step:
        self._tell.begin(root)
        ours = await self._terraform(root)
        if root == ACCOUNT and (self._unmoved(root).is_file() or not await self._has_bucket()):
            changes = await self._made_before_its_bucket(ours)
        else:
            if root == ACCOUNT:
                await self._require_state()
            await self._in_bucket(root, ours)
            changes = await self._applied(ours)
        return Step(root, changes, await ours.output())

    async def _made_before_its_bucket(self, ours: Terraform) -> tuple[ResourceChange, ...]:
        """Apply the account with a state that is here, then have the state in the bucket."""
        await self._on_this_machine(ACCOUNT, ours)
        changes = await self._applied(ours)
        self._override(ACCOUNT).unlink()
        await ours.init(await self._backend(ACCOUNT))
        await ours.adopt(self._unmoved(ACCOUNT))
        for left in (self._unmoved(ACCOUNT), self._unmoved(ACCOUNT).with_suffix(".tfstate.backup")):
            left.unlink(missing_ok=True)
        return changes

    async def _applied(self, ours: Terraform) -> tuple[ResourceChange, ...]:
        planned = await ours.plan()
        _keep_data(planned)
        await ours.apply(planned)
        return planned.changes

    async def _in_bucket(self, root: str, ours: Terraform) -> None:
        self._override(root).unlink(missing_ok=True)
        await ours.init(await self._backend(root))

    async def _on_this_machine(self, root: str, ours: Terraform) -> None:
        self._override(root).write_text(_LOCAL_BACKEND)
        await ours.init()

    async def _has_bucket(self) -> bool:
        name, s3 = await self._bucket()
        try:
            await asked("look for the bucket of the state", lambda: s3.head_bucket(Bucket=name))
        except NotFound:
            return False
        return True

    async def _require_state(self) -> None:
        """Conflict when the bucket was made elsewhere, and the state has not moved into it yet."""
        name, s3 = await self._bucket()
        key = names.state_key(ACCOUNT)
        try:
            await asked("look for the state", lambda: s3.head_object(Bucket=name, Key=key))
        except NotFound as error:
            raise Conflict(
                "bootstrap-begun-elsewhere",
                f"the bucket {name} is there, and no state of what made it, neither in it nor here",
                where=name,
                remedy="go on where it was begun: there is the state, "
                f"{self._unmoved(ACCOUNT).name}; if that is lost, remove what it made by hand",
            ) from error

    async def _bucket(self) -> tuple[str, Any]:
        """The name of the state's bucket, and who to ask for it."""
        place = self._place
        account = await asyncio.to_thread(place.require_account)
        name = names.state_bucket(place.app, place.environment, account, place.lead)
        return name, await asyncio.to_thread(place.clients.of, "s3", place.lead)

    async def _terraform(self, root: str) -> Terraform:
        return await asyncio.to_thread(self._site.terraform, root, progress=self._tell.progress)

    async def _backend(self, root: str) -> Backend:
        return await asyncio.to_thread(self._site.backend, root)

    def _override(self, root: str) -> Path:
        return self._site.root(root) / _LOCAL

    def _unmoved(self, root: str) -> Path:
        return self._site.root(root) / _UNMOVED


def _keep_data(planned: PlannedChanges) -> None:
    if planned.losing_data:
        lost = ", ".join(f"{each.action} {each.address}" for each in planned.losing_data)
        raise Refused(
            "data-would-be-lost",
            f"this would remove what holds data: {lost}",
            remedy="remove it by hand with Terraform, if that is meant",
        )
