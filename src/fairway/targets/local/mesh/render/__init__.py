"""From a `MeshView` to the files of each Envoy. Pure: no file, clock or process is touched.

Who calls it: `envoys.py`, and the golden scenarios under `tests/scenarios/mesh/`. It guarantees
that files name only clusters, routes and endpoints that are in the same set; the two secrets come
from `identity/authority.py`, because keys are no part of a view.
"""

from __future__ import annotations

from fairway.model.services import CircuitBreaking
from fairway.targets.local.mesh.render.bootstrap import bootstrap
from fairway.targets.local.mesh.render.clusters import (
    callee_cluster_for,
    otlp_cluster,
    replica_clusters,
    with_endpoint_files,
)
from fairway.targets.local.mesh.render.document import (
    BOOTSTRAP,
    CDS,
    LDS,
    EnvoyPaths,
    Json,
    response,
    routes_file,
)
from fairway.targets.local.mesh.render.egress_routes import (
    SHARED,
    callee_routes,
    route_config,
    shared_routes,
)
from fairway.targets.local.mesh.render.endpoints import callee_endpoints, replica_endpoints
from fairway.targets.local.mesh.render.gateway_routes import gateway_routes
from fairway.targets.local.mesh.render.inbound_routes import INBOUND, inbound_routes
from fairway.targets.local.mesh.render.listeners import gateway_listener, sidecar_listeners
from fairway.targets.local.mesh.view import GATEWAY, MeshView, Sidecar

__all__ = ["EnvoyPaths", "Json", "render"]


def render(view: MeshView, name: str, paths: EnvoyPaths) -> dict[str, Json]:
    """The files of one Envoy by name: a service's sidecar, or `gateway`."""
    files = _gateway(view, paths) if name == GATEWAY else _sidecar(view, name, paths)
    return {BOOTSTRAP: bootstrap(view, name, paths), **files}


def _sidecar(view: MeshView, name: str, paths: EnvoyPaths) -> dict[str, Json]:
    sidecar = view.sidecars[name]
    callees = [egress.callee for egress in sidecar.egress]
    clusters = [
        *replica_clusters(sidecar),
        *(
            callee_cluster_for(view, egress.callee, egress.circuit_breaking, paths)
            for egress in sidecar.egress
        ),
    ]
    return {
        LDS: sidecar_listeners(view, sidecar, paths),
        CDS: _clusters(view, clusters, paths),
        **replica_endpoints(sidecar),
        **callee_endpoints(view, callees),
        **_sidecar_routes(view, sidecar),
    }


def _sidecar_routes(view: MeshView, sidecar: Sidecar) -> dict[str, Json]:
    files = {routes_file(SHARED): shared_routes(view, sidecar)}
    for egress in sidecar.egress:
        files[routes_file(route_config(egress.callee))] = callee_routes(egress)
    if sidecar.inbound_port is not None:
        files[routes_file(INBOUND)] = inbound_routes(view, sidecar)
    return files


def _gateway(view: MeshView, paths: EnvoyPaths) -> dict[str, Json]:
    services = sorted({route.service for route in view.gateway.routes})
    clusters = [callee_cluster_for(view, name, CircuitBreaking(), paths) for name in services]
    return {
        LDS: gateway_listener(view, paths),
        CDS: _clusters(view, clusters, paths),
        **callee_endpoints(view, services),
        routes_file(GATEWAY): gateway_routes(view.gateway),
    }


def _clusters(view: MeshView, clusters: list[Json], paths: EnvoyPaths) -> Json:
    return response([*with_endpoint_files(clusters, paths), otlp_cluster(view.otlp, paths)])
