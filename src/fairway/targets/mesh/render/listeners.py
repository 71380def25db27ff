"""LDS: the ports an Envoy listens on. Changing them drains connections, so nothing that
changes while the system runs (weights, endpoints, policies, certificates) is in this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fairway.targets.mesh.render.connection import connection_manager, egress_manager
from fairway.targets.mesh.render.document import (
    EnvoyPaths,
    Json,
    address,
    typed,
)
from fairway.targets.mesh.render.egress_routes import (
    EGRESS,
    callee_mark,
    egress_routes,
)
from fairway.targets.mesh.render.inbound_routes import INBOUND
from fairway.targets.mesh.render.secrets import (
    balancer_tls,
    server_tls,
)
from fairway.targets.mesh.view import GATEWAY, MeshView, Sidecar
from fairway_runtime.agent.files import (
    response,
)

HEALTH = "health"
HEALTH_PATH = "/ready"


def sidecar_listeners(view: MeshView, sidecar: Sidecar, paths: EnvoyPaths) -> Json:
    """Inbound (if the service serves), one per callee, one shared by Host, those of versions."""
    service = sidecar.service
    listeners = []
    if sidecar.inbound_port is not None:
        manager = connection_manager(view, service, "inbound", INBOUND, paths)
        tls = server_tls(view.trust_domain, paths)
        where = address(sidecar.inbound_port, view.place.inbound)
        listeners.append(_listener(INBOUND, where, manager, "INBOUND", transport_socket=tls))
    listeners += [_egress_listener(view, sidecar, egress, paths) for egress in _egress(sidecar)]
    return response(listeners)


@dataclass(frozen=True, slots=True)
class _Egress:
    """An egress listener: of one callee or (None) shared by Host, of one version or of all."""

    port: int
    callee: str | None
    version: str | None = None

    @property
    def name(self) -> str:
        own = "" if self.version is None else f"@{self.version}"
        return f"{EGRESS}{own}" if self.callee is None else f"{EGRESS}{own}.{self.callee}"


def _egress(sidecar: Sidecar) -> list[_Egress]:
    return [
        _Egress(sidecar.egress_port, None),
        *(_Egress(egress.port, egress.callee) for egress in sidecar.egress),
        *(
            _Egress(port, callee, own.version)
            for own in sidecar.own_egress
            for callee, port in [(None, own.port), *own.to.items()]
        ),
    ]


def _egress_listener(view: MeshView, sidecar: Sidecar, where: _Egress, paths: EnvoyPaths) -> Json:
    mark = callee_mark(where.callee, where.version)
    manager = egress_manager(view, sidecar.service, mark, paths)
    if not sidecar.egress:
        _take_in(manager, egress_routes(view, sidecar))
    return _listener(where.name, address(where.port, view.place.own), manager, "OUTBOUND")


def gateway_listener(view: MeshView, paths: EnvoyPaths) -> Json:
    """The one listener for everyone: plain HTTP, or TLS behind a load balancer, which asks on
    another one whether the gateway is well.
    """
    manager = connection_manager(view, GATEWAY, "gateway", GATEWAY, paths)
    port, inbound, health = view.gateway.port, view.place.inbound, view.place.health_port
    if health is None:
        return response([_listener(GATEWAY, address(port, inbound), manager, "INBOUND")])
    tls = balancer_tls(paths)
    return response(
        [
            _listener(GATEWAY, address(port, inbound), manager, "INBOUND", transport_socket=tls),
            _listener(HEALTH, address(health, inbound), _health_manager(), "INBOUND"),
        ]
    )


def _health_manager() -> Json:
    """Answers 200 itself until the Envoy was told to fail its health checks, then 503."""
    wanted = {"name": ":path", "string_match": {"exact": HEALTH_PATH}}
    filters = "extensions.filters.http"
    check = typed(
        f"{filters}.health_check.v3.HealthCheck", pass_through_mode=False, headers=[wanted]
    )
    router = typed(f"{filters}.router.v3.Router")
    manager = typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=HEALTH,
        route_config={"name": HEALTH},
        http_filters=[
            {"name": "health", "typed_config": check},
            {"name": "router", "typed_config": router},
        ],
    )
    return {"name": "http", "typed_config": manager}


def _take_in(manager: Json, routes: Json) -> None:
    """Have the routes in the listener: where nobody may be called, a file to watch is wasted."""
    (only,) = routes["resources"]
    del manager["typed_config"]["rds"]
    manager["typed_config"]["route_config"] = {k: v for k, v in only.items() if k != "@type"}


def _listener(name: str, where: Json, manager: Json, direction: str, **chain: Any) -> Json:
    return typed(
        "config.listener.v3.Listener",
        name=name,
        stat_prefix=name,
        address=where,
        traffic_direction=direction,
        # Otherwise a second Envoy could silently share the port and take half of the connections.
        enable_reuse_port=False,
        filter_chains=[{"filters": [manager], **chain}],
    )
