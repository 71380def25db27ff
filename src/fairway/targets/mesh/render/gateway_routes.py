"""RDS of the gateway: which public route leads to which service, the longest path first.

A host's own routes come before those of a matching wildcard, and these before those for any host,
where paths are equally long: what a longer path says is never hidden by a more exact host.

A route may lead to a legacy upstream, outside the mesh, in whole or for some of its users. Where
services are divided by their callers, it leads to the versions of its service; what a guest says of
its cohort counts for nothing, but a tester's wish.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fairway.targets.mesh.render.cohorts import marks
from fairway.targets.mesh.render.document import (
    Json,
    callee_cluster,
    legacy_cluster,
    shifted_cluster,
    shifted_version_cluster,
    typed,
    version_cluster,
)
from fairway.targets.mesh.render.egress_routes import WEBSOCKET
from fairway.targets.mesh.render.guests import Guest, by_user, guests
from fairway.targets.mesh.render.inbound_routes import prefix
from fairway.targets.mesh.render.replies import REPEATABLE, retried
from fairway.targets.mesh.render.version_routes import (
    Asked,
    Choice,
    Way,
    another_replica,
    by_weight,
    in_cohort,
    marked,
    version_routes,
)
from fairway.targets.mesh.view import (
    GATEWAY,
    STABLE,
    USER,
    Division,
    GatewayRoute,
    GatewayView,
    LegacyShare,
    LegacyUpstream,
    MeshView,
    Remote,
)
from fairway_runtime.agent.files import (
    response,
)

_NEVER_RECEIVED = {
    **retried("connect-failure,refused-stream,reset-before-request"),
    "num_retries": 5,
    # Together longer than it takes until a replica that died is asked no more.
    "retry_back_off": {"base_interval": "0.050s", "max_interval": "0.400s"},
}
_NO_ROUTE: Json = {"match": {"prefix": "/"}, "direct_response": {"status": 404}}


def gateway_routes(view: MeshView) -> Json:
    """The route file of the gateway."""
    gateway = view.gateway
    hosts = sorted({route.host for route in gateway.routes if route.host is not None})
    return response(
        [
            typed(
                "config.route.v3.RouteConfiguration",
                name=GATEWAY,
                virtual_hosts=[_host(view, host) for host in (*hosts, None)],
                ignore_port_in_host_matching=True,
                request_headers_to_add=[_correlation()],
                response_headers_to_remove=[REPEATABLE],
            )
        ]
    )


def _host(view: MeshView, host: str | None) -> Json:
    applicable = [route for route in view.gateway.routes if _applies(route, host)]
    ordered = sorted(applicable, key=lambda route: (-len(_stem(route.path)), _vagueness(route)))
    return {
        "name": host or "any",
        "domains": [host or "*"],
        "routes": [*(r for route in ordered for r in _routes(view, route)), _NO_ROUTE],
    }


def _applies(route: GatewayRoute, host: str | None) -> bool:
    if route.host is None or route.host == host:
        return True
    return host is not None and route.host.startswith("*.") and host.endswith(route.host[1:])


def _vagueness(route: GatewayRoute) -> int:
    if route.host is None:
        return 2
    return 1 if route.host.startswith("*.") else 0


def _stem(path: str) -> str:
    return path.rstrip("/")


def _routes(view: MeshView, route: GatewayRoute) -> list[Json]:
    """WebSockets may be quiet for an hour; the rest as long as the listener's idle timeout."""
    remote = view.remotes.get(route.service)
    return [
        found
        for headers, more in (([WEBSOCKET], {"idle_timeout": "3600s"}), ([], {}))
        for guest in guests(view.gateway, route)
        for found in _route(view.gateway, route, remote, guest, headers, more)
    ]


