"""CDS: where requests can go, and when to stop sending them there.

replicas.<version>   the service's own processes: health checks, ejection, limits
callee.<name>        another service's sidecar, by mutual TLS to exactly its identity
callee.<name>.<version>  the sidecars of one version, where callers divide: found by DNS
legacy.<route>       what still answers a public route from outside the mesh
otlp                 the collector, if one is configured
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from fairway.model.services import CircuitBreaking
from fairway.targets.mesh.render.document import (
    EnvoyPaths,
    Json,
    address,
    callee_cluster,
    endpoints_file,
    from_file,
    legacy_cluster,
    replicas_cluster,
    seconds,
    shifted_cluster,
    shifted_version_cluster,
    typed,
    version_cluster,
)
from fairway.targets.mesh.render.secrets import (
    client_tls,
    public_tls,
)
from fairway.targets.mesh.view import (
    GatewayRoute,
    LegacyUpstream,
    MeshView,
    Place,
    Protocol,
    Remote,
    Sidecar,
    Version,
)

OTLP = "otlp"
_IDLE = "1.500s"
"""Servers close idle connections after 2 s (gunicorn) to 5 s (uvicorn, Node) without a warning. A
request sent at that moment would be lost, so connections are given up earlier on this side."""


def replica_clusters(sidecar: Sidecar, paths: EnvoyPaths) -> list[Json]:
    """One cluster per version of the service, also for versions of weight 0: cohorts reach them."""
    return [
        typed(
            "config.cluster.v3.Cluster",
            name=replicas_cluster(version.name),
            type="EDS",
            eds_cluster_config=_endpoint_file(version, paths),
            connect_timeout="1s",
            metadata={"filter_metadata": {"fairway": {"version": version.name}}},
            typed_extension_protocol_options=_spoken(sidecar.protocol),
            health_checks=[_health_check(sidecar)],
            ignore_health_on_host_removal=True,
            outlier_detection=_outliers(sidecar.limits),
            circuit_breakers=_limits(sidecar.limits),
            # The caller's repetition of a request then finds another replica than the first try.
            lb_policy="ROUND_ROBIN",
            common_lb_config={
                # Never fall back to replicas that are known to be down: an honest 503 is retried.
                "healthy_panic_threshold": {"value": 0},
                # By default the worker learns up to a second late that a replica is healthy.
                "update_merge_window": "0s",
            },
        )
        for version in sidecar.versions
    ]


def callee_clusters(
    view: MeshView, callee: str, limits: CircuitBreaking, paths: EnvoyPaths, route: str = ""
) -> list[Json]:
    """The clusters towards `callee`, within the caller's limits: one if a sidecar stands before all
    of its versions, else one for each. `route` is that of a shifted route, which counts on its own.
    """
    remote = view.remotes.get(callee)
    if remote is None:
        return [_callee_cluster(view, callee, limits, paths, route)]
    return [
        _version_cluster(view, remote, version, limits, paths, route)
        for version in remote.division.versions
    ]


def _version_cluster(  # noqa: PLR0913, PLR0917 - as `callee_clusters`, for one version
    view: MeshView,
    remote: Remote,
    version: Version,
    limits: CircuitBreaking,
    paths: EnvoyPaths,
    route: str,
) -> Json:
    """All machines of a version; the caller itself leaves one that fails alone for a while."""
    callee = remote.division.service
    own = version_cluster(callee, version.name)
    return _cluster(
        shifted_version_cluster(callee, version.name, route) if route else own,
        _by_dns(view.place),
        [_named_host(remote.hosts[version.name], remote.port)],
        metadata={"filter_metadata": {"fairway": {"version": version.name}}},
        typed_extension_protocol_options=_as_received(),
        transport_socket=client_tls(view.spiffe_id(callee), f"{callee}.{view.app}.internal", paths),
        outlier_detection=_outliers(limits),
        circuit_breakers=_limits(limits),
        common_lb_config={"healthy_panic_threshold": {"value": 0}},
    )


def _by_dns(place: Place) -> Json:
    """Every address of a name, as long as its record lives; by c-ares, which knows how long."""
    resolvers = [] if place.resolver is None else [address(place.resolver[1], place.resolver[0])]
    cares = typed(
        "extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
        **({"resolvers": resolvers} if resolvers else {}),
    )
    lookup = typed(
        "extensions.clusters.dns.v3.DnsCluster",
        dns_lookup_family="V4_ONLY",
        respect_dns_ttl=True,
        dns_refresh_rate="5s",
        dns_failure_refresh_rate={"base_interval": "0.500s", "max_interval": "2s"},
        typed_dns_resolver_config={
            "name": "envoy.network.dns_resolver.cares",
            "typed_config": cares,
        },
    )
    return {"cluster_type": {"name": "envoy.clusters.dns", "typed_config": lookup}}


def _callee_cluster(
    view: MeshView, callee: str, limits: CircuitBreaking, paths: EnvoyPaths, route: str
) -> Json:
    """Its one address never changes while the system runs: there is no endpoint file to watch."""
    port = view.sidecars[callee].inbound_port
    hosts = [] if port is None else [{"endpoint": {"address": address(port)}}]
    server_name = f"{callee}.{view.app}.internal"
    return _static_cluster(
        shifted_cluster(callee, route) if route else callee_cluster(callee),
        "STATIC",
        hosts,
        typed_extension_protocol_options=_as_received(),
        transport_socket=client_tls(view.spiffe_id(callee), server_name, paths),
        circuit_breakers=_limits(limits),
    )


def otlp_cluster(endpoint: str | None, paths: EnvoyPaths) -> Json:
    """The cluster of the OTLP/HTTP collector; without one it is empty and spans are dropped."""
    if endpoint is None:
        return _static_cluster(OTLP, "STATIC", [])
    url = urlsplit(endpoint)
    host = url.hostname or "localhost"
    secure = url.scheme == "https"
    port = url.port or (443 if secure else 4318)
    tls = {"transport_socket": public_tls(host, paths)} if secure else {}
    return _static_cluster(OTLP, "STRICT_DNS", [_named_host(host, port)], **tls)


def legacy_cluster_for(route: GatewayRoute, upstream: LegacyUpstream, paths: EnvoyPaths) -> Json:
    """The cluster of a system outside the mesh, which is told nothing that is the mesh's own."""
    tls = {"transport_socket": public_tls(upstream.host, paths)} if upstream.secure else {}
    cluster = _static_cluster(
        legacy_cluster(route.key),
        "LOGICAL_DNS",
        [_named_host(upstream.host, upstream.port)],
        dns_lookup_family="V4_PREFERRED",
        typed_extension_protocol_options=_outbound(upstream),
        circuit_breakers=_limits(CircuitBreaking()),
        **tls,
    )
    return {**cluster, "connect_timeout": "5s"}


