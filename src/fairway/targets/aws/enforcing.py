"""Makes a `Standing` so, step by step: resources, files, numbers of tasks, weights of rules.

`AwsTarget` and its inspector put the steps in order. Every step can be repeated, does nothing where
all is as it should be, and returns when AWS says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from fairway.targets.aws.balancing import Balancer, wanted_weights
from fairway.targets.aws.deciding import PolicySets
from fairway.targets.aws.observing import Observer
from fairway.targets.aws.place import Place
from fairway.targets.aws.ports import (
    Document,
    Documents,
    Governing,
    HandOver,
    Provision,
    Rules,
)
from fairway.targets.aws.publishing import Publisher
from fairway.targets.aws.standing.state import Key, Standing
from fairway.targets.aws.together import together
from fairway.targets.aws.waiting import Waiter, ecs_name

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Who provisions, what tasks are told, which rules decide, what is in their secrets."""

    provision: Provision
    documents: Documents
    governing: Governing
    hand_over: HandOver = lambda _app, _regions: None


class Enforcer:
    """The steps, in all regions of a standing."""

    def __init__(self, place: Place, with_: Collaborators) -> None:
        self._place = place
        self._with = with_
        self.observer = Observer(place)
        self.balancer = Balancer(place)
        self.publisher = Publisher(place)
        self.sets = PolicySets(place)
        self.waiter = Waiter(place, self.observer, self.balancer)

    def regions(self, standing: Standing) -> tuple[str, ...]:
        """Where it runs, the one that leads first."""
        return standing.regions or (self._place.lead,)

    async def everywhere(self, standing: Standing, call: Callable[[str], T]) -> list[T]:
        """What a blocking call answers for each region, in their order."""
        return await together(asyncio.to_thread(call, region) for region in self.regions(standing))

    async def provision(self, standing: Standing) -> None:
        """Have the resources that it needs, in every region, and values in its secrets.

        A version that gets no requests yet is created without tasks: they are started when there
        is everything that they read.
        """
        await self._with.provision.apply(_without_new_tasks(standing))
        await asyncio.to_thread(self._with.hand_over, standing.model, self.regions(standing))

    async def tell(self, standing: Standing, policy_set: int = 0, *, again: bool = False) -> None:
        """Have every task act by the files that follow from it, and decisions by its policies."""
        rules = await self.rules(standing, policy_set)
        documents = await self.documents(standing, rules)
        await together(
            asyncio.to_thread(self.publisher.publish, region, some, again=again)
            for region, some in documents.items()
        )
        await self.everywhere(standing, lambda region: self.sets.activate(region, rules.bundle))
        await self.waiter.confirmed(documents)

    async def tidy(self, standing: Standing) -> None:
        """Remove the files of versions that are gone."""
        rules = await self.rules(standing)
        for region, some in (await self.documents(standing, rules)).items():
            await asyncio.to_thread(self.publisher.tidy, region, some)

    async def rules(self, standing: Standing, policy_set: int = 0) -> Rules:
        """Who may do what; by `policy_set` before any decides."""
        wanted = standing.policy_set or policy_set
        return await asyncio.to_thread(lambda: self._with.governing(standing.model, wanted))

    async def documents(self, standing: Standing, rules: Rules) -> Mapping[str, Sequence[Document]]:
        """Everything that is published, by region."""

        def made() -> dict[str, Sequence[Document]]:
            return {
                region: self._with.documents(standing, region, rules)
                for region in self.regions(standing)
            }

        return await asyncio.to_thread(made)

    async def scale(self, standing: Standing, keys: Collection[Key]) -> None:
        """Have ECS want as many tasks of these versions as it says."""
        wanted = {
            ecs_name(key): standing.tasks(key[0], version)
            for key in keys
            if (version := standing.find(*key)) is not None and version.service.kind != "static"
        }

        def scaled(region: str) -> None:
            for name, running in self.observer.services(region).items():
                if name in wanted and running.desired != wanted[name]:
                    self.observer.set_desired(region, name, wanted[name])

        await self.everywhere(standing, scaled)

    async def healthy(self, standing: Standing, keys: Collection[Key]) -> None:
        """Wait until these versions have their healthy tasks; Unhealthy."""
        await self.waiter.healthy(standing, keys, self.regions(standing))

    async def divide(self, standing: Standing) -> None:
        """Have the load balancers divide so."""
        weights = wanted_weights(standing)
        if weights:
            await self.everywhere(standing, lambda region: self.balancer.divide(region, weights))

    async def end(self, standing: Standing, keys: Collection[Key]) -> None:
        """Let the tasks of versions that should have none finish and end."""
        await self.scale(standing, keys)
        await self.waiter.ended({ecs_name(key) for key in keys}, self.regions(standing))


def _without_new_tasks(standing: Standing) -> Standing:
    services = {
        name: tuple(v if v.weight else replace(v, replicas=0) for v in versions)
        for name, versions in standing.services.items()
    }
    return replace(standing, services=services)