def _route(  # noqa: PLR0913, PLR0917 - a route, where it leads, and the kind of request
    gateway: GatewayView,
    route: GatewayRoute,
    remote: Remote | None,
    guest: Guest,
    headers: list[Json],
    more: Json,
) -> list[Json]:
    wanted = [*headers, *guest.headers]
    match = {**prefix(route.path), **({"headers": wanted} if wanted else {})}
    name = f"{route.service} {route.path}"
    # A response may last; one that stalls ends by the idle timeout.
    action = {"timeout": "0s", "retry_policy": _NEVER_RECEIVED, **more}
    if remote is None or route.legacy is not None:
        to = {"route": {**_upstream(route, remote, guest), **action}}
        return [{"name": name, "match": match, **to, **guest.additions}]
    asked = Asked(name, match, guest.additions, copied=not headers)
    way = _way(partial(version_cluster, route.service), remote.division, action)
    return version_routes(remote.division, asked, way, [_chosen(gateway, remote, guest)])


def _way(cluster: Callable[[str], str], division: Division, action: Json) -> Way:
    retried_elsewhere = {**action["retry_policy"], **another_replica()}
    known_by_cookie = division.trial is not None and division.trial.sticky_by == USER
    users = by_user() if known_by_cookie else []
    return Way(cluster, {**action, "retry_policy": retried_elsewhere}, users)


def _chosen(gateway: GatewayView, remote: Remote, guest: Guest) -> Choice:
    """A tester gets what is new."""
    division = remote.division
    return in_cohort(division, gateway.cohort) if guest.is_tester else by_weight(division)


def _upstream(route: GatewayRoute, remote: Remote | None, guest: Guest) -> Json:
    """The service; or what still answers for it; or, user by user, one of the two.

    What is new comes first, so that nobody who has got there goes back as its share grows.
    """
    if route.legacy is None:
        return {"cluster": callee_cluster(route.service)}
    left, cohort = _left(route.legacy, guest), route.legacy.cohort
    service, whole = _service_shares(route, remote, cohort, 100 - left)
    if left == 0:
        alone = len(service) == 1 and "request_headers_to_add" not in service[0]
        return (
            {"cluster": service[0]["name"]}
            if alone
            else {"weighted_clusters": {"clusters": service}}
        )
    legacy = {"weight": left * whole, **_outside(route.key, route.legacy.upstream)}
    if left == 100:
        return {"weighted_clusters": {"clusters": [legacy]}}
    both = [legacy, *service] if cohort == STABLE else [*service, legacy]
    split = {"clusters": both, "use_hash_policy": True}
    return {"weighted_clusters": split, "hash_policy": by_user()}


def _service_shares(
    route: GatewayRoute, remote: Remote | None, cohort: str, percent: int
) -> tuple[list[Json], int]:
    """What the service gets of a shared route, and by how much all weights are multiplied.

    It is marked, so that no version gets it that leaves the route where it was.
    """
    if remote is None:
        service = {"name": shifted_cluster(route.service, route.key), "weight": percent}
        return [{**service, "request_headers_to_add": marks(cohort)} if cohort else service], 1
    versions = in_cohort(remote.division, cohort).versions
    # One that only its own cohort reaches weighs nothing, and gets all of that cohort here.
    weights = {v.name: v.weight if len(versions) > 1 else 1 for v in versions}
    shares = [
        {
            "name": shifted_version_cluster(route.service, v.name, route.key),
            "weight": percent * weights[v.name],
            **marked(v),
        }
        for v in versions
    ]
    return shares, sum(weights.values())


def _left(share: LegacyShare, guest: Guest) -> int:
    """Percent of a guest's requests for the legacy upstream: a tester gets what is new."""
    if not guest.is_tester:
        return share.weight
    if share.cohort:
        return 100 if share.cohort == STABLE else 0
    return 100 if share.weight == 100 else 0


def _outside(key: str, upstream: LegacyUpstream) -> Json:
    """It knows itself by its own name, and can learn by which one it was asked."""
    asked = {"key": "x-forwarded-host", "value": "%REQ(:AUTHORITY)%"}
    return {
        "name": legacy_cluster(key),
        "host_rewrite_literal": upstream.authority,
        "request_headers_to_add": [
            {"header": asked, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        ],
    }


def _correlation() -> Json:
    """Who brings no correlation id gets the request id as one, so that every hop logs the same."""
    header = {"key": "x-correlation-id", "value": "%REQ(X-REQUEST-ID)%"}
    return {"header": header, "append_action": "ADD_IF_ABSENT"}