def _named_host(host: str, port: int) -> Json:
    where = {"socket_address": {"address": host, "port_value": port}}
    return {"endpoint": {"address": where}}


def _outbound(upstream: LegacyUpstream) -> Json:
    clean = {"remove_on_match": {"key_matcher": {"prefix": "x-fairway-"}}}
    return _options(
        explicit_http_config={"http_protocol_options": {}},
        common_http_protocol_options={"idle_timeout": _IDLE},
        http_filters=[
            _filter("header_mutation.v3.HeaderMutation", mutations={"request_mutations": [clean]}),
            *_below(upstream.path),
            _filter("upstream_codec.v3.UpstreamCodec"),
        ],
    )


def _below(path: str) -> list[Json]:
    """A filter that puts a path before that of each request.

    In Lua, because a route rewrites paths for all its clusters alike, and header mutations may not
    touch a path at all.
    """
    if not path:
        return []
    script = f"""function envoy_on_request(handle)
  local headers = handle:headers()
  headers:replace(":path", {json.dumps(path)} .. headers:get(":path"))
end"""
    return [_filter("lua.v3.Lua", default_source_code={"inline_string": script})]


def _filter(kind: str, **fields: Any) -> Json:
    return {"name": kind, "typed_config": typed(f"extensions.filters.http.{kind}", **fields)}


