"""RDS of the inbound listener: who may ask what, and which version answers.

The RBAC filter denies everything; each route here carries the principals that it admits. So a
policy change is a route change: it takes effect at once and drains nothing. First match wins:

    1. the health path       any identity of the mesh
    2. each intent           its grant's principals, by method and path
    3. each public route     the gateway only
    4. everything else       nobody

An intent under a public route is decided by its grant alone (2 before 3). Which version answers is
decided within each of these, by `version_routes.py`.
"""

from __future__ import annotations

from fairway.targets.mesh.render.document import (
    Json,
    replicas_cluster,
    typed,
)
from fairway.targets.mesh.render.version_routes import Asked, Way, another_replica, version_routes
from fairway.targets.mesh.view import GATEWAY, MeshView, Sidecar
from fairway_runtime.agent.files import (
    response,
)
from fairway_runtime.intents import IntentRoute, IntentTable, path_regex

INBOUND = "inbound"
RBAC = "rbac"

_NEVER_RECEIVED = "connect-failure,refused-stream,reset-before-request"
"""Failures after which no replica has seen the request: safe to send to another one."""
_PATIENCE: Json = {
    # No timeout of its own: the caller's side knows how long it wants to wait.
    "timeout": "0s",
    "retry_policy": {"retry_on": _NEVER_RECEIVED, "num_retries": 2, **another_replica()},
}
_TO_REPLICAS = Way(replicas_cluster, _PATIENCE)


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
        for route in _routes(sidecar, Asked("health", {"path": path, **_method(method)}, anyone))
    ]


def _intents(view: MeshView, sidecar: Sidecar) -> list[Json]:
    grants = {grant.intent: grant for grant in sidecar.grants}
    table = IntentTable(IntentRoute(g.intent, g.method, g.path, g.stream) for g in sidecar.grants)
    routes = []
    for intent in table.routes:
        match = {"safe_regex": {"regex": path_regex(intent.path)}, **_methods(intent)}
        callers = [_identity(view, name) for name in grants[intent.name].principals]
        copied = intent.method == "GET" and not intent.stream
        asked = Asked(intent.name, match, _admit(intent.name, callers), copied)
        routes += _routes(sidecar, asked)
    return routes


def _public(view: MeshView, sidecar: Sidecar) -> list[Json]:
    gateway = _admit("public", [_identity(view, GATEWAY)])
    paths = sorted({route.path for route in sidecar.public}, key=lambda path: (-len(path), path))
    return [
        route
        for path in paths
        for route in _routes(sidecar, Asked(f"public {path}", prefix(path), gateway, copied=True))
    ]


def _routes(sidecar: Sidecar, asked: Asked) -> list[Json]:
    return version_routes(sidecar.division, asked, _TO_REPLICAS)


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
