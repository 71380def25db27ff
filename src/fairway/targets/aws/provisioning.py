"""The resources of an environment by Terraform: a `Provision`, and what `fairway cost` asks.

Every region has a root module of its own, with the same files and other values. The region that
leads goes first: replicas of secrets and copies of backups in the others name what it has made.
What is only looked at has a folder of its own, so that a plan for people never gets into the way
of an apply.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from fairway.errors import Refused
from fairway.model.aws import AwsStore
from fairway.plan.preview import Preview, ResourceChange
from fairway.targets.aws.cost.estimate import (
    Basis,
    Estimate,
    differences,
    estimate_planned,
    estimate_present,
)
from fairway.targets.aws.cost.prices import price_table
from fairway.targets.aws.cost.usage import usage_of
from fairway.targets.aws.rendering import native, packages
from fairway.targets.aws.rendering.roots import regions, rendered
from fairway.targets.aws.rendering.tree import write_tree
from fairway.targets.aws.standing.state import Key, Standing
from fairway.targets.aws.telling import Busy
from fairway.targets.aws.terraform.binary import Binary
from fairway.targets.aws.terraform.folder import private_folder
from fairway.targets.aws.terraform.locks import Lock
from fairway.targets.aws.terraform.runner import (
    Backend,
    PlannedChanges,
    Terraform,
    nobody,
)
from fairway.targets.aws.terraform.runner import Place as Workplace
from fairway.targets.aws.together import together

Purpose = Literal["apply", "look"]

_LOCAL = 'terraform {\n  backend "local" {}\n}\n'


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where Terraform works for one environment, and with what.

    `folder` is private to this environment; `cache` keeps providers and zips for all of them.
    `backend` says where the state of a region is, None for no state at all: then everything is
    planned as if nothing were there. `of_before` knows locks of control planes of this environment.
    `wheels` says whether the zips of Lambda functions have the
    packages that they need (without: enough to plan, not to run).
    """

    binary: Binary
    folder: Path
    cache: Path
    variables: Mapping[str, str]
    backend: Callable[[Standing, str], Backend] | None
    wheels: bool = True
    of_before: Callable[[Lock], bool] = nobody
    busy: Busy = field(default_factory=Busy)


class TerraformProvision:
    """A `Provision` on the root modules under `infra/roots/region`."""

    def __init__(self, workshop: Workshop) -> None:
        self._shop = workshop
        self._known: dict[tuple[Purpose, str], Terraform] = {}
        self._turns: dict[Purpose, asyncio.Lock] = {"apply": asyncio.Lock(), "look": asyncio.Lock()}

    def rendered(self, standing: Standing) -> dict[str, str]:
        """Every text file of the tree. Pure."""
        return rendered(standing)

    async def preview(self, standing: Standing) -> Preview:
        """What `apply` would change in every region, and what a month costs before and after."""
        looks = await self._looks(standing)
        changes = tuple(
            _told_apart(region, _owned(standing, change), len(looks))
            for region, planned in looks.items()
            for change in planned.changes
        )
        before, after = self._costs(standing, looks)
        declared = standing.model.environments[standing.environment]
        costs = differences(before, after)
        return Preview(changes, costs, declared.cost.budget, _missing(after))

    async def estimate(self, standing: Standing) -> Estimate:
        """What a month of it will cost."""
        return self._costs(standing, await self._looks(standing))[1]

    async def apply(self, standing: Standing) -> None:
        """Make it so; Refused before anything is changed anywhere when data would be lost."""
        async with self._turns["apply"]:
            await self._written("apply", standing)
            lead, *others = regions(standing)
            await together(self._planned(standing, region) for region in others)
            await self._applied(standing, lead)
            await together(self._applied(standing, region) for region in others)

    async def differences(self, standing: Standing) -> tuple[ResourceChange, ...]:
        """What was changed behind Terraform's back."""
        async with self._turns["look"]:
            await self._written("look", standing)
            found = await together(self._drifted(standing, region) for region in regions(standing))
        return tuple(change for changes in found for change in changes)

    async def _looks(self, standing: Standing) -> dict[str, PlannedChanges]:
        async with self._turns["look"]:
            await self._written("look", standing)
            names = regions(standing)
            looks = await together(self._look(standing, region) for region in names)
        return dict(zip(names, looks, strict=True))

    async def _look(self, standing: Standing, region: str) -> PlannedChanges:
        terraform = await self._ready("look", standing, region)
        planned = await terraform.plan(lock=False)
        return replace(planned, document=await terraform.document(planned))

    async def _planned(self, standing: Standing, region: str) -> tuple[Terraform, PlannedChanges]:
        """A plan to apply that loses no data.

        The others are planned before the lead is applied, so that a loss in one stops all, and
        again after it: what the lead has made may change their plans.
        """
        terraform = await self._ready("apply", standing, region)
        planned = await terraform.plan()
        if planned.losing_data:
            raise _would_lose(region, planned.losing_data)
        return terraform, planned

    async def _applied(self, standing: Standing, region: str) -> None:
        busy = self._shop.busy
        busy.begin(region, 0)
        try:
            terraform, planned = await self._planned(standing, region)
            busy.begin(region, len(planned.changes))
            await terraform.apply(planned)
        finally:
            busy.end(region)

    async def _drifted(self, standing: Standing, region: str) -> tuple[ResourceChange, ...]:
        terraform = await self._ready("look", standing, region)
        found = await terraform.refresh_only()
        several = len(regions(standing))
        return tuple(
            _told_apart(region, _owned(standing, change), several) for change in found.changes
        )

    async def _ready(self, purpose: Purpose, standing: Standing, region: str) -> Terraform:
        terraform = self._known.setdefault((purpose, region), self._terraform(purpose, region))
        backend = self._shop.backend
        await terraform.init(None if backend is None else backend(standing, region))
        return terraform

    def _terraform(self, purpose: Purpose, region: str) -> Terraform:
        shop = self._shop
        folder = shop.folder / purpose / "regions" / region
        place = Workplace(shop.binary, folder, shop.variables, shop.cache / "providers")
        if purpose == "look":
            return Terraform(place)
        return Terraform(place, partial(shop.busy.hear, region), shop.of_before)

    async def _written(self, purpose: Purpose, standing: Standing) -> None:
        def write() -> None:
            zips = kept_archives(self._shop.cache / "packages", wheels=self._shop.wheels)
            texts = {**rendered(standing), **self._overrides(standing)}
            write_tree(private_folder(self._shop.folder / purpose), texts, zips)

        await asyncio.to_thread(write)

    def _overrides(self, standing: Standing) -> dict[str, str]:
        """Files by which Terraform takes a local state, where none is to be used."""
        if self._shop.backend is not None:
            return {}
        return {f"regions/{region}/backend_override.tf": _LOCAL for region in regions(standing)}

    def _costs(
        self, standing: Standing, looks: Mapping[str, PlannedChanges]
    ) -> tuple[Estimate, Estimate]:
        """Before and after, all regions together."""
        before, after = Estimate(), Estimate()
        for region, planned in looks.items():
            basis = basis_of(standing, region)
            before = before.plus(estimate_present(planned.document, basis))
            leaving = replace(basis, leaving=_leaving(standing))
            after = after.plus(estimate_planned(planned.document, leaving))
        return before, after