def _static_cluster(name: str, kind: str, hosts: list[Json], **fields: Any) -> Json:
    return _cluster(name, {"type": kind}, hosts, **fields)


def _cluster(name: str, kind: Json, hosts: list[Json], **fields: Any) -> Json:
    return typed(
        "config.cluster.v3.Cluster",
        name=name,
        **kind,
        connect_timeout="1s",
        load_assignment={"cluster_name": name, "endpoints": [{"lb_endpoints": hosts}]},
        **fields,
    )


def _endpoint_file(version: Version, paths: EnvoyPaths) -> Json:
    return {"eds_config": from_file(paths, endpoints_file(replicas_cluster(version.name)))}


def _health_check(sidecar: Sidecar) -> Json:
    health = sidecar.health
    interval = seconds(health.interval)
    common = {
        "timeout": seconds(health.timeout),
        "interval": interval,
        # Without traffic Envoy would check once a minute only.
        "no_traffic_interval": interval,
        "unhealthy_threshold": health.unhealthy,
        "healthy_threshold": health.healthy,
        "always_log_health_check_failures": False,
    }
    if health.path is None:
        return {**common, "tcp_health_check": {}}
    codec = "HTTP2" if sidecar.protocol == "http2" else "HTTP1"
    return {
        **common,
        "http_health_check": {
            "path": health.path,
            "host": f"{sidecar.service}.internal",
            "expected_statuses": [{"start": 200, "end": 300}],
            "codec_client_type": codec,
        },
    }


def _outliers(limits: CircuitBreaking) -> Json:
    return {
        "consecutive_5xx": limits.consecutive_errors,
        "consecutive_gateway_failure": limits.consecutive_errors,
        "enforcing_consecutive_gateway_failure": 100,
        "enforcing_success_rate": 0,
        "interval": "1s",
        "base_ejection_time": seconds(limits.ejection),
        "max_ejection_time": seconds(max(limits.ejection, 300)),
        # A single replica is never ejected: an error is a better answer than none for 10 s.
        "max_ejection_percent": 50,
        # A replica that fails requests may well pass its health check: ejection takes its time.
        "successful_active_health_check_uneject_host": False,
    }


def _limits(limits: CircuitBreaking) -> Json:
    threshold = {
        "max_connections": limits.max_connections,
        "max_pending_requests": limits.max_pending,
        "max_requests": limits.max_requests,
        # Retries may be a fifth of what is under way, but a few are always allowed.
        "retry_budget": {
            "budget_percent": {"value": 20},
            "min_retry_concurrency": limits.max_retries,
        },
    }
    return {"thresholds": [threshold]}


def _spoken(protocol: Protocol) -> Json:
    match protocol:
        case "http1":
            config: Json = {"explicit_http_config": {"http_protocol_options": {}}}
        case "http2":
            config = {"explicit_http_config": {"http2_protocol_options": {"allow_connect": True}}}
    return _options(common_http_protocol_options={"idle_timeout": _IDLE}, **config)


def _as_received() -> Json:
    """HTTP/1.1 stays HTTP/1.1 and HTTP/2 stays HTTP/2 between sidecars."""
    return _options(
        use_downstream_protocol_config={
            "http_protocol_options": {},
            "http2_protocol_options": {"allow_connect": True},
        }
    )


def _options(**fields: Any) -> Json:
    kind = "extensions.upstreams.http.v3.HttpProtocolOptions"
    return {f"envoy.{kind}": typed(kind, **fields)}
