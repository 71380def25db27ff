"""The resources of an environment, by Terraform: one root module in each of its regions.

A `Provision` of `AwsTarget`: see there for what each method does. Everything is planned before
anything is applied, so that a region whose plan would lose data stops all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from fairway.errors import FairwayError, Refused
from fairway.plan.preview import MonthlyCost, Preview, ResourceChange
from fairway.targets.aws.cost.estimate import (
    Basis,
    Estimate,
    differences,
    estimate_planned,
    estimate_present,
)
from fairway.targets.aws.cost.prices import price_table
from fairway.targets.aws.cost.usage import usage_of
from fairway.targets.aws.rendering import regions, rendered
from fairway.targets.aws.standing import Standing
from fairway.targets.aws.terraform.locks import Lock
from fairway.targets.aws.terraform.messages import Progress
from fairway.targets.aws.terraform.runner import Json, PlannedChanges, Terraform, silent
from fairway.targets.aws.terraform.site import Site

T = TypeVar("T")


class TerraformProvision:
    """Resources of one environment. `progress` hears of each one that is created or changed."""

    def __init__(
        self,
        site: Site,
        progress: Callable[[Progress], None] = silent,
        is_stale: Callable[[Lock], bool] = lambda _lock: False,
    ) -> None:
        self._site = site
        self._progress = progress
        self._is_stale = is_stale
        self._by_region: dict[str, Terraform] = {}
        self._files = asyncio.Lock()

    def rendered(self, standing: Standing) -> dict[str, str]:
        """See `Provision`."""
        return rendered(standing)

    async def preview(self, standing: Standing) -> Preview:
        """See `Provision`. The state is not locked: nothing is written."""
        plans = await self._plans(standing, lock=False)
        changes = _by_service(plans)
        if not any(plan.something for plan in plans.values()):
            return Preview(budget=_budget(standing))
        documents = await _each(
            plans, lambda region: self._by_region[region].document(plans[region])
        )
        costs, warnings = await asyncio.to_thread(_costs, standing, documents)
        return Preview(changes, costs, _budget(standing), warnings)

    async def apply(self, standing: Standing) -> None:
        """See `Provision`."""
        plans = await self._plans(standing, lock=True)
        if lost := _losing(plans):
            raise _data_would_be_lost(lost)
        await _each(plans, lambda region: self._by_region[region].apply(plans[region]))

    async def differences(self, standing: Standing) -> tuple[ResourceChange, ...]:
        """See `Provision`."""
        async with self._files:
            found = await self._ready(standing)
            plans = await _each(found, lambda region: found[region].refresh_only())
        return _by_service(plans)

    async def _plans(self, standing: Standing, *, lock: bool) -> Mapping[str, PlannedChanges]:
        """A saved plan for each region. The values that it reads are not changed meanwhile."""
        async with self._files:
            found = await self._ready(standing)
            return await _each(found, lambda region: found[region].plan(lock=lock))

    async def _ready(self, standing: Standing) -> Mapping[str, Terraform]:
        await self._site.write(self.rendered(standing))
        found = {region: await self._terraform(region) for region in regions(standing)}
        for region, each in found.items():  # in turn: they share a cache, which has no lock
            await each.init(await asyncio.to_thread(self._site.backend, "region", region))
        return found

    async def _terraform(self, region: str) -> Terraform:
        if region not in self._by_region:
            self._by_region[region] = await asyncio.to_thread(
                self._site.terraform, "region", region, self._progress, self._is_stale
            )
        return self._by_region[region]


async def _each(
    by_region: Mapping[str, object], ask: Callable[[str], Awaitable[T]]
) -> dict[str, T]:
    """Ask all regions at once and wait for all; the first failure is raised after the last end."""
    answers = await asyncio.gather(*map(ask, by_region), return_exceptions=True)
    found: dict[str, T] = {}
    for region, answer in zip(by_region, answers, strict=True):
        if isinstance(answer, FairwayError):
            answer.where = f"{region}: {answer.where}" if answer.where else region
        if isinstance(answer, BaseException):
            raise answer
        found[region] = answer
    return found


def _by_service(plans: Mapping[str, PlannedChanges]) -> tuple[ResourceChange, ...]:
    """The changes of all regions, by service; with several, an address begins with its region."""
    several = len(plans) > 1
    found = [
        replace(change, address=f"{region}: {change.address}") if several else change
        for region, plan in plans.items()
        for change in plan.changes
    ]
    return tuple(sorted(found, key=lambda each: (each.service, each.address)))


def _losing(plans: Mapping[str, PlannedChanges]) -> list[str]:
    return [
        f"{region}: {change.action} {change.address}"
        for region, plan in plans.items()
        for change in plan.losing_data
    ]


def _costs(
    standing: Standing, documents: Mapping[str, Json]
) -> tuple[tuple[MonthlyCost, ...], tuple[str, ...]]:
    """What a month costs before and after, and what has no price here."""
    before, after = Estimate(), Estimate()
    for number, (region, document) in enumerate(documents.items()):
        basis = _basis(standing, region, leads=number == 0)
        before = before.plus(estimate_present(document, replace(basis, leaving=())))
        after = after.plus(estimate_planned(document, basis))
    unpriced = after.unpriced
    warnings = (f"not in the costs: {', '.join(unpriced)}",) if unpriced else ()
    return differences(before, after), warnings


def _basis(standing: Standing, region: str, *, leads: bool) -> Basis:
    app = standing.model
    return Basis(
        region=region,
        usage=usage_of(app, standing.environment, leads=leads),
        prices=price_table(),
        subjects={*app.services, *app.stores, *app.topics},
        leaving=[
            (service, version.name)
            for service, versions in standing.services.items()
            for version in versions[:-1]
        ],
    )


def _budget(standing: Standing) -> float | None:
    return standing.model.environments[standing.environment].cost.budget


def _data_would_be_lost(lost: Sequence[str]) -> Refused:
    return Refused(
        "data-would-be-lost",
        f"this would remove what holds data: {', '.join(lost)}",
        remedy="keep it declared; to give it up, remove it by hand with Terraform in the folder "
        "of `fairway eject`",
    )
