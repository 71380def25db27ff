"""This machine as a `Target`: what the delivery engine does to a running `LocalSystem`.

The control plane makes one and hands it to the engine. Every writing method first passes the fence,
then keeps what should be (`desired.json`), then makes it so: after a crash in between, the next
control plane starts what should be, and the engine repeats the call. Writers take turns; all of it
happens on the event loop of the system.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fairway.errors import Conflict, InvalidInput, NotFound, Unavailable, Unhealthy
from fairway.model.app import App
from fairway.plan.observed import Observed, ObservedVersion
from fairway.plan.preview import NOTHING, Preview
from fairway.plan.release import Release
from fairway.targets.contract import Drift, Fence, Measured, Routing, Split, Wanted
from fairway.targets.local.desired import Desired, DesiredVersion, Key
from fairway.targets.local.draining import until_idle
from fairway.targets.local.drift import drifts
from fairway.targets.local.fences import FenceFile
from fairway.targets.local.group import NOT_HEALTHY
from fairway.targets.local.inspection import Inspector
from fairway.targets.local.measurements import Measurements
from fairway.targets.local.naming import version_label
from fairway.targets.local.policies import Policies
from fairway.targets.local.rendering import rendered
from fairway.targets.local.system import LocalSystem

_EVERYTHING = 100
_LAST_CALLS = 2.0
"""For how long at most a version that goes is still known by its cohort, in seconds: a stream may
last much longer, and calls nobody any more."""
_BACK_AGAIN, _LOOKS = 5.0, 0.05
"""How long a version without a healthy replica is waited for, and between looks, in seconds."""


class LocalTarget:
    """A `Target` on one machine. `system` must run before anything is written."""

    def __init__(self, system: LocalSystem, policies: Policies) -> None:
        self._system = system
        self._policies = policies
        self._turn = asyncio.Lock()
        self._fences = FenceFile(system.state.fence)
        self._inspector = Inspector(system, policies)
        self._measurements = Measurements(system)

    async def observe(self) -> Observed:
        """What is there now."""
        desired = self._present()
        services = {
            name: tuple(self._observed(name, version) for version in found)
            for name, found in desired.services.items()
        }
        return Observed(desired.release, self._policies.active(), services)

    def render(self, release: Release) -> Mapping[str, str]:
        """What each service would be started from, and every file of every Envoy."""
        app = App.model_validate(release.content.app)
        access = self._policies.access(app, release.content.policy_set)
        return rendered(release, access, self._system.state.environment)

    async def preview(self, release: Release, wanted: Sequence[Wanted]) -> Preview:
        """Nothing: there is nothing below the services."""
        del release, wanted
        return NOTHING

    async def apply(self, release: Release, wanted: Sequence[Wanted], fence: Fence) -> None:
        """Have these versions run healthily; Unhealthy with the evidence of the first failure."""
        async with self._turn:
            self._fences.admit(fence)
            desired = self._present().with_app(release)
            for each in wanted:
                desired = desired.with_version(each.service, self._version(desired, release, each))
            await self._system.want(desired)
            await self._run({(each.service, each.version) for each in wanted})

    async def govern(self, release: Release, fence: Fence) -> None:
        """Have the release's policies decide, about the union of the apps in force."""
        async with self._turn:
            self._fences.admit(fence)
            await self._system.want(self._present().governed(release))
            if release.content.policy_set != self._policies.active():
                await self._policies.activate(release.content.policy_set)

    async def shift(self, routing: Routing, fence: Fence) -> None:
        """Divide new requests so; returns when every Envoy does."""
        async with self._turn:
            self._fences.admit(fence)
            for service, split in routing.services.items():
                self._check(service, split)
            await asyncio.gather(*(self._serving(*each) for each in routing.services.items()))
            await self._mark_calls(routing)
            await self._system.want(self._present().routed(routing))
            await self._change_workers(routing.services)

    async def retire(self, versions: Sequence[Key], fence: Fence) -> None:
        """Let these versions finish what they have, and stop them."""
        async with self._turn:
            self._fences.admit(fence)
            await self._retire(versions)

    async def settle(self, release: Release, fence: Fence) -> None:
        """This release alone is what should be here from now on."""
        async with self._turn:
            self._fences.admit(fence)
            await self._system.want(self._present().settle(release))

    async def measure(self, services: Sequence[str]) -> Measured:
        """Running totals of these services' versions; a restart of the control plane loses none."""
        return await self._measurements.of(services)

    async def drift(self) -> tuple[Drift, ...]:
        """Every difference between what runs and what was settled."""
        return drifts(await self._inspector.findings())

    async def repair(self, drift: Sequence[Drift], fence: Fence) -> None:
        """End these differences; Conflict for the first that only people can end."""
        async with self._turn:
            self._fences.admit(fence)
            superfluous = self._inspector.superfluous(drift)
            await self._retire(superfluous)
            gone = {version_label(*key) for key in superfluous}
            for each in drift:
                if each.subject not in gone:
                    await self._inspector.repair(each)

    async def _mark_calls(self, routing: Routing) -> None:
        """Have every caller mark its calls with its cohort before any callee divides by weight.

        Sidecars change one after the other: a call that is not marked yet, to a callee that divides
        already, would let two versions answer one request.
        """
        present = self._present()
        if present.routing is None or present.routing.cohort != routing.cohort:
            await self._system.want(present.routed(present.marking(routing)))

    async def _retire(self, versions: Sequence[Key]) -> None:
        present = self._present()
        for key in versions:
            found = present.find(*key)
            if found is not None and found.weight:
                raise _still_asked(*key)
        gone = [key for key in versions if present.find(*key) is not None]
        if not gone:
            return
        for key in gone:  # callers first: what they still do finds the callees of their cohort
            await self._finished(present, key, at_most=_LAST_CALLS)
        await self._system.leave(gone)
        await asyncio.gather(*(self._finished(present, key) for key in gone))
        await self._system.end(gone)
        if self._system.desired.from_working_tree:
            await self._system.unpin()

    async def _run(self, keys: set[Key]) -> None:
        """What the supervisor may start again later counts as failed when it is being shipped."""
        try:
            await self._system.run(keys)
        except Unavailable as error:
            if error.code != NOT_HEALTHY:
                raise
            raise Unhealthy(
                error.code, error.message, where=error.where, remedy=error.remedy
            ) from error

    def _present(self) -> Desired:
        """What should be; of the working tree with as many replicas as there are just now."""
        desired, supervisor = self._system.desired, self._system.supervisor
        if self._system.pinned or supervisor is None:
            return desired
        for service, version in tuple(desired.versions):
            count = supervisor.wanted_replicas(service, version.name)
            if count is not None:
                desired = desired.with_version(service, replace(version, replicas=count))
        return desired

    def _version(self, desired: Desired, release: Release, wanted: Wanted) -> DesiredVersion:
        """A version as it is known here already, else as the release describes it."""
        known = desired.find(wanted.service, wanted.version)
        if known is None:
            known = self._system.working_tree.find(wanted.service, wanted.version)
        if known is not None:
            return replace(known, replicas=wanted.replicas)
        described = release.content.services.get(wanted.service)
        if described is None:
            raise _not_described(release, wanted)
        if described.artifact:
            self._system.snapshots.path(described.artifact)  # NotFound says what to do
        app = App.model_validate(release.content.app)
        return DesiredVersion(
            name=wanted.version,
            declared=described.declared,
            artifact=described.artifact,
            digest=described.digest,
            replicas=wanted.replicas,
            otlp=app.environments[self._system.state.environment].telemetry.otlp,
        )

    def _check(self, service: str, split: Split) -> None:
        total = sum(split.weights.values())
        if split.weights and total != _EVERYTHING:
            raise InvalidInput(
                "weights",
                f"the weights of {service} are {total} in all",
                where=service,
                remedy="give 100 percent in all",
            )
        present = self._present()
        for version, weight in split.weights.items():
            if weight and present.find(service, version) is None:
                raise _not_running(service, version)

    async def _serving(self, service: str, split: Split) -> None:
        """Every version that is to get requests has somebody to answer them.

        A replica that has just died is back in a moment, which is worth waiting for.
        """
        deadline = time.monotonic() + _BACK_AGAIN
        for name in (name for name, weight in split.weights.items() if weight):
            version = self._present().find(service, name)
            while version is not None and not self._can_serve(service, version):
                if time.monotonic() > deadline:
                    raise _nobody_answers(service, name)
                await asyncio.sleep(_LOOKS)

    def _can_serve(self, service: str, version: DesiredVersion) -> bool:
        return not version.service.serves or self._system.healthy(service, version.name) > 0

    def _observed(self, service: str, version: DesiredVersion) -> ObservedVersion:
        healthy = self._system.healthy(service, version.name)
        return ObservedVersion(
            version.name, version.digest, version.weight, version.replicas, healthy
        )

    async def _change_workers(self, services: Mapping[str, Split]) -> None:
        """Of a worker or a job the version with most weight runs, and only that one."""
        running = {(service, version.name) for service, version in self._system.desired.running}
        workers = [
            (service, version)
            for service, version in self._system.desired.versions
            if service in services and not version.service.serves
        ]
        await self._system.exchange(
            stop=[(s, v.name) for s, v in workers if (s, v.name) not in running],
            start=[(s, v.name) for s, v in workers if (s, v.name) in running],
        )

    async def _finished(self, present: Desired, key: Key, at_most: float = math.inf) -> None:
        """Wait until a version answers no request any more, at most for its grace period."""
        version = present.find(*key)
        if version is not None and version.service.serves:
            envoy = self._system.mesh.envoy(key[0])
            patience = min(version.service.stop.grace, at_most)
            await until_idle(envoy.admin, key[1], patience)


def _still_asked(service: str, version: str) -> Conflict:
    return Conflict(
        "still-asked",
        f"{version} of {service} still gets new requests",
        where=service,
        remedy="shift its requests to another version first",
    )


def _not_running(service: str, version: str) -> Conflict:
    return Conflict(
        "not-running",
        f"no {version} of {service} runs here, and gets no requests",
        where=service,
        remedy="apply it first",
    )


def _nobody_answers(service: str, version: str) -> Unavailable:
    return Unavailable(
        "not-healthy",
        f"{version} of {service} has no healthy replica, and gets no requests",
        where=service,
        remedy=f"see `fairway logs {service}`; it is tried again",
    )


def _not_described(release: Release, wanted: Wanted) -> NotFound:
    return NotFound(
        "unknown-version",
        f"{release.name} does not describe {wanted.service}, and no {wanted.version} runs here",
        where=wanted.service,
        remedy="deploy a release that has this service",
    )
