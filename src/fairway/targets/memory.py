"""A simulated target: services, traffic and failures without a process or a socket.

For tests, for trying `fairway server` out, and as the shortest example of a `Target`; it passes the
same conformance suite as the real ones. With a file it outlives its process, also a killed one, and
may be used by several processes at once: every call is one locked, atomic change of that file.

`failed_requests` counts user requests that found nobody to answer, at any moment.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fairway.errors import Conflict, InvalidInput, NotFound, Unavailable, Unhealthy
from fairway.plan.observed import Observed, ObservedVersion
from fairway.plan.preview import NOTHING, Preview
from fairway.plan.release import Release, ServiceRelease
from fairway.targets.contract import Drift, Fence, Measured, Routing, Split, Wanted
from fairway.targets.simulation import (
    EVERYTHING,
    Behaviour,
    Service,
    Settled,
    Version,
    World,
    declared_behaviour,
)

Behave = Callable[[str, str, ServiceRelease], Behaviour]
"""How a version will answer: (service, version, what its release says)."""


def as_declared(_service: str, _version: str, release: ServiceRelease) -> Behaviour:
    """Every version behaves as its declaration says."""
    return declared_behaviour(release)


Below = Callable[[Release, Sequence[Wanted]], Preview]
"""What a plan would show below the services."""


def nothing_below(_release: Release, _wanted: Sequence[Wanted]) -> Preview:
    """Simulated services need no resources."""
    return NOTHING


class MemoryTarget:
    """A `Target` of simulated services, each asked `rate` times a second by the given clock."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        rate: float = 50.0,
        file: Path | None = None,
        behave: Behave = as_declared,
        below: Below = nothing_below,
    ) -> None:
        self._clock = clock
        self._rate = rate
        self._file = file
        self._behave = behave
        self._below = below
        self._world = World(clock())

    # What a test or a demonstration does to it

    def fail(self, method: str, times: int = 1) -> None:
        """Let the next calls of a method fail with Unavailable."""
        with self._changing() as world:
            world.faults[method] = times

    def kill(self, service: str, version: str, replicas: int = 1) -> None:
        """End processes of a version behind everyone's back."""
        with self._changing() as world:
            found = world.services[service].versions[version]
            found.healthy = max(0, found.healthy - replicas)

    @property
    def failed_requests(self) -> float:
        """User requests that found nobody to answer, ever."""
        with self._changing() as world:
            return world.failed

    # Target

    async def observe(self) -> Observed:
        """What is there now."""
        with self._changing("observe") as world:
            services = {
                name: tuple(_observed(service, version) for version in service.versions)
                for name, service in world.services.items()
                if service.versions
            }
            return Observed(world.settled.release, world.policy_set, services)

    def render(self, release: Release) -> Mapping[str, str]:
        """Every service's declaration as a file. Pure."""
        return {
            f"services/{name}.json": json.dumps(service.declared, indent=2, sort_keys=True) + "\n"
            for name, service in sorted(release.content.services.items())
        }

    async def preview(self, release: Release, wanted: Sequence[Wanted]) -> Preview:
        """What it was made to show below its services, which have nothing there."""
        return self._below(release, wanted)

    async def apply(self, release: Release, wanted: Sequence[Wanted], fence: Fence) -> None:
        """Start versions, or bring them to a number of replicas; Unhealthy when they are ill."""
        with self._writing("apply", fence) as world:
            ill = [want for want in wanted if not self._applied(world, release, want)]
        if ill:
            names = ", ".join(f"{want.service} {want.version}" for want in ill)
            raise Unhealthy(
                "not-healthy",
                f"{names}: no replica answered its health check",
                where=names,
                remedy="see its logs; correct the release and deploy again",
            )

    async def govern(self, release: Release, fence: Fence) -> None:
        """Have the release's policies decide."""
        with self._writing("govern", fence) as world:
            world.policy_set = release.content.policy_set

    async def shift(self, routing: Routing, fence: Fence) -> None:
        """Divide new requests so, all services at once."""
        with self._writing("shift", fence) as world:
            for name, split in routing.services.items():
                _check_split(world.services.get(name, Service()), name, split)
            for name, split in routing.services.items():
                service = world.services.setdefault(name, Service())
                service.weights = {v: weight for v, weight in split.weights.items() if weight}
                service.candidate, service.mirror = split.candidate, routing.mirror

    async def measure(self, services: Sequence[str]) -> Measured:
        """Running totals of these services' versions."""
        with self._changing("measure") as world:
            return {
                name: {version: it.traffic for version, it in world.services[name].versions.items()}
                for name in services
                if name in world.services
            }

    async def retire(self, versions: Sequence[tuple[str, str]], fence: Fence) -> None:
        """Stop versions that get no requests; absent ones are fine."""
        with self._writing("retire", fence) as world:
            for name, version in versions:
                if world.services.get(name, Service()).weights.get(version):
                    raise _still_asked(name, version)
            for name, version in versions:
                world.services.get(name, Service()).versions.pop(version, None)

    async def settle(self, release: Release, fence: Fence) -> None:
        """This release is what should be there from now on."""
        with self._writing("settle", fence) as world:
            services = {
                name: (service.digest, _replicas(world.services.get(name), service))
                for name, service in release.content.services.items()
            }
            world.settled = Settled(release.number, release.content.policy_set, services)

    async def drift(self) -> tuple[Drift, ...]:
        """Every difference between what runs and what was settled."""
        with self._changing("drift") as world:
            return tuple(_drifts(world))

    async def repair(self, drift: Sequence[Drift], fence: Fence) -> None:
        """End these differences."""
        with self._writing("repair", fence) as world:
            for each in drift:
                _repair(world, each)

    # How

    def _applied(self, world: World, release: Release, want: Wanted) -> bool:
        """Have one version in its number; whether it is healthy."""
        service = world.services.setdefault(want.service, Service())
        version = service.versions.get(want.version)
        if version is None:
            version = service.versions[want.version] = self._started(world, release, want)
        version.desired = want.replicas
        version.healthy = want.replicas if version.behaviour.healthy else 0
        return version.healthy == want.replicas

    def _started(self, world: World, release: Release, want: Wanted) -> Version:
        """A version as an earlier release described it, else as this one does."""
        known = world.known.setdefault(want.service, {})
        described = release.content.services.get(want.service)
        if described is None:
            if want.version not in known:
                raise NotFound(
                    "unknown-version",
                    f"no release describes {want.version} of {want.service}",
                    where=want.service,
                    remedy="deploy a release that has this service",
                )
            return Version(known[want.version], Behaviour())
        digest = known.setdefault(want.version, described.digest)
        return Version(digest, self._behave(want.service, want.version, described))

    @contextmanager
    def _writing(self, method: str, fence: Fence) -> Iterator[World]:
        """A change by the holder of the newest lease; nothing is kept when it fails."""
        with self._changing(method) as world:
            if fence.token < world.token:
                raise _stale(fence, world.token)
            world.token = fence.token
            yield world

    @contextmanager
    def _changing(self, method: str = "") -> Iterator[World]:
        """The world as it is now. What was changed is kept as a whole, or not at all."""
        with self._locked():
            world = self._loaded()
            world.flow(self._clock(), self._rate)
            if world.faults.get(method):
                world.faults[method] -= 1
                self._keep(world)
                raise Unavailable(
                    "simulated-failure",
                    f"{method} fails, as it was asked to",
                    remedy="try again",
                )
            yield world
            world.probe()
            self._keep(world)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Several processes may share the file; a lock ends with its process."""
        if self._file is None:
            yield
            return
        with self._file.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _loaded(self) -> World:
        if self._file is not None and self._file.exists():
            return World.from_json(json.loads(self._file.read_text()))
        return World.from_json(json.loads(json.dumps(self._world.to_json())))

    def _keep(self, world: World) -> None:
        self._world = world
        if self._file is not None:
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps(world.to_json()))
            fresh.replace(self._file)


def _observed(service: Service, name: str) -> ObservedVersion:
    version = service.versions[name]
    weight = service.weights.get(name, 0)
    return ObservedVersion(name, version.digest, weight, version.desired, version.healthy)


def _check_split(service: Service, name: str, split: Split) -> None:
    if split.weights and sum(split.weights.values()) != EVERYTHING:
        raise InvalidInput(
            "weights",
            f"the weights of {name} are {sum(split.weights.values())} in all",
            where=name,
            remedy="give 100 percent in all",
        )
    for version, weight in split.weights.items():
        if weight and not (version in service.versions and service.versions[version].healthy):
            raise Conflict(
                "not-running",
                f"{version} of {name} has no healthy replica and gets no requests",
                where=name,
                remedy="apply it first",
            )


def _replicas(service: Service | None, described: ServiceRelease) -> int:
    """As many as run of it now: the engine has just asked for them."""
    if service is not None:
        for version in service.versions.values():
            if version.digest == described.digest:
                return version.desired
    return 1


def _drifts(world: World) -> Iterator[Drift]:
    settled = world.settled
    if settled.release == 0:
        return
    for name, (digest, replicas) in settled.services.items():
        yield from _service_drifts(name, world.services.get(name, Service()), digest, replicas)
    for name in world.services.keys() - settled.services.keys():
        for version in world.services[name].versions:
            yield Drift("version", f"{name} {version}", "nothing", "runs", "it is stopped")
    if world.policy_set != settled.policy_set:
        expected, found = f"policy set {settled.policy_set}", f"policy set {world.policy_set}"
        yield Drift("policies", "policies", expected, found, "the settled set is activated")


def _service_drifts(name: str, service: Service, digest: str, replicas: int) -> Iterator[Drift]:
    right = [version for version, it in service.versions.items() if it.digest == digest]
    if not right:
        yield Drift("version", name, digest, "does not run", "deploy the release again")
    for version, it in service.versions.items():
        subject = f"{name} {version}"
        if version not in right:
            yield Drift("version", subject, "nothing", "runs", "it is stopped")
        elif it.desired != replicas:
            yield Drift("replicas", subject, str(replicas), str(it.desired), "they are scaled")
        elif it.healthy < it.desired:
            found = f"{it.healthy} of {it.desired} run"
            yield Drift("process", subject, f"{replicas} replicas", found, "they are restarted")


def _repair(world: World, drift: Drift) -> None:
    if drift.kind == "policies":
        world.policy_set = world.settled.policy_set
        return
    name, _, version = drift.subject.partition(" ")
    service = world.services.get(name)
    if service is None or version not in service.versions:
        return
    if drift.kind == "version":
        if not service.weights.get(version):
            del service.versions[version]
        return
    found = service.versions[version]
    found.desired = found.healthy = world.settled.services[name][1]


def _stale(fence: Fence, token: int) -> Conflict:
    return Conflict(
        "stale-fence",
        f"{fence.deployment} acts with lease {fence.token}, but lease {token} was seen",
        where=fence.deployment,
        remedy="nothing: another engine has taken over",
    )


def _still_asked(name: str, version: str) -> Conflict:
    return Conflict(
        "still-asked",
        f"{version} of {name} still gets new requests",
        where=name,
        remedy="shift its requests to another version first",
    )
