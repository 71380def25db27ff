"""What the mesh of one environment looks like, as plain frozen data.

Who builds it: `build.py`, from the app, the ports, the versions that run and the access table.
Who reads it: `render/`, which turns it into Envoy's files, and `envoys.py`, which starts one Envoy
per entry. It guarantees that rendering needs nothing else: no app file, no clock, no socket.

    MeshView
    ├── sidecars: one per service that serves or calls
    │     ├── versions   who answers inside the service, and with which weight
    │     ├── trial      a deployment under way: its cohort, its candidate, who stays where
    │     ├── grants     who may ask what (default deny: no grant, no entry)
    │     └── egress     whom it may call, and how patiently
    └── gateway          which public route leads to which service
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from fairway.model.services import CircuitBreaking, Health, PublicRoute, Retries

GATEWAY = "gateway"
"""The reserved name of the gateway: its Envoy, its SPIFFE ID, its principal in grants."""

STABLE = "stable"
"""The cohort label of every version that is not the candidate of the deployment under way."""

USER = "x-fairway-user"
"""Tells users apart inside the mesh: what the gateway's cookie holds, never who somebody is."""

Protocol = Literal["http1", "http2"]

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_COHORT = re.compile(r"[A-Za-z0-9._-]*")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_HEADER = re.compile(r"[a-z0-9!#$&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class TelemetryPorts:
    """The loopback ports of OTLP over HTTP and over gRPC."""

    http: int
    grpc: int

    @property
    def url(self) -> str:
        """The endpoint that programs are given."""
        return f"http://127.0.0.1:{self.http}"


@dataclass(frozen=True, slots=True)
class PortPlan:
    """The loopback ports of the data plane; the supervisor's port book supplies free ones.

    `inbound` per serving service, `egress` (shared by Host) per service that calls or serves,
    `egress_to` per (caller, callee), and one for the gateway.

    `egress_of` and `egress_to_of` name one version more: listeners of that version's own processes,
    so that its calls can be told from those of its siblings. There is a listener for each entry; a
    version without one calls through the plain ports, and only one version of a service at a time
    may do so. Entries are to be there before the version's processes start, and until they ended.
    `telemetry` is where OTLP is received on this machine, if it is.
    """

    inbound: Mapping[str, int]
    egress: Mapping[str, int]
    egress_to: Mapping[tuple[str, str], int]
    gateway: int
    egress_of: Mapping[tuple[str, str], int] = field(default_factory=dict)
    egress_to_of: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    telemetry: TelemetryPorts | None = None

    def egress_port(self, service: str, version: str) -> int:
        """Where the processes of a version call whomever their Host header names."""
        return self.egress_of.get((service, version), self.egress[service])

    def egress_to_port(self, service: str, callee: str, version: str) -> int:
        """Where the processes of a version call one callee."""
        own = self.egress_to_of.get((service, callee, version))
        return self.egress_to[service, callee] if own is None else own


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a service: its share of new requests and the loopback ports of its replicas.

    Weights are relative to one another; a version of weight 0 serves only its own cohort. The
    name is part of file names and of Envoy's statistics. `cohort` is `stable`, the label of a
    deployment (`r8`), or empty where no deployment is under way: then nothing is marked.
    """

    name: str
    weight: int
    endpoints: tuple[int, ...]
    cohort: str = ""

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.name):
            raise ValueError(f"a version is named by letters, digits, '.', '_', '-': {self.name!r}")
        if not _COHORT.fullmatch(self.cohort):
            raise ValueError(f"a cohort is letters, digits, '.', '_', '-': {self.cohort!r}")


@dataclass(frozen=True, slots=True)
class Trial:
    """A deployment under way, as one of its services sees it.

    `candidate` is the version of which the deployment asks whether it is good; `cohort` labels its
    requests. `sticky_by` is the request header that tells users apart (lower case), None when each
    request is drawn anew. `mirror` percent of the requests that change nothing are copied to the
    candidate, as long as it gets none of its own.
    """

    candidate: str
    cohort: str
    sticky_by: str | None = None
    mirror: int = 0

    def __post_init__(self) -> None:
        if self.sticky_by is not None and not _HEADER.fullmatch(self.sticky_by):
            raise ValueError(f"no name of a header in lower case: {self.sticky_by!r}")
        if not 0 <= self.mirror <= 100:
            raise ValueError(f"percent of requests to copy are 0 to 100: {self.mirror}")


@dataclass(frozen=True, slots=True)
class Division:
    """How the requests of one service are divided, for whoever divides them."""

    service: str
    versions: tuple[Version, ...]
    trial: Trial | None = None


@dataclass(frozen=True, slots=True)
class Remote:
    """A service whose callers divide its requests: the name in DNS of each version, and the port.

    Where versions have machines of their own, no sidecar stands before all of them.
    """

    division: Division
    hosts: Mapping[str, str]
    port: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where an Envoy is: the address of its own programs, the one at which others reach it.

    The gateway stands behind a load balancer if it has a `health_port`: then it speaks TLS, and
    believes one proxy what it says of the client. `resolver` is a DNS server other than the
    machine's own, by address and port.
    """

    own: str = "127.0.0.1"
    inbound: str = "127.0.0.1"
    health_port: int | None = None
    resolver: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One intent of a service and the names (`orbit`, `web`, `gateway`) that may ask for it."""

    intent: str
    method: str
    path: str
    principals: tuple[str, ...]
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """Method and path template of an intent marked `stream`: no timeout may cut it."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Egress:
    """One callee of a service: the listener behind `$CALLEE_URL`, and how patiently it is called.

    `retry_unsafe` says that the app file itself asked for retries: then also a POST without an
    idempotency key is repeated. Default retries repeat only what is safe to repeat.
    """

    callee: str
    port: int
    timeout: float
    retries: Retries
    circuit_breaking: CircuitBreaking
    retry_unsafe: bool = False
    streams: tuple[Stream, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionEgress:
    """The egress listeners of one version's own processes: the one by Host, and one per callee."""

    version: str
    port: int
    to: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The Envoy beside one service. `inbound_port` is None for a worker or job: nobody calls it."""

    service: str
    protocol: Protocol
    inbound_port: int | None
    egress_port: int
    versions: tuple[Version, ...]
    grants: tuple[Grant, ...]
    public: tuple[PublicRoute, ...]
    health: Health
    limits: CircuitBreaking
    egress: tuple[Egress, ...]
    trial: Trial | None = None
    own_egress: tuple[VersionEgress, ...] = ()

    @property
    def division(self) -> Division:
        """How it divides what it gets."""
        return Division(self.service, self.versions, self.trial)

    @property
    def plain_cohort(self) -> str:
        """The cohort of whatever calls through the plain egress ports; empty: not to be marked."""
        own = {egress.version for egress in self.own_egress}
        cohorts = {version.cohort for version in self.versions if version.name not in own}
        return cohorts.pop() if len(cohorts) == 1 else ""

    def cohort_of(self, version: str) -> str:
        """The cohort of a version; empty for one that is not there (yet)."""
        return next((v.cohort for v in self.versions if v.name == version), "")


@dataclass(frozen=True, slots=True)
class LegacyUpstream:
    """A system outside the mesh that answers for a service for now: the URL that it is under."""

    url: str

    def __post_init__(self) -> None:
        if self._parts.scheme not in {"http", "https"} or not self._parts.hostname:
            raise ValueError(f"a legacy upstream is http(s)://host[:port][/path]: {self.url!r}")
        if not _PLAIN_PATH.fullmatch(self._parts.path) or self._parts.query:
            raise ValueError(f"the path of a legacy upstream is plain, without query: {self.url!r}")

    @property
    def host(self) -> str:
        """Its name or address."""
        return self._parts.hostname or ""

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self._parts.scheme == "https"

    @property
    def port(self) -> int:
        """The port that it names, or the usual one."""
        return self._parts.port or (443 if self.secure else 80)

    @property
    def authority(self) -> str:
        """The Host header that it expects."""
        return self._parts.netloc

    @property
    def path(self) -> str:
        """What comes before the path of each request; mostly nothing."""
        return self._parts.path.rstrip("/")

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)


@dataclass(frozen=True, slots=True)
class LegacyShare:
    """What is left to a legacy upstream: percent of a route's requests.

    The others are marked with `cohort`, if it is not empty: that of the versions that answer them.
    """

    upstream: LegacyUpstream
    weight: int = 100
    cohort: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 100:
            raise ValueError(f"percent of requests are 0 to 100: {self.weight}")


@dataclass(frozen=True, slots=True)
class GatewayRoute:
    """Requests for `host` (None: any) at or under `path` go to `service`, or to what was before."""

    host: str | None
    path: str
    service: str
    legacy: LegacyShare | None = None

    @property
    def is_shared(self) -> bool:
        """Whether some users get the legacy upstream and others the service."""
        return self.legacy is not None and 0 < self.legacy.weight < 100

    @property
    def key(self) -> str:
        """A name for its clusters and measurements that no other route has."""
        text = f"{self.host or ''}{self.path}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class GatewayView:
    """The Envoy in front of the public routes.

    While a deployment is under way, `cohort` is its label, for testers who ask for it; with
    `remember_users` browsers get a cookie by which they are told apart.
    """

    port: int
    routes: tuple[GatewayRoute, ...] = ()
    cohort: str = ""
    remember_users: bool = False


@dataclass(frozen=True, slots=True)
class MeshView:
    """The data plane of one environment: all of it, or what one Envoy needs. `sampling` is percent
    of traces. Services in `remotes` are divided by their callers, others by their own sidecars.
    """

    app: str
    environment: str
    sidecars: Mapping[str, Sidecar]
    gateway: GatewayView
    otlp: str | None = None
    sampling: float = 10.0
    remotes: Mapping[str, Remote] = field(default_factory=dict)
    place: Place = Place()

    @property
    def trust_domain(self) -> str:
        """The SPIFFE trust domain, `<app>.<environment>`."""
        return f"{self.app}.{self.environment}"

    @property
    def names(self) -> tuple[str, ...]:
        """Every Envoy of the mesh: the sidecars, then the gateway where something is public."""
        return (*self.sidecars, GATEWAY) if self.gateway.routes else tuple(self.sidecars)

    def spiffe_id(self, name: str) -> str:
        """The SPIFFE ID of a service, a client or the gateway."""
        return f"spiffe://{self.trust_domain}/{name}"
