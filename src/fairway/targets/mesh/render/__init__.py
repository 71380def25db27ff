"""From a `MeshView` to the files of each Envoy. Pure: no file, clock or process is touched.

Who calls it: `envoys.py`, and the golden scenarios under `tests/scenarios/mesh/`. It guarantees
that files name only clusters, routes and endpoints that are in the same set; the two secrets come
from `identity/authority.py`, because keys are no part of a view.
"""

from __future__ import annotations

from fairway.model.services import CircuitBreaking
from fairway.targets.mesh.render.bootstrap import bootstrap
from fairway.targets.mesh.render.clusters import (
    callee_clusters,
    legacy_cluster_for,
    otlp_cluster,
    replica_clusters,
)
from fairway.targets.mesh.render.document import (
    EnvoyPaths,
    Json,
    routes_file,
)
from fairway.targets.mesh.render.egress_routes import EGRESS, egress_routes
from fairway.targets.mesh.render.endpoints import replica_endpoints
from fairway.targets.mesh.render.gateway_routes import gateway_routes
from fairway.targets.mesh.render.inbound_routes import INBOUND, inbound_routes
from fairway.targets.mesh.render.listeners import gateway_listener, sidecar_listeners
from fairway.targets.mesh.view import GATEWAY, GatewayRoute, MeshView
from fairway_runtime.agent.files import (
    BOOTSTRAP,
    CDS,
    LDS,
    response,
)

__all__ = ["EnvoyPaths", "Json", "render"]

_FROM_OUTSIDE = CircuitBreaking(max_retries=512)
"""The gateway repeats only what no replica has seen, or what only reads, and waits in between: all
who meet a replica that has just died may do so at once."""


def render(view: MeshView, name: str, paths: EnvoyPaths) -> dict[str, Json]:
    """The files of one Envoy by name: a service's sidecar, or `gateway`."""
    files = _gateway(view, paths) if name == GATEWAY else _sidecar(view, name, paths)
    return {BOOTSTRAP: bootstrap(view, name, paths), **files}


def _sidecar(view: MeshView, name: str, paths: EnvoyPaths) -> dict[str, Json]:
    sidecar = view.sidecars[name]
    clusters = [
        *replica_clusters(sidecar, paths),
        *(
            cluster
            for egress in sidecar.egress
            for cluster in callee_clusters(view, egress.callee, egress.circuit_breaking, paths)
        ),
    ]
    inbound = (
        {}
        if sidecar.inbound_port is None
        else {routes_file(INBOUND): inbound_routes(view, sidecar)}
    )
    return {
        LDS: sidecar_listeners(view, sidecar, paths),
        CDS: response([*clusters, otlp_cluster(view.otlp, paths)]),
        **replica_endpoints(sidecar, view.place.own),
        **inbound,
        **({routes_file(EGRESS): egress_routes(view, sidecar)} if sidecar.egress else {}),
    }


def _gateway(view: MeshView, paths: EnvoyPaths) -> dict[str, Json]:
    services = sorted({r.service for r in view.gateway.routes if r.legacy is None})
    clusters = [c for name in services for c in callee_clusters(view, name, _FROM_OUTSIDE, paths)]
    for route in view.gateway.routes:
        clusters += _either(view, route, paths)
    return {
        LDS: gateway_listener(view, paths),
        CDS: response([*clusters, otlp_cluster(view.otlp, paths)]),
        routes_file(GATEWAY): gateway_routes(view),
    }


def _either(view: MeshView, route: GatewayRoute, paths: EnvoyPaths) -> list[Json]:
    """The clusters of a route that a legacy upstream answers, or did: they count for it alone."""
    if route.legacy is None:
        return []
    return [
        *callee_clusters(view, route.service, _FROM_OUTSIDE, paths, route.key),
        legacy_cluster_for(route, route.legacy.upstream, paths),
    ]
