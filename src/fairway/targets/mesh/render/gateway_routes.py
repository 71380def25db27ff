"""RDS of the gateway: which public route leads to which service, the longest path first.

A host's own routes come before those of a matching wildcard, and these before those for any host,
where paths are equally long: what a longer path says is never hidden by a more exact host.

A route may lead to a legacy upstream, outside the mesh, in whole or for some of its users.
"""

from __future__ import annotations

from fairway.targets.mesh.render.cohorts import marks
from fairway.targets.mesh.render.document import (
    Json,
    callee_cluster,
    legacy_cluster,
    response,
    shifted_cluster,
    typed,
)
from fairway.targets.mesh.render.egress_routes import WEBSOCKET
from fairway.targets.mesh.render.guests import Guest, by_user, guests
from fairway.targets.mesh.render.inbound_routes import prefix
from fairway.targets.mesh.render.replies import REPEATABLE, retried
from fairway.targets.mesh.view import (
    GATEWAY,
    STABLE,
    GatewayRoute,
    GatewayView,
    LegacyShare,
    LegacyUpstream,
)

_NEVER_RECEIVED = {
    **retried("connect-failure,refused-stream,reset-before-request"),
    "num_retries": 5,
    # Together longer than it takes until a replica that died is asked no more.
    "retry_back_off": {"base_interval": "0.050s", "max_interval": "0.400s"},
}
_NO_ROUTE: Json = {"match": {"prefix": "/"}, "direct_response": {"status": 404}}


def gateway_routes(gateway: GatewayView) -> Json:
    """The route file of the gateway."""
    hosts = sorted({route.host for route in gateway.routes if route.host is not None})
    return response(
        [
            typed(
                "config.route.v3.RouteConfiguration",
                name=GATEWAY,
                virtual_hosts=[_host(gateway, host) for host in (*hosts, None)],
                ignore_port_in_host_matching=True,
                request_headers_to_add=[_correlation()],
                response_headers_to_remove=[REPEATABLE],
            )
        ]
    )


def _host(gateway: GatewayView, host: str | None) -> Json:
    applicable = [route for route in gateway.routes if _applies(route, host)]
    ordered = sorted(applicable, key=lambda route: (-len(_stem(route.path)), _vagueness(route)))
    return {
        "name": host or "any",
        "domains": [host or "*"],
        "routes": [*(r for route in ordered for r in _routes(gateway, route)), _NO_ROUTE],
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


def _routes(gateway: GatewayView, route: GatewayRoute) -> list[Json]:
    """WebSockets may be quiet for an hour; the rest as long as the listener's idle timeout."""
    return [
        _route(route, guest, headers, more)
        for headers, more in (([WEBSOCKET], {"idle_timeout": "3600s"}), ([], {}))
        for guest in guests(gateway, route)
    ]


def _route(route: GatewayRoute, guest: Guest, headers: list[Json], more: Json) -> Json:
    wanted = [*headers, *guest.headers]
    action = {
        **_upstream(route, guest),
        "timeout": "0s",  # a response may last; one that stalls ends by the idle timeout
        "retry_policy": _NEVER_RECEIVED,
        **more,
    }
    return {
        "name": f"{route.service} {route.path}",
        "match": {**prefix(route.path), **({"headers": wanted} if wanted else {})},
        "route": action,
        **guest.additions,
    }


def _upstream(route: GatewayRoute, guest: Guest) -> Json:
    """The service; or what still answers for it; or, user by user, one of the two.

    What is new comes first, so that nobody who has got there goes back as its share grows.
    """
    if route.legacy is None:
        return {"cluster": callee_cluster(route.service)}
    left, cohort = _left(route.legacy, guest), route.legacy.cohort
    service = {"name": shifted_cluster(route.service, route.key), "weight": 100 - left}
    # Marked, so that no version gets them that leaves the route where it was.
    marked = {**service, "request_headers_to_add": marks(cohort)} if cohort else service
    if left == 0:
        everything: Json = {"weighted_clusters": {"clusters": [marked]}}
        return everything if cohort else {"cluster": service["name"]}
    legacy = {"weight": left, **_outside(route.key, route.legacy.upstream)}
    if left == 100:
        return {"weighted_clusters": {"clusters": [legacy]}}
    both = [legacy, marked] if cohort == STABLE else [marked, legacy]
    split = {"clusters": both, "use_hash_policy": True}
    return {"weighted_clusters": split, "hash_policy": by_user()}


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
