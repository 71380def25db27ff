"""What one Envoy is doing, for `fairway status` and the API. Read from its admin socket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from fairway.targets.local.mesh.admin import Admin, AdminUnreachable
from fairway.targets.local.mesh.envoy import Envoy
from fairway_runtime.agent.confirming import Statistics

_STATISTICS = (
    r"downstream_rq_(total|5xx)$|rbac\.denied$|upstream_rq_retry$|ejections_enforced_total$|"
    r"update_rejected$|total_listeners_active$"
)


@dataclass(frozen=True, slots=True)
class HostState:
    """One address behind a cluster, and why it gets no requests if it gets none."""

    cluster: str
    port: int
    healthy: bool
    ejected: bool


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals since that Envoy started. `retries` and `ejections` are over all its clusters."""

    requests: int = 0
    errors_5xx: int = 0
    denied: int = 0
    retries: int = 0
    ejections: int = 0
    rejected_files: int = 0


@dataclass(frozen=True, slots=True)
class EnvoyState:
    """`live` takes requests, `starting` not yet, `unreachable` does not answer, `down` is gone."""

    name: str
    state: Literal["live", "starting", "unreachable", "down"]
    pid: int | None
    version: str = ""
    listeners: int = 0
    hosts: tuple[HostState, ...] = ()
    certificate_expires: str | None = None
    counters: Counters = Counters()


async def state_of(envoy: Envoy) -> EnvoyState:
    """Ask an Envoy for its state; one that does not answer has a state too, never an error."""
    if not envoy.is_alive:
        return EnvoyState(envoy.name, "down", envoy.pid)
    try:
        return await _asked(envoy.name, envoy.pid, envoy.admin)
    except AdminUnreachable:
        return EnvoyState(envoy.name, "unreachable", envoy.pid)


async def _asked(name: str, pid: int | None, admin: Admin) -> EnvoyState:
    server = await admin.server()
    statistics = await admin.statistics(_STATISTICS)
    listeners = statistics.get("listener_manager.total_listeners_active", 0)
    return EnvoyState(
        name=name,
        state="live" if server["state"] == "LIVE" else "starting",
        pid=pid,
        version=_release(server["version"]),
        listeners=listeners if isinstance(listeners, int) else 0,
        hosts=_hosts(await admin.clusters()),
        certificate_expires=_expires(await admin.certificates()),
        counters=_counters(statistics),
    )


def _release(version: str) -> str:
    """`9e55…/1.40.0/Clean/RELEASE/BoringSSL` is 1.40.0."""
    parts = version.split("/")
    return parts[1] if len(parts) > 1 else version


def _hosts(clusters: list[dict[str, Any]]) -> tuple[HostState, ...]:
    return tuple(
        HostState(
            cluster=cluster["name"],
            port=host["address"]["socket_address"]["port_value"],
            healthy="failed_active_health_check" not in host["health_status"],
            ejected="failed_outlier_check" in host["health_status"],
        )
        for cluster in clusters
        for host in cluster.get("host_statuses", [])
    )


def _expires(certificates: list[dict[str, Any]]) -> str | None:
    """When the first of its own certificates ends."""
    ends = [own["expiration_time"] for entry in certificates for own in entry.get("cert_chain", [])]
    return min(ends, default=None)


def _counters(statistics: Statistics) -> Counters:
    def total(pattern: str) -> int:
        names = re.compile(pattern)
        return sum(
            value
            for name, value in statistics.items()
            if isinstance(value, int) and names.fullmatch(name)
        )

    return Counters(
        requests=total(r"http\.(?!admin).*\.downstream_rq_total"),
        errors_5xx=total(r"http\.(?!admin).*\.downstream_rq_5xx"),
        denied=total(r"http\..*\.rbac\.denied"),
        retries=total(r"cluster\..*\.upstream_rq_retry"),
        ejections=total(r"cluster\..*\.ejections_enforced_total"),
        rejected_files=total(r".*\.update_rejected"),
    )
