"""RDS of the inbound listener: who may ask what, and which version answers.

The RBAC filter denies everything; each route here carries the principals that it admits. So a
policy change is a route change: it takes effect at once and drains nothing. First match wins:

    1. the health path       any identity of the mesh
    2. each intent           its grant's principals, by method and path
    3. each public route     the gateway only
    4. everything else       nobody

An intent under a public route is decided by its grant alone (2 before 3).
"""

from __future__ import annotations

from fairway.targets.local.mesh.render.document import (
    Json,
    replicas_cluster,
    response,
    typed,
)
from fairway.targets.local.mesh.view import GATEWAY, MeshView, Sidecar, Version
from fairway_runtime.intents import IntentRoute, IntentTable, path_regex

INBOUND = "inbound"
RBAC = "rbac"
COHORT = "x-fairway-cohort"

_NEVER_RECEIVED = "connect-failure,refused-stream,reset-before-request"
"""Failures after which no replica has seen the request: safe to send to another one."""


def inbound_routes(view: MeshView, sidecar: Sidecar) -> Json:
    """The route file of a service's inbound listener."""
    routes = [
        *_health(sidecar),
        *_intents(view, sidecar),
        *_public(view, sidecar),
        _nobody(),
    ]
    host = {"name": sidecar.service, "domains": ["*"], "routes": routes}
    return response(
        [typed("config.route.v3.RouteConfiguration", name=INBOUND, virtual_hosts=[host])]
    )


def deny_all() -> Json:
    """The rules of the RBAC filter itself: what no route admits is denied."""
    return {"rules": {"action": "ALLOW", "policies": {}}}


def _health(sidecar: Sidecar) -> list[Json]:
    path = sidecar.health.path
    if path is None:
        return []
    anyone = _admit("health", [{"any": True}])
    return [
        route
        for method in ("GET", "HEAD")
        for route in _to_versions(sidecar, {"path": path, **_method(method)}, anyone)
    ]


def _intents(view: MeshView, sidecar: Sidecar) -> list[Json]:
    grants = {grant.intent: grant for grant in sidecar.grants}
    table = IntentTable(IntentRoute(g.intent, g.method, g.path, g.stream) for g in sidecar.grants)
    routes = []
    for intent in table.routes:
        match = {"safe_regex": {"regex": path_regex(intent.path)}, **_methods(intent)}
        callers = [_identity(view, name) for name in grants[intent.name].principals]
        routes += _to_versions(sidecar, match, _admit(intent.name, callers), name=intent.name)
    return routes


def _public(view: MeshView, sidecar: Sidecar) -> list[Json]:
    gateway = _admit("public", [_identity(view, GATEWAY)])
    paths = sorted({route.path for route in sidecar.public}, key=lambda path: (-len(path), path))
    return [
        route
        for path in paths
        for route in _to_versions(sidecar, prefix(path), gateway, name=f"public {path}")
    ]


def prefix(path: str) -> Json:
    """Everything at or under a path, by whole segments: `/api` is not a prefix of `/apiary`."""
    stem = path.rstrip("/")
    return {"path_separated_prefix": stem} if stem else {"prefix": "/"}


def _nobody() -> Json:
    # Never reached: RBAC denies first. The status is what it would have to be anyway.
    return {"name": "nobody", "match": {"prefix": "/"}, "direct_response": {"status": 403}}


def _method(method: str) -> Json:
    return {"headers": [{"name": ":method", "string_match": {"exact": method}}]}


def _methods(intent: IntentRoute) -> Json:
    """The methods that ask for an intent, as `IntentRoute.answers` has it."""
    if intent.method != "GET":
        return _method(intent.method)
    return {"headers": [{"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}]}


def _identity(view: MeshView, name: str) -> Json:
    return {"authenticated": {"principal_name": {"exact": view.spiffe_id(name)}}}


def _admit(policy: str, principals: list[Json]) -> Json:
    """Per-route rules that admit some principals; without any the filter's own rules stay."""
    if not principals:
        return {}
    rules = {
        "action": "ALLOW",
        "policies": {policy: {"permissions": [{"any": True}], "principals": principals}},
    }
    per_route = typed("extensions.filters.http.rbac.v3.RBACPerRoute", rbac={"rules": rules})
    return {"typed_per_filter_config": {RBAC: per_route}}


def _to_versions(sidecar: Sidecar, match: Json, admit: Json, name: str = "health") -> list[Json]:
    """A route per version for its own cohort, then one for everyone else, by weight."""
    several = sidecar.versions if len(sidecar.versions) > 1 else ()
    sticky = [
        {
            "name": name,
            "match": _in_cohort(match, version),
            "route": {"cluster": replicas_cluster(version.name), **_patience()},
            **admit,
        }
        for version in several
    ]
    return [*sticky, {"name": name, "match": match, **_by_weight(sidecar), **admit}]


def _in_cohort(match: Json, version: Version) -> Json:
    cohort = {"name": COHORT, "string_match": {"exact": version.name}}
    return {**match, "headers": [*match.get("headers", []), cohort]}


def _by_weight(sidecar: Sidecar) -> Json:
    serving = [version for version in sidecar.versions if version.weight > 0]
    match serving:
        case []:
            body = f"no version of {sidecar.service} takes new requests"
            return {"direct_response": {"status": 503, "body": {"inline_string": body}}}
        case [only]:
            where: Json = {"cluster": replicas_cluster(only.name)}
        case _:
            where = {"weighted_clusters": {"clusters": [_weighted(v) for v in serving]}}
    return {"route": {**where, **_patience()}}


def _weighted(version: Version) -> Json:
    """The chosen version marks the request, so that calls made for it stay in the same cohort."""
    mark = {
        "header": {"key": COHORT, "value": version.name},
        "append_action": "ADD_IF_ABSENT",
    }
    return {
        "name": replicas_cluster(version.name),
        "weight": version.weight,
        "request_headers_to_add": [mark],
    }


def _patience() -> Json:
    """No timeout of its own: the caller's side knows how long it wants to wait."""
    return {
        "timeout": "0s",
        "retry_policy": {
            "retry_on": _NEVER_RECEIVED,
            "num_retries": 2,
            "retry_host_predicate": [
                {
                    "name": "previous_hosts",
                    "typed_config": typed(
                        "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                    ),
                }
            ],
            "host_selection_retry_max_attempts": 3,
        },
    }
