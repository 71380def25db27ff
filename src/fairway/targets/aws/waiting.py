"""Waits until AWS says that what was asked for is so, and says with evidence when it will not be.

Used by `AwsTarget`: for healthy tasks of versions, for agents that have put new files in force, for
tasks that are to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fairway.errors import Unavailable, Unhealthy
from fairway.targets.aws import names
from fairway.targets.aws.balancing import Balancer, Slot
from fairway.targets.aws.measuring.reports import Reports, late
from fairway.targets.aws.observing import Observer, Running, Task, healthy_tasks
from fairway.targets.aws.place import Place
from fairway.targets.aws.ports import Document
from fairway.targets.aws.standing.state import Key, Standing
from fairway.targets.aws.together import together

_NAMED = 5
"""How many late tasks are named in an error."""
_FAILURES = 3
"""After so many tasks in a row that did not start a version is given up before its time."""


@dataclass(frozen=True, slots=True)
class Ill:
    """A version whose tasks are not those that were asked for in a region; `back` when ECS runs
    those of before again, `hopeless` when it has given up otherwise.
    """

    key: Key
    region: str
    healthy: int
    wanted: int
    hopeless: bool
    back: bool

    @property
    def words(self) -> str:
        """What is not as it should be."""
        if self.back:
            return "its new tasks failed, and ECS went back to those of before"
        if self.healthy >= self.wanted:
            return "the tasks of before are not replaced"
        return f"{self.healthy} of {self.wanted} tasks are healthy"


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a region: services, healthy tasks, healthy targets of load balancers."""

    region: str
    services: Mapping[str, Running]
    healthy: Mapping[str, int]
    targets: Mapping[Slot, int]


Newest = dict[tuple[str, str], int]
"""The highest revision seen, by region and ECS service. A lower one later is ECS's own doing: its
circuit breaker has gone back to what ran before, which is healthy."""


