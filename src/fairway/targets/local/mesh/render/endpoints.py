"""EDS: the loopback ports behind each cluster. The only file that changes when replicas do."""

from __future__ import annotations

from fairway.targets.local.mesh.render.document import (
    Json,
    address,
    callee_cluster,
    endpoints_file,
    replicas_cluster,
    response,
    typed,
)
from fairway.targets.local.mesh.view import MeshView, Sidecar


def replica_endpoints(sidecar: Sidecar) -> dict[str, Json]:
    """One file per version of the service."""
    return dict(_file(replicas_cluster(v.name), v.endpoints) for v in sidecar.versions)


def callee_endpoints(view: MeshView, callees: list[str]) -> dict[str, Json]:
    """One file per callee: the inbound listener of its sidecar."""
    return dict(_file(callee_cluster(name), _inbound(view, name)) for name in callees)


def _inbound(view: MeshView, name: str) -> tuple[int, ...]:
    port = view.sidecars[name].inbound_port
    return () if port is None else (port,)


def _file(cluster: str, ports: tuple[int, ...]) -> tuple[str, Json]:
    endpoints = [{"endpoint": {"address": address(port)}} for port in ports]
    assignment = typed(
        "config.endpoint.v3.ClusterLoadAssignment",
        cluster_name=cluster,
        endpoints=[{"lb_endpoints": endpoints}] if endpoints else [],
    )
    return endpoints_file(cluster), response([assignment])
