"""The port between everyone who asks (`api`, `cli`) and the running system that answers.

`plane.py` implements `ControlPlane` for a real system, the tests implement it in memory. Every
answer is frozen data of plain values, so `dataclasses.asdict` of it is the JSON that the API sends.

Guarantees asked of an implementation: methods may be called concurrently; each raises only
`FairwayError` (`NotFound` for an unknown name or version, `Conflict` for a stale write,
`Unavailable` while the system cannot do it now); times are unix seconds, durations are seconds.

What belongs to single questions is beside: `recorded.py` (policies, releases, audit, secrets),
`topology.py` (how everything is connected) and `explored.py` (variables of a service, calls as an
identity).

The command line expects of `wiring` exactly these:

    local_control(workspace, environment) -> ControlPlane   nothing happens before `start`
    open_records(workspace, environment) -> Records         for when no control plane runs
    open_telemetry(state: StateDir) -> Telemetry            likewise
    await clear_local(state: StateDir) -> tuple[str, ...]
        ends what a dead control plane left and names it; works with a broken app file too
    replica_environment(workspace, environment, service) -> dict[str, str]
        the variables that a replica of a service gets, without PORT, for `fairway run`
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from fairway.control.directory import Directory
    from fairway.telemetry.port import Telemetry

from fairway.control.door import Trail
from fairway.control.explored import CallOutcome, CallRequest, OfferedIntent, ServiceVariables
from fairway.control.policy_findings import (
    ChangedDecision,
    PolicyNames,
    PolicyProblem,
    PolicyTestReport,
    Simulation,
)
from fairway.control.recorded import (
    Activation,
    Answer,
    AuditEntry,
    AuditQuery,
    ChainReport,
    PolicySetDiff,
    PolicySetDocument,
    PolicySetSummary,
    Question,
    ReleaseRecord,
    SecretStatus,
)
from fairway.control.topology import Topology

Phase = Literal["starting", "running", "stopping", "stopped"]
ServiceState = Literal["starting", "healthy", "degraded", "backoff", "stopped", "failed", "done"]
Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One process of a service. `pid` and `port` are None while there is none."""

    index: int
    state: ServiceState
    pid: int | None
    port: int | None
    restarts: int
    uptime: float
    detail: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A service as it runs. `inbound_port` is its sidecar's mutual-TLS listener."""

    name: str
    kind: str
    state: ServiceState
    desired: int
    release: str
    replicas: tuple[ReplicaStatus, ...] = ()
    urls: tuple[str, ...] = ()
    inbound_port: int | None = None


