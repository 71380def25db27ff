"""What the mesh of one environment looks like, as plain frozen data.

Who builds it: `build.py`, from the app, the ports, the versions that run and the access table.
Who reads it: `render/`, which turns it into Envoy's files, and `envoys.py`, which starts one Envoy
per entry. It guarantees that rendering needs nothing else: no app file, no clock, no socket.

    MeshView
    ├── sidecars: one per service that serves or calls
    │     ├── versions   who answers inside the service, and with which weight
    │     ├── grants     who may ask what (default deny: no grant, no entry)
    │     └── egress     whom it may call, and how patiently
    └── gateway          which public route leads to which service
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fairway.model.services import CircuitBreaking, Health, PublicRoute, Retries

GATEWAY = "gateway"
"""The reserved name of the gateway: its Envoy, its SPIFFE ID, its principal in grants."""

Protocol = Literal["http1", "http2"]

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class PortPlan:
    """The loopback ports of the data plane; the supervisor's port book supplies free ones.

    `inbound` per serving service, `egress` (shared by Host) per service that calls or serves,
    `egress_to` per (caller, callee), and one for the gateway.
    """

    inbound: Mapping[str, int]
    egress: Mapping[str, int]
    egress_to: Mapping[tuple[str, str], int]
    gateway: int


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a service: its share of new requests and the loopback ports of its replicas.

    Weights are relative to one another; a version of weight 0 serves only its own cohort. The
    name is part of file names and of Envoy's statistics.
    """

    name: str
    weight: int
    endpoints: tuple[int, ...]

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.name):
            raise ValueError(f"a version is named by letters, digits, '.', '_', '-': {self.name!r}")


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


@dataclass(frozen=True, slots=True)
class GatewayRoute:
    """Requests for `host` (None: any) at or under `path` go to `service`."""

    host: str | None
    path: str
    service: str


@dataclass(frozen=True, slots=True)
class GatewayView:
    """The Envoy in front of the public routes."""

    port: int
    routes: tuple[GatewayRoute, ...] = ()


@dataclass(frozen=True, slots=True)
class MeshView:
    """The whole data plane of one environment. `sampling` is percent of traces."""

    app: str
    environment: str
    sidecars: Mapping[str, Sidecar]
    gateway: GatewayView
    otlp: str | None = None
    sampling: float = 10.0

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