def basis_of(standing: Standing, region: str) -> Basis:
    """What an estimate for one region rests on."""
    app = standing.model
    subjects = frozenset({*app.services, *app.stores, *app.topics})
    usage = usage_of(app, standing.environment, leads=region == regions(standing)[0])
    public = tuple(name for name, service in app.services.items() if service.public)
    stores = app.environments[standing.environment].aws.stores
    disks = {
        name: float(-(-stores.get(name, AwsStore.model_validate({})).storage // 2**30))
        for name, store in app.stores.items()
        if store.kind == "postgres"
    }
    return Basis(region, usage, price_table(), subjects, disks=disks, public=public)


def kept_archives(cache: Path, *, wheels: bool) -> dict[str, bytes]:
    """The zips of all Lambda functions by their path in the tree; each is built only once.

    The wheels in them come from the network, and are the same for the same requirements.
    """
    return {
        f"packages/{name}.zip": _kept(cache, name, code, wheels=wheels)
        for name, code in native.packages().items()
    }


def _kept(cache: Path, name: str, code: Mapping[str, bytes], *, wheels: bool) -> bytes:
    known = hashlib.sha256(packages.zipped(code) + bytes([wheels])).hexdigest()[:16]
    file = cache / f"{name}-{known}.zip"
    if not file.is_file():
        content = native.archive(code, wheels=wheels)
        # A name of its own: other environments may make the same zip at the same time.
        with tempfile.NamedTemporaryFile(dir=private_folder(cache), delete=False) as fresh:
            fresh.write(content)
        Path(fresh.name).replace(file)
    return file.read_bytes()


def _leaving(standing: Standing) -> frozenset[Key]:
    """The versions that are there until a deployment is over: all but the newest of a service."""
    return frozenset(
        (service, version.name)
        for service, versions in standing.services.items()
        for version in versions[:-1]
    )


def _owned(standing: Standing, change: ResourceChange) -> ResourceChange:
    """Keys of resources are names of services, but not all: `s3` is a gateway of the network."""
    app = standing.model
    known = change.service in {*app.services, *app.stores, *app.topics}
    return change if known else replace(change, service="")


def _told_apart(region: str, change: ResourceChange, several: int) -> ResourceChange:
    """With its region before the address, where there is more than one."""
    return change if several == 1 else replace(change, address=f"{region}: {change.address}")


def _missing(found: Estimate) -> tuple[str, ...]:
    """What the cost leaves out beyond what nobody assumes."""
    if not found.unpriced:
        return ()
    return (
        f"the cost leaves out {len(found.unpriced)} things without a price: see `fairway cost`",
    )


def _would_lose(region: str, changes: Sequence[ResourceChange]) -> Refused:
    named = ", ".join(f"{change.action} {change.address}" for change in changes)
    return Refused(
        "data-would-be-lost",
        f"Terraform would delete what holds data in {region}: {named}",
        where=changes[0].service or region,
        remedy="declare it again, or take it down by hand from what `fairway eject` writes: "
        "Fairway deletes no data",
    )
