"""Looks for drift on AWS and ends it. `AwsTarget` owns one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from fairway.targets.aws import names
from fairway.targets.aws.drifting import Found, drifts, label
from fairway.targets.aws.enforcing import Enforcer
from fairway.targets.aws.observing import Running, healthy_tasks
from fairway.targets.aws.ports import Document, Provision
from fairway.targets.aws.refusals import not_repairable
from fairway.targets.aws.standing.state import Key, Standing
from fairway.targets.contract import Drift

_RESTORED = frozenset({"process", "replicas", "version"})


class Inspector:
    """Finds what differs, in all regions, and says which step ends it."""

    def __init__(self, enforcer: Enforcer, provision: Provision) -> None:
        self._enforcer = enforcer
        self._provision = provision

    async def drifts(self, standing: Standing) -> tuple[Drift, ...]:
        """Every difference; none before anything was settled."""
        if standing.release == 0:
            return ()
        rules = await self._enforcer.rules(standing)
        documents = await self._enforcer.documents(standing, rules)

        def looked(region: str) -> Found:
            found = self._found(standing, region, documents[region])
            return replace(found, tampered=self._enforcer.sets.tampered(region, rules.bundle))

        found, changed = await asyncio.gather(
            self._enforcer.everywhere(standing, looked),
            self._provision.differences(standing),
        )
        return drifts(standing, tuple(found), changed)

    def superfluous(self, standing: Standing, drift: Sequence[Drift]) -> tuple[Key, ...]:
        """The versions among these differences that are only to be stopped."""
        subjects = {each.subject for each in drift if each.kind == "version"}
        return tuple(
            (service, version.name)
            for service, version in standing.versions
            if version.name not in standing.settled.get(service, {})
            and label(service, version.name) in subjects
        )

    async def restore(self, standing: Standing, drift: Sequence[Drift]) -> None:
        """Have it be as the standing says; Conflict for what only people can end."""
        kinds = {each.kind for each in drift}
        for each in drift:
            if each.kind == "unknown-process":
                raise not_repairable(each.subject, each.repair)
        if kinds & {"resource", "version"}:
            await self._enforcer.provision(standing)
        if kinds & {"mesh-file", "policies"}:
            await self._enforcer.tell(standing, again=True)
        if kinds & _RESTORED:
            await self._restart(standing)
        if "weights" in kinds:
            await self._enforcer.divide(standing)

    async def _restart(self, standing: Standing) -> None:
        """Have as many healthy tasks as there should be. ECS replaces what has ended by itself."""
        keys = [(service, version.name) for service, version in standing.versions]
        await self._enforcer.scale(standing, keys)
        await self._enforcer.everywhere(standing, lambda region: self._nudge(standing, region))
        await self._enforcer.healthy(standing, keys)

    def _nudge(self, standing: Standing, region: str) -> None:
        """Have ECS begin again where tasks are missing: it pauses longer after each failure."""
        observer = self._enforcer.observer
        healthy = healthy_tasks(observer.tasks(region))
        services = observer.services(region)
        for service, version in standing.versions:
            running = services.get(names.service_name(service, version.name))
            if running is not None and healthy.get(running.name, 0) < running.desired:
                observer.start_anew(region, running.name)

    def _found(self, standing: Standing, region: str, documents: Sequence[Document]) -> Found:
        observer = self._enforcer.observer
        services = observer.services(region)
        return Found(
            region=region,
            services=services,
            healthy=healthy_tasks(observer.tasks(region)),
            images={each.name: self._image(region, each) for each in services.values()},
            rules=tuple(self._enforcer.balancer.rules(region, standing.outside_mesh)),
            edited=self._enforcer.publisher.edited(region, documents),
        )

    def _image(self, region: str, running: Running) -> str:
        return self._enforcer.observer.image(region, running.definition)