@dataclass(frozen=True, slots=True)
class EnvoyStatus:
    """A sidecar (named like its service) or the gateway (`gateway`)."""

    name: str
    state: ServiceState
    pid: int | None
    admin_port: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """Everything that `fairway status` shows.

    `warnings` say what a person should look at, `notes` what is so and may stay so.
    """

    app: str
    environment: str
    phase: Phase
    release: str
    gateway_url: str | None
    policy_set: int | None
    started_at: float
    services: tuple[ServiceStatus, ...] = ()
    envoys: tuple[EnvoyStatus, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `id` grows by one; `kind` is dotted: `service.healthy`.

    `subject` names the service, Envoy or policy set that it happened to; empty for the system.
    """

    id: int
    at: float
    kind: str
    subject: str
    message: str
    level: Level = "info"


class Records(Protocol):
    """What is stored and can be asked also while nothing runs: policies, releases, audit, secrets.

    `ControlPlane` answers for a running system; `wiring.open_records` gives the same methods on
    the files alone, where an activation or a new secret takes effect at the next start.
    """

    async def decide(self, question: Question) -> Answer:
        """Ask the active policy set. Anything unknown is a denial, not an error."""
        ...

    async def policy_sets(self) -> tuple[PolicySetSummary, ...]:
        """All versions, the newest first."""
        ...

    async def policy_set(self, version: int) -> PolicySetDocument:
        """One version with its text."""
        ...

    async def check_policies(self, policies: str) -> tuple[PolicyProblem, ...]:
        """Everything wrong with a text, and what is probably not meant; nothing is stored."""
        ...

    async def test_policies(self, policies: str | None = None) -> PolicyTestReport:
        """How the app's test cases go by a text, or (None) by the policies that decide now.

        `NotFound` where there are no cases, `InvalidAppFile` when the text is not valid.
        """
        ...

    async def policy_names(self) -> PolicyNames:
        """What policies can be about: services with their intents, clients, the context."""
        ...

    async def simulate(
        self,
        service: str,
        intent: str,
        context: Mapping[str, Any] | None = None,
        policies: str | None = None,
    ) -> Simulation:
        """Who may ask for it, by a text or (None) by what decides now. Not in the audit log.

        A key that `context` leaves out is as for a signed call on a Wednesday at noon.
        """
        ...

    async def policy_effect(self, policies: str) -> tuple[ChangedDecision, ...]:
        """The declared calls that a text decides otherwise than what decides now."""
        ...

    async def create_policy_set(
        self, policies: str, *, author: str, description: str = "", expected: int | None = None
    ) -> PolicySetSummary:
        """Store a new version. `Conflict` if `expected` is given and is not the newest version."""
        ...

    async def update_policy_set(
        self,
        version: int,
        policies: str,
        *,
        author: str,
        description: str = "",
        expected: int | None = None,
    ) -> PolicySetSummary:
        """Store a new version made from `version`, which stays as it is; else like `create`."""
        ...

    async def delete_policy_set(self, version: int, *, author: str) -> None:
        """Forget a version; `Conflict` while it is active or a release names it."""
        ...

    async def diff_policy_sets(self, before: int, after: int) -> PolicySetDiff:
        """What would change."""
        ...

    async def activate_policy_set(
        self, version: int, *, author: str, expected: int | None = None
    ) -> Activation:
        """Make a version decide, everywhere, without dropping a request; a release of its own.

        `Conflict` if `expected` is given and is not the version that is active now.
        """
        ...

    async def roll_back_policies(self, *, author: str, to: int | None = None) -> Activation:
        """Activate `to`, or the version that was active before the present one."""
        ...

    async def releases(self) -> tuple[ReleaseRecord, ...]:
        """The history, the newest first."""
        ...

    async def audit(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        """Matching entries of all writers, the oldest first."""
        ...

    async def verify_audit(self) -> tuple[ChainReport, ...]:
        """Check every writer's chain against its anchored head."""
        ...

    async def secrets(self) -> tuple[SecretStatus, ...]:
        """All declared secrets, by name."""
        ...

    async def set_secret(self, name: str, value: str) -> SecretStatus:
        """Store a value and hand it to the services that read it, without a restart."""
        ...

    async def rotate_secret(self, name: str) -> SecretStatus:
        """Like `set_secret` with 256 random bits, for secrets that only this app's services know.

        `Conflict` while the secret has no value: there is nothing to rotate yet.
        """
        ...

    async def rotate_signing_keys(self, identity: str | None = None) -> tuple[str, ...]:
        """New signing keys for one identity or all, the old ones still valid; names the rotated."""
        ...


class ControlPlane(Records, Trail, Protocol):
    """A running system, and everything that one may ask of it; keeps what the API was asked."""

    async def directory(self) -> Directory:
        """The delivery of this environment, begun when it is first asked for."""
        ...

    async def start(self) -> None:
        """Bring everything up (or adopt what still runs); return when all of it is healthy.

        Progress shows in `events`. On failure everything that this call started is taken down
        again before the error is raised.
        """
        ...

    async def stop(self) -> None:
        """Take everything down; return when nothing is left. Calling it again changes nothing."""
        ...

    async def hurry(self) -> None:
        """While stopping: skip the grace periods (a second Ctrl-C)."""
        ...

    async def wait_stopped(self) -> None:
        """Return when the system has stopped, whoever asked for it."""
        ...

    def events(self, after: int | None = None) -> AsyncIterator[Event]:
        """Events with an id above `after` (None: only from now on), until the system stopped."""
        ...

    async def status(self) -> SystemStatus:
        """How everything is, now."""
        ...

    async def restart(self, service: str) -> None:
        """Replace every replica of a service; return when the new ones are healthy."""
        ...

    async def scale(self, service: str, replicas: int) -> None:
        """Run this many replicas; return when they are healthy or gone."""
        ...

    async def stop_service(self, service: str) -> None:
        """End every replica of a service, gracefully; it stays down until it is started again."""
        ...

    async def start_service(self, service: str) -> None:
        """Run a stopped service again; return when it is healthy. Nothing happens if it runs."""
        ...

    def telemetry(self) -> Telemetry:
        """What services and Envoys told; `Unavailable` where the app file switched it off."""
        ...

    async def topology(self) -> Topology:
        """What is connected with what, and how it is, now."""
        ...

    async def variables(self, service: str) -> ServiceVariables:
        """The environment of a service (of the version that gets most requests), masked."""
        ...

    async def openapi(self, service: str) -> Mapping[str, Any]:
        """The OpenAPI document of a service, asked from it; `NotFound` if it has none."""
        ...

    async def intents(self, service: str) -> tuple[OfferedIntent, ...]:
        """What callers may ask of a service, in the order of the app file."""
        ...

    async def call(self, request: CallRequest) -> CallOutcome:
        """Send a request as an identity, through the mesh, and wait for the answer.

        `NotFound` for an unknown service, identity or intent; whatever status is no error.
        """
        ...
