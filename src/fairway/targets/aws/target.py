"""An environment on AWS as a `Target`: ECS services side by side, divided by Envoys or by rules.

`wiring` makes one for each shared environment. Every writing method first passes the fence, then
keeps what should be there (`standing/`), then makes it so (`enforcing.py`): Terraform creates and
removes what runs, boto3 sets how many tasks there are and who gets which requests. Only what is
settled is kept when it is so. A method returns when ECS, the agents beside the Envoys and the load
balancers say that it is in force. After a crash the engine repeats the call, and what is there
already is left as it is.

In every region the same runs, and the weights are the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from fairway.plan.observed import Observed, ObservedVersion
from fairway.plan.preview import Preview
from fairway.plan.release import Release
from fairway.targets.aws import names
from fairway.targets.aws.enforcing import Collaborators, Enforcer
from fairway.targets.aws.inspecting import Inspector
from fairway.targets.aws.measuring.measurer import Measurer
from fairway.targets.aws.observing import healthy_tasks
from fairway.targets.aws.place import Place
from fairway.targets.aws.refusals import leads_elsewhere, nobody_answers
from fairway.targets.aws.standing import steps
from fairway.targets.aws.standing.record import Record
from fairway.targets.aws.standing.state import Key, Standing, StandingVersion
from fairway.targets.aws.waiting import ecs_name
from fairway.targets.contract import Drift, Fence, Measured, Routing, Wanted

_BACK_AGAIN = 5
"""How often is looked for a version without a healthy task: a new task may be on its way."""
_ANY_ACCOUNT = "0" * 12
"""Stands for the account in what is rendered for an environment that names none."""
_NEVER_ASKED = frozenset({"static", "worker", "job"})
"""Kinds whose requests no task answers."""

Healthy = Mapping[str, Mapping[str, int]]
"""Healthy tasks by region, then by ECS service."""


class AwsTarget:
    """A `Target` in one environment on AWS."""

    def __init__(self, place: Place, with_: Collaborators) -> None:
        self._place = place
        self._with = with_
        self._record = Record(place)
        self._enforcer = Enforcer(place, with_)
        self._inspector = Inspector(self._enforcer, with_.provision)
        self._measurer = Measurer(place, self._enforcer.balancer)
        self._turn = asyncio.Lock()

    async def observe(self) -> Observed:
        """What is there now; a version has as many healthy tasks as in its worst region."""
        standing = await self._record.read()
        healthy = await self._healthy(standing)
        services = {
            name: tuple(_observed(healthy, name, version) for version in found)
            for name, found in standing.services.items()
        }
        return Observed(standing.release, standing.policy_set, services)

    def render(self, release: Release) -> Mapping[str, str]:
        """The root modules with their values, and every document that tasks are told."""
        standing = steps.alone(self._place.environment, release, self._named_image)
        rules = self._with.governing(standing.model, release.content.policy_set)
        documents = {
            f"published/{region}/{document.key}": document.text
            for region in self._enforcer.regions(standing)
            for document in self._with.documents(standing, region, rules)
        }
        return {**self._with.provision.rendered(standing), **documents}

    async def preview(self, release: Release, wanted: Sequence[Wanted]) -> Preview:
        """What Terraform would create, change and remove, and what that costs."""
        standing = await self._record.read()
        return await self._with.provision.preview(
            await asyncio.to_thread(self._applied, standing, release, wanted)
        )

    async def apply(self, release: Release, wanted: Sequence[Wanted], fence: Fence) -> None:
        """Have these versions run healthily, in every region; Unhealthy with evidence."""
        async with self._turn:
            standing = await self._record.change(
                fence, lambda before: self._applied(before, release, wanted)
            )
            keys = [(each.service, each.version) for each in wanted]
            await self._enforcer.provision(standing)
            await self._record.admit(fence)  # that took minutes
            await self._enforcer.tell(standing, release.content.policy_set)
            await self._enforcer.scale(standing, keys)
            await self._enforcer.healthy(standing, keys)

    async def govern(self, release: Release, fence: Fence) -> None:
        """Have the release's policies and configuration decide in every task."""
        async with self._turn:
            standing = await self._record.change(fence, lambda before: before.governed(release))
            await self._enforcer.tell(standing)

    async def shift(self, routing: Routing, fence: Fence) -> None:
        """Divide new requests so; returns when every Envoy and every load balancer does."""
        async with self._turn:
            present = (await self._record.admit(fence)).standing
            steps.check_routing(present, routing)
            await self._serving(present, routing)
            if present.routing is None or present.routing.cohort != routing.cohort:
                # Callers mark their calls before any callee is divided: of a call that is not
                # marked yet two versions might answer.
                await self._divide(present.marking(routing), fence)
            standing = await self._divide(routing, fence)
            workers = steps.idle_workers(standing, routing.services)
            if workers:
                await self._change_workers(standing, workers)

    async def measure(self, services: Sequence[str]) -> Measured:
        """Running totals of these services' versions, over all regions and all tasks that were."""
        standing = await self._record.read()
        regions = self._enforcer.regions(standing)
        return await asyncio.to_thread(self._measurer.of, standing, services, regions)

    async def retire(self, versions: Sequence[Key], fence: Fence) -> None:
        """Let these versions finish what they have, and remove them."""
        async with self._turn:
            await self._retire(versions, fence)

    async def settle(self, release: Release, fence: Fence) -> None:
        """This release alone is what should be there from now on.

        Kept at the end: whoever repeats it after a failure sees that Terraform has work to do.
        """
        async with self._turn:
            before = (await self._record.admit(fence)).standing
            standing = before.settle(release)
            await self._enforcer.tell(standing)
            # A service that is new took the place of nothing: no retiring has told Terraform yet
            # that its version has tasks now, and autoscaling how few it may have.
            if standing.app != before.app or standing.settled.keys() - before.settled.keys():
                await self._enforcer.provision(standing)
            await self._record.change(fence, lambda found: found.settle(release))

    async def drift(self) -> tuple[Drift, ...]:
        """Every difference between what is there and what was settled."""
        return await self._inspector.drifts(await self._record.read())

    async def repair(self, drift: Sequence[Drift], fence: Fence) -> None:
        """End these differences; Conflict for the first that only people can end."""
        async with self._turn:
            present = (await self._record.admit(fence)).standing
            if not drift:
                return
            superfluous = self._inspector.superfluous(present, drift)
            await self._retire(superfluous, fence)
            standing = await self._record.change(fence, steps.resettled)
            await self._inspector.restore(standing, drift)

    def _applied(self, standing: Standing, release: Release, wanted: Sequence[Wanted]) -> Standing:
        now = self._place.clock()
        fresh = steps.applied(standing, release, wanted, self._place.image, now)
        lead = self._enforcer.regions(fresh)[0]
        if lead != self._place.lead:
            raise leads_elsewhere(self._place.environment, self._place.lead, lead)
        return fresh

    def _named_image(self, service: str, artifact: str) -> str:
        """Without asking AWS whose account this is."""
        return self._place.image_of(service, artifact, self._place.owner or _ANY_ACCOUNT)

    async def _divide(self, routing: Routing, fence: Fence) -> Standing:
        """The mesh first: it carries the marks by which the load balancers' guests are told."""
        standing = await self._record.change(fence, lambda before: before.routed(routing))
        await self._enforcer.tell(standing)
        await self._enforcer.divide(standing)
        return standing

    async def _change_workers(self, standing: Standing, workers: Sequence[Key]) -> None:
        """Of a worker or a job the version with most weight runs, and only that one."""
        idle = [key for key in workers if _tasks(standing, key) == 0]
        await self._enforcer.end(standing, idle)
        await self._enforcer.scale(standing, workers)
        await self._enforcer.healthy(standing, workers)

    async def _retire(self, versions: Sequence[Key], fence: Fence) -> None:
        present = (await self._record.admit(fence)).standing
        known = steps.leaving(present, versions)
        if not known and not await self._left_over(present, versions):
            return
        emptied = await self._record.change(fence, lambda found: steps.emptied(found, known))
        await self._enforcer.end(emptied, known)
        standing = await self._record.change(fence, lambda found: found.without(versions))
        await self._enforcer.tell(standing)
        await self._record.admit(fence)
        await self._enforcer.provision(standing)
        await self._enforcer.tidy(standing)

    async def _left_over(self, standing: Standing, versions: Sequence[Key]) -> bool:
        """Whether an earlier attempt was interrupted before Terraform removed them."""
        wanted = {ecs_name(key) for key in versions}
        found = await self._enforcer.everywhere(standing, self._enforcer.observer.services)
        return any(wanted & services.keys() for services in found)

    async def _serving(self, standing: Standing, routing: Routing) -> None:
        """Every version that is to get requests has somebody to answer them, in every region."""
        for attempt in range(_BACK_AGAIN):
            ill = _without_tasks(standing, routing, await self._healthy(standing))
            if ill is None:
                return
            if attempt == _BACK_AGAIN - 1:
                raise nobody_answers(*ill)
            await asyncio.sleep(self._place.patience.between)

    async def _healthy(self, standing: Standing) -> Healthy:
        if not standing.services:
            return {}
        regions = self._enforcer.regions(standing)
        found = await self._enforcer.everywhere(standing, self._enforcer.observer.tasks)
        return {region: healthy_tasks(tasks) for region, tasks in zip(regions, found, strict=True)}


def _observed(healthy: Healthy, service: str, version: StandingVersion) -> ObservedVersion:
    name = names.service_name(service, version.name)
    least = min((counts.get(name, 0) for counts in healthy.values()), default=0)
    if version.service.kind == "static":
        least = version.replicas
    return ObservedVersion(version.name, version.digest, version.weight, version.replicas, least)


def _tasks(standing: Standing, key: Key) -> int:
    version = standing.find(*key)
    return 0 if version is None else standing.tasks(key[0], version)


def _without_tasks(
    standing: Standing, routing: Routing, healthy: Healthy
) -> tuple[str, str, str] | None:
    """The first version that is to get requests and has no healthy task, and in which region."""
    for service, split in routing.services.items():
        for name, weight in split.weights.items():
            version = standing.find(service, name)
            if not weight or version is None or version.service.kind in _NEVER_ASKED:
                continue
            for region, counts in healthy.items():
                if not counts.get(names.service_name(service, name)):
                    return service, name, region
    return None
