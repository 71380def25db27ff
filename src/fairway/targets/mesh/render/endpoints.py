"""EDS: the loopback ports of a version's replicas. The only file that changes when these do."""

from __future__ import annotations

from fairway.targets.mesh.render.document import (
    Json,
    address,
    endpoints_file,
    replicas_cluster,
    typed,
)
from fairway.targets.mesh.view import Sidecar
from fairway_runtime.agent.files import (
    response,
)


def replica_endpoints(sidecar: Sidecar, host: str) -> dict[str, Json]:
    """One file per version of the service, whose replicas listen on `host`."""
    return dict(_file(replicas_cluster(v.name), v.endpoints, host) for v in sidecar.versions)


def _file(cluster: str, ports: tuple[int, ...], host: str) -> tuple[str, Json]:
    endpoints = [{"endpoint": {"address": address(port, host)}} for port in ports]
    assignment = typed(
        "config.endpoint.v3.ClusterLoadAssignment",
        cluster_name=cluster,
        endpoints=[{"lb_endpoints": endpoints}] if endpoints else [],
    )
    return endpoints_file(cluster), response([assignment])
