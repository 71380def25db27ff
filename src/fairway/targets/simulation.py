"""A world in which simulated services answer simulated requests: the inside of `memory.py`.

Nothing in here reads a clock, draws a random number or touches a file: times are arguments, and the
same story told twice gives the same totals. It also watches over what a real user would notice:
`failed` counts the requests that nobody healthy was there to answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from fairway.plan.latency import bucket_of
from fairway.plan.release import ServiceRelease
from fairway.targets.contract import Traffic

Json = dict[str, Any]

EVERYTHING = 100
SPREAD = tuple(0.6 + 0.5 * -math.log(1 - (n + 0.5) / 20) for n in range(20))
"""Latencies of twenty requests in a row as factors: a floor and an exponential tail."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a version answers: its share of errors, its typical latency in seconds, its health."""

    errors: float = 0.0
    latency: float = 0.010
    healthy: bool = True


FAULTS: Mapping[str, Behaviour] = {
    "errors": Behaviour(errors=0.5),
    "latency": Behaviour(latency=0.1),
    "unhealthy": Behaviour(healthy=False),
}
"""What the variable FAULT of a service's declaration makes of it, as in the examples."""


def declared_behaviour(service: ServiceRelease) -> Behaviour:
    """How a release says that its service will answer."""
    fault = str((service.declared.get("env") or {}).get("FAULT", ""))
    return FAULTS.get(fault, Behaviour())


@dataclass(slots=True)
class Version:
    """A version that was started. Totals grow with every simulated moment."""

    digest: str
    behaviour: Behaviour
    desired: int = 0
    healthy: int = 0
    asked: float = 0.0
    errors: int = 0
    latency: dict[int, int] = field(default_factory=dict)

    def serve(self, requests: float) -> None:
        """Answer so many more; parts of a request are carried over."""
        before, after = math.floor(self.asked), math.floor(self.asked + requests)
        self.asked += requests
        share = self.behaviour.errors
        self.errors += math.floor(after * share) - math.floor(before * share)
        for n, factor in enumerate(SPREAD):
            count = (after + n) // len(SPREAD) - (before + n) // len(SPREAD)
            if count:
                bucket = bucket_of(self.behaviour.latency * factor * 1e6)
                self.latency[bucket] = self.latency.get(bucket, 0) + count

    @property
    def traffic(self) -> Traffic:
        """Its running totals."""
        return Traffic(math.floor(self.asked), self.errors, dict(self.latency))


@dataclass(slots=True)
class Service:
    """A service: what runs of it, and who gets its requests. Closed while nobody does."""

    versions: dict[str, Version] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    candidate: str | None = None
    mirror: int = 0

    @property
    def unanswered(self) -> int:
        """The percent of its requests that find nobody healthy."""
        if not self.weights:
            return 0
        answered = sum(
            weight
            for name, weight in self.weights.items()
            if name in self.versions and self.versions[name].healthy > 0
        )
        return abs(EVERYTHING - answered)

    def flow(self, requests: float) -> None:
        """Divide so many requests."""
        for name, version in self.versions.items():
            mirrored = self.mirror if name == self.candidate else 0
            share = self.weights.get(name, 0) + mirrored
            if version.healthy and share:
                version.serve(requests * share / EVERYTHING)


@dataclass(slots=True)
class Settled:
    """What should be there: a release, its policies, and each service's digest and replicas."""

    release: int = 0
    policy_set: int = 0
    services: dict[str, tuple[str, int]] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """Everything that a simulated target remembers. `at` is up to when requests have flowed."""

    at: float
    services: dict[str, Service] = field(default_factory=dict)
    known: dict[str, dict[str, str]] = field(default_factory=dict)
    settled: Settled = field(default_factory=Settled)
    policy_set: int = 0
    token: int = 0
    failed: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)

    def flow(self, now: float, rate: float) -> None:
        """Let time pass with `rate` requests a second to every open service."""
        seconds = max(0.0, now - self.at)
        self.at = max(self.at, now)
        for service in self.services.values():
            if service.weights:
                service.flow(rate * seconds)
                self.failed += rate * seconds * service.unanswered / EVERYTHING

    def probe(self) -> None:
        """Ask every open service once, at this very moment."""
        self.failed += sum(service.unanswered > 0 for service in self.services.values())

    def to_json(self) -> Json:
        """Plain values, for a file."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Json) -> World:
        """What `to_json` made, also after JSON has turned bucket numbers into texts."""
        settled = data["settled"]
        services = {name: tuple(pair) for name, pair in settled["services"].items()}
        return cls(
            **data
            | {
                "services": {name: _service(each) for name, each in data["services"].items()},
                "settled": Settled(**settled | {"services": services}),
            }
        )


def _service(data: Json) -> Service:
    versions = {name: _version(each) for name, each in data["versions"].items()}
    return Service(**data | {"versions": versions})


def _version(data: Json) -> Version:
    latency = {int(bucket): count for bucket, count in data["latency"].items()}
    return Version(**data | {"behaviour": Behaviour(**data["behaviour"]), "latency": latency})
