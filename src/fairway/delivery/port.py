"""What people and programs may ask of the delivery of an environment: commands and queries.

`service.py` implements it on the store, the planner and the engine; the API offers it over HTTP,
and the command line has a client that is one too, so that a laptop and a shared server are asked in
the same way. Answers are frozen data of plain values: `dataclasses.asdict` of one is its JSON.

Guarantees asked of an implementation: methods may be called concurrently; each raises only
`FairwayError` (`NotFound`, `Conflict` for what is stale or taken, `Refused` for a missing role or a
closed window, `InvalidInput`); times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from fairway.delivery.deployment import Command, Deployment, Status
from fairway.plan.plan import Plan
from fairway.plan.release import Release
from fairway.targets.contract import Drift

Json = dict[str, Any]
WhenBusy = Literal["refuse", "queue", "supersede"]
Role = Literal["viewer", "deployer", "approver", "admin"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, as the door has established it."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Wish:
    """What someone wants deployed.

    `app` is the `App` as JSON as the environment sees it, `artifacts` a digest per service,
    `policies` the Cedar text that comes with the app. `fingerprint` and `facts` are those of the
    plan they saw: Conflict when it is stale. `release` names a kept release instead: a rollback.
    """

    app: Json | None = None
    artifacts: Mapping[str, str] = field(default_factory=dict)
    policies: str | None = None
    release: int | None = None
    fingerprint: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    when_busy: WhenBusy = "refuse"
    emergency: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VersionNumbers:
    """One version of a service while it is watched. Rates are per second, `p95` in seconds.

    `recent` is the request rate of the last looks, oldest first: a sparkline.
    """

    service: str
    version: str
    weight: int
    requests: int
    errors: int
    rate: float
    p50: float | None
    p95: float | None
    recent: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Watching:
    """What the engine saw at its last look at a deployment: the live numbers and the verdict.

    `checks` are the analysis's, as JSON. `harmed` counts failed answers of candidates so far.
    `doing` says what the target is busy with at this moment, where that takes minutes.
    """

    at: float
    stage: int
    stages: int
    weight: int
    since: float
    deadline: float | None
    outcome: str
    words: str
    versions: tuple[VersionNumbers, ...] = ()
    checks: tuple[Json, ...] = ()
    harmed: int = 0
    doing: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """Something that happened in an environment. `id` grows; `type` is that of the CloudEvent."""

    id: int
    at: float
    type: str
    deployment: str
    words: str
    data: Json


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What a listener could not be told, and why at last. `event` is the number of the event."""

    listener: str
    event: int
    deployment: str
    attempts: int
    error: str
    type: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some deployments, the newest first, and where the next page begins (None: nowhere)."""

    deployments: tuple[Deployment, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """What differs between two releases; `lines` is a readable unified diff of app and policies."""

    before: int
    after: int
    changes: tuple[Json, ...]
    lines: str


class Delivery(Protocol):
    """The delivery of one environment."""

    async def plan(self, wish: Wish) -> Plan:
        """What deploying this would do now. Nothing is changed, and nothing kept.

        Conflict while another deployment changes what runs, unless `when_busy` says otherwise.
        """
        ...

    async def deploy(self, wish: Wish, by: Actor) -> Deployment:
        """Keep the release and begin (or queue) its deployment; returns at once.

        Conflict while another deployment runs (`when_busy` = refuse), and for a stale fingerprint;
        InvalidInput when nothing would change.
        """
        ...

    async def tell(self, deployment: str, command: Command, by: Actor, reason: str = "") -> None:
        """Promote, pause, resume, abort or override; Conflict when it makes no sense now."""
        ...

    async def approve(self, deployment: str, by: Actor, reason: str = "") -> None:
        """Agree to it. Refused for a missing role and for whoever started it, twice counts once."""
        ...

    async def reject(self, deployment: str, by: Actor, reason: str) -> None:
        """Refuse it: it ends as cancelled."""
        ...

    async def deployment(self, deployment: str) -> Deployment:
        """One deployment, as it is now; a unique prefix of its id will do."""
        ...

    async def deployments(
        self, *, status: Status | None = None, cursor: str | None = None, limit: int = 20
    ) -> Page:
        """Deployments, the newest first."""
        ...

    async def watching(self, deployment: str) -> Watching | None:
        """The latest live numbers of a deployment, None before its first look."""
        ...

    def events(self, deployment: str | None, after: int = 0) -> AsyncIterator[DeliveryEvent]:
        """Events with a greater id, as they come; ends when that deployment has ended."""
        ...

    async def happened(self, deployment: str | None, after: int = 0) -> tuple[DeliveryEvent, ...]:
        """Events with a greater id so far, the oldest first."""
        ...

    async def releases(self, *, before: int | None = None, limit: int = 50) -> tuple[Release, ...]:
        """Kept releases, the newest first."""
        ...

    async def release(self, number: int) -> Release:
        """One release; NotFound when there is none, or it was cleaned up."""
        ...

    async def diff(self, before: int, after: int) -> ReleaseDiff:
        """What differs between two releases."""
        ...

    async def drift(self) -> tuple[Drift, ...]:
        """What runs against what should; Conflict while a deployment changes that."""
        ...

    async def repair(self, by: Actor) -> tuple[Drift, ...]:
        """End every difference; returns what was repaired."""
        ...

    async def dead_letters(self) -> tuple[DeadLetter, ...]:
        """What listeners could not be told, the oldest first."""
        ...

    async def redeliver(
        self, by: Actor, listener: str = "", event: int | None = None
    ) -> tuple[DeadLetter, ...]:
        """Try again what could not be told: to this listener, of this event; absent: all of it.

        Returns what is tried again; NotFound when something is named and nothing is that.
        """
        ...