class Waiter:
    """Looks again and again, in all regions, for as long as the place's patience lasts."""

    def __init__(self, place: Place, observer: Observer, balancer: Balancer) -> None:
        self._place = place
        self._observer = observer
        self._balancer = balancer
        self._reports = Reports(place)

    async def healthy(
        self, standing: Standing, keys: Collection[Key], regions: Sequence[str]
    ) -> None:
        """Return when these versions have their healthy tasks; Unhealthy with evidence."""
        deadline = self._place.clock() + self._longest(standing, keys)
        newest: Newest = {}
        while ill := await self._ill(standing, keys, regions, newest):
            hopeless = [each for each in ill if each.hopeless or each.back]
            if hopeless or self._place.clock() > deadline:
                raise await asyncio.to_thread(self._unhealthy, hopeless or ill)
            await asyncio.sleep(self._place.patience.between)

    async def confirmed(self, documents: Mapping[str, Sequence[Document]]) -> None:
        """Return when the agents of all running tasks have these documents in force, by region."""
        deadline = self._place.clock() + self._place.patience.confirm
        waiting = {region: list(some) for region, some in documents.items()}
        while any(waiting.values()):
            behind: set[str] = set()
            for region, some in waiting.items():
                waiting[region], tasks = await asyncio.to_thread(self._late, region, some)
                behind |= tasks
            if not behind:
                return
            if self._place.clock() > deadline:
                raise _not_confirmed(behind)
            await asyncio.sleep(self._place.patience.between)

    async def ended(self, services: Collection[str], regions: Sequence[str]) -> None:
        """Return when no task of these ECS services runs any more, at most after the patience.

        A task gets its grace period from ECS, which also ends it; there is nothing to be said then.
        """
        deadline = self._place.clock() + self._place.patience.drain
        while self._place.clock() < deadline:
            found = await together(
                asyncio.to_thread(self._observer.at_work, region) for region in regions
            )
            if not any(task.service in services for tasks in found for task in tasks):
                return
            await asyncio.sleep(self._place.patience.between)

    async def _ill(
        self, standing: Standing, keys: Collection[Key], regions: Sequence[str], newest: Newest
    ) -> list[Ill]:
        outside = standing.outside_mesh & {service for service, _ in keys}
        looks = await asyncio.gather(
            *(asyncio.to_thread(self._look, region, outside) for region in regions)
        )
        return [ill for look in looks for ill in _missing(standing, keys, look, newest)]

    def _look(self, region: str, outside: Collection[str]) -> Look:
        return Look(
            region,
            self._observer.services(region),
            healthy_tasks(self._observer.tasks(region)),
            self._balancer.healthy(region, outside),
        )

    def _longest(self, standing: Standing, keys: Collection[Key]) -> float:
        """Placing a task and pulling its image, and what its declaration allows on top."""
        versions = [standing.find(*key) for key in keys]
        own = [version.service.health.start_timeout for version in versions if version is not None]
        return self._place.patience.start + max(own, default=0.0)

    def _late(self, region: str, documents: list[Document]) -> tuple[list[Document], set[str]]:
        """The documents that are not in force everywhere, and the tasks that are behind."""
        tasks = _by_service(self._observer.tasks(region))
        keys = {(each.service, each.version) for each in documents}
        reports = self._reports.of(region, keys)
        left, behind = [], set()
        for each in documents:
            key = (each.service, each.version)
            found = late(reports[key], tasks.get(ecs_name(key), ()), each.kind, each.digest)
            if found:
                left.append(each)
                behind |= {f"{ecs_name(key)}/{task}" for task in found}
        return left, behind

    def _unhealthy(self, ill: Sequence[Ill]) -> Unhealthy:
        """The evidence of the first, and the names of all."""
        first = ill[0]
        names_ = ", ".join(dict.fromkeys(f"{s} {v}" for s, v in (each.key for each in ill)))
        evidence = self._observer.evidence(first.region, ecs_name(first.key))
        message = f"{names_}: {first.words}"
        return Unhealthy(
            "not-healthy",
            f"{message}; {evidence}" if evidence else message,
            where=first.region,
            remedy=f"see `fairway logs {first.key[0]}`; correct the release and deploy again",
        )


def ecs_name(key: Key) -> str:
    """The ECS service of a version; the gateway has no versions."""
    service, version = key
    return names.service_name(service, version) if version else service


def _missing(
    standing: Standing, keys: Collection[Key], look: Look, newest: Newest
) -> Iterator[Ill]:
    """Of these versions those that have too few healthy tasks."""
    for service, name in sorted(keys):
        version = standing.find(service, name)
        if version is None or version.service.kind == "static":
            continue
        running = look.services.get(names.service_name(service, name))
        wanted = standing.tasks(service, version)
        healthy = look.healthy.get(names.service_name(service, name), 0)
        if service in standing.outside_mesh:
            healthy = min(healthy, look.targets.get((service, version.slot), healthy))
        if running is None:
            yield Ill((service, name), look.region, healthy, wanted, hopeless=False, back=False)
            continue
        last = newest.get((look.region, running.name), 0)
        newest[look.region, running.name] = max(last, running.revision)
        back = running.revision < last
        if back or healthy < wanted or running.rolling or running.running > running.desired:
            hopeless = running.given_up or running.failed >= _FAILURES
            yield Ill((service, name), look.region, healthy, wanted, hopeless, back)


def _by_service(tasks: Sequence[Task]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for task in tasks:
        if task.running:
            found.setdefault(task.service, []).append(task.id)
    return found


def _not_confirmed(behind: set[str]) -> Unavailable:
    some = sorted(behind)
    more = f" and {len(some) - _NAMED} more" if len(some) > _NAMED else ""
    return Unavailable(
        "mesh-not-confirmed",
        f"these tasks do not have the new files in force: {', '.join(some[:_NAMED])}{more}",
        where=some[0],
        remedy="see the log of their container `envoy`; it is tried again",
    )
