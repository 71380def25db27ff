"""What the delivery engine asks of the place where an app runs, the same for every target.

`delivery` knows only this module. One suite, `tests/conformance/test_conformance_target.py`, holds
for every implementation. What it may rely on:

- every method is idempotent: done twice, it has been done once; the engine repeats what a crash
  interrupted
- every writing method takes a `Fence`: a smaller token than the largest seen is refused with
  Conflict, so that a stale worker cannot act; the largest seen survives a restart of the target
- a method returns when what it asks for is in force; it raises `Unhealthy` with evidence for a
  version that does not come up, `Unavailable` for what may work in a while, else another
  FairwayError
- what serves goes on serving: nothing here loses a request that was accepted
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from fairway.plan.observed import Observed
from fairway.plan.preview import Preview
from fairway.plan.release import Release


@dataclass(frozen=True, slots=True)
class Fence:
    """Who acts: a deployment, by the lease with this token. A later lease has a larger one."""

    deployment: str
    token: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Have `replicas` healthy replicas of a version of a service."""

    service: str
    version: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Split:
    """How the new requests of one service are divided: percent by version, 100 in all, or nobody.

    `candidate` is the version that is being judged; its cohort reaches it also at weight 0.
    """

    weights: Mapping[str, int]
    candidate: str | None = None


@dataclass(frozen=True, slots=True)
class Routing:
    """The traffic of a deployment, all its services at once.

    `cohort` labels the candidates' requests end to end (`r8`). `sticky`: users stay in their cohort
    while the weights grow, by cookie, or by the named header (`header:x-user`), or `none`.
    `mirror` percent of requests are copied to the candidates, whose answers to those are dropped.
    """

    services: Mapping[str, Split]
    cohort: str = ""
    sticky: str = "cookie"
    mirror: int = 0

    def over(self, earlier: Routing | None) -> Routing:
        """This one, with the splits of an earlier one for services that it does not name."""
        before = earlier.services if earlier is not None else {}
        return replace(self, services={**before, **self.services})

    def marking(self, weights: Mapping[str, Mapping[str, int]]) -> Routing:
        """Only its marks: requests are divided by these weights, and none is copied."""
        services = {
            name: replace(split, weights=weights.get(name, {}))
            for name, split in self.services.items()
        }
        return replace(self, services=services, mirror=0)

    def without_candidates(self, gone: Collection[tuple[str, str]]) -> Routing:
        """Judging none of these versions, which are pairs of a service and a name."""
        services = {
            name: replace(split, candidate=None) if (name, split.candidate) in gone else split
            for name, split in self.services.items()
        }
        return replace(self, services=services)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one version of one service answered, as running totals that never fall.

    `errors` are answers with 5xx and requests without an answer; denials (403) are none. `latency`
    counts answers by bucket; see `fairway.plan.latency` for the bounds. `ratios` holds user metrics
    as `(hits, total)` by name.
    """

    requests: int = 0
    errors: int = 0
    latency: Mapping[int, int] = field(default_factory=dict)
    ratios: Mapping[str, tuple[int, int]] = field(default_factory=dict)


Measured = Mapping[str, Mapping[str, Traffic]]
"""By service, then by version."""

DriftKind = Literal[
    "process",
    "mesh-file",
    "policies",
    "unknown-process",
    "replicas",
    "version",
    "weights",
    "resource",
]


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between what runs and what should; `repair` says how `--fix` ends it."""

    kind: DriftKind
    subject: str
    expected: str
    found: str
    repair: str


class Target(Protocol):
    """Where an app runs."""

    async def observe(self) -> Observed:
        """What is there now."""
        ...

    def render(self, release: Release) -> Mapping[str, str]:
        """The files that this target would be given for a release, by relative path. Pure."""
        ...

    async def preview(self, release: Release, wanted: Sequence[Wanted]) -> Preview:
        """What `apply` would create, change and remove below the services, and what that costs."""
        ...

    async def apply(self, release: Release, wanted: Sequence[Wanted], fence: Fence) -> None:
        """Have these versions run healthily, as this or an earlier release describes them.

        A version that is new starts without new requests (weight 0); a version that runs already
        is brought to the wanted number of replicas. Versions not named are left alone.
        """
        ...

    async def govern(self, release: Release, fence: Fence) -> None:
        """Have the release's policies decide, and its configuration be in force."""
        ...

    async def shift(self, routing: Routing, fence: Fence) -> None:
        """Divide new requests so; services not named keep what they have."""
        ...

    async def measure(self, services: Sequence[str]) -> Measured:
        """Running totals of these services' versions."""
        ...

    async def retire(self, versions: Sequence[tuple[str, str]], fence: Fence) -> None:
        """Let these (service, version) finish what they have and stop them; absent ones are fine.

        Conflict when one of them still gets new requests.
        """
        ...

    async def settle(self, release: Release, fence: Fence) -> None:
        """This release is what should be there from now on: the measure of drift."""
        ...

    async def drift(self) -> tuple[Drift, ...]:
        """Every difference between what runs and what was settled."""
        ...

    async def repair(self, drift: Sequence[Drift], fence: Fence) -> None:
        """End these differences."""
        ...
