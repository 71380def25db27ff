"""The HTTP connection manager: what every listener does with a request before routing it.

    inbound   mutual TLS, tells the service who the peer is, RBAC by route
    egress    plain HTTP from the service itself
    gateway   plain HTTP from anyone: what only the mesh may say is removed

Paths are normalised alike everywhere, and what could be read in two ways (escaped slashes) is
refused, so that RBAC and the service see the same path. The Host header is never rewritten:
SigV4 signs it.
"""

from __future__ import annotations

from typing import Any

from fairway.targets.mesh.render.access_log import Direction, access_log
from fairway.targets.mesh.render.cohorts import PREVIEW
from fairway.targets.mesh.render.document import (
    EnvoyPaths,
    Json,
    from_file,
    routes_file,
    typed,
)
from fairway.targets.mesh.render.egress_routes import CALLEE, EGRESS
from fairway.targets.mesh.render.guests import kept_baggage, set_aside
from fairway.targets.mesh.render.inbound_routes import RBAC, deny_all
from fairway.targets.mesh.render.replies import local_replies
from fairway.targets.mesh.render.tracing import tracing
from fairway.targets.mesh.view import MeshView

_FILTERS = "extensions.filters.http"
_KEPT_FROM_OUTSIDE = ("x-fairway-nonce", "x-fairway-deadline", PREVIEW)
"""A client that signs puts the first two under its signature, a tester asks for the candidate;
every other x-fairway-* is ours."""


def egress_manager(view: MeshView, service: str, callee: str, paths: EnvoyPaths) -> Json:
    """The network filter of an egress listener; `callee` is what it says to its routes."""
    named = {"header": {"key": CALLEE, "value": callee}}
    mutation = {"append": {**named, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    kind = "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    early = {"name": "callee", "typed_config": typed(kind, mutations=[mutation])}
    manager = connection_manager(view, service, "egress", EGRESS, paths)
    manager["typed_config"]["early_header_mutation_extensions"] = [early]
    return manager


def connection_manager(
    view: MeshView, service: str, direction: Direction, routes: str, paths: EnvoyPaths
) -> Json:
    """The network filter of one listener; `routes` names its route configuration."""
    manager = typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=routes,
        codec_type="AUTO",
        rds={"route_config_name": routes, "config_source": from_file(paths, routes_file(routes))},
        http_filters=[*_filters(direction), _router()],
        access_log=access_log(service, direction, paths),
        local_reply_config=local_replies(direction, service),
        tracing=tracing(view, service, direction),
        upgrade_configs=[{"upgrade_type": "websocket"}],
        http2_protocol_options={"allow_connect": True},
        server_header_transformation="PASS_THROUGH",
        internal_address_config={"unix_sockets": False},
        # Each hop holds a closed WebSocket that long; a second, the default, is far on loopback.
        delayed_close_timeout="0.100s",
        **_paths(),
        **_request_ids(),
        **_by_direction(direction),
        **_behind(view, direction),
    )
    return {"name": "http", "typed_config": manager}


def _paths() -> Json:
    return {
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
    }


def _request_ids() -> Json:
    """Made where there is none, kept where there is one: never rewritten to carry a trace bit."""
    kind = "extensions.request_id.uuid.v3.UuidRequestIdConfig"
    return {
        "generate_request_id": True,
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
        "request_id_extension": {
            # Sampling is the tracer's business: any text may be a request id.
            "typed_config": typed(
                kind, pack_trace_reason=False, use_request_id_for_trace_sampling=False
            )
        },
    }


def _by_direction(direction: Direction) -> Json:
    # CGI-style servers cannot tell X_Forwarded_Client_Cert from X-Forwarded-Client-Cert.
    strict: Json = {"headers_with_underscores_action": "DROP_HEADER"}
    match direction:
        case "inbound":
            return {
                "forward_client_cert_details": "SANITIZE_SET",
                "set_current_client_cert_details": {"uri": True},
                "stream_idle_timeout": "0s",
                "common_http_protocol_options": strict,
            }
        case "egress":
            return {"forward_client_cert_details": "SANITIZE"}
        case "gateway":
            return {
                "forward_client_cert_details": "SANITIZE",
                "use_remote_address": True,
                "stream_idle_timeout": "300s",
                "request_headers_timeout": "10s",
                "common_http_protocol_options": strict,
            }


def _behind(view: MeshView, direction: Direction) -> Json:
    """Behind a load balancer the client's address and scheme are what that one says."""
    behind = direction == "gateway" and view.place.health_port is not None
    return {"xff_num_trusted_hops": 1} if behind else {}


def _filters(direction: Direction) -> list[Json]:
    match direction:
        case "inbound":
            return [_filter(RBAC, "rbac.v3.RBAC", **deny_all())]
        case "egress":
            return []
        case "gateway":
            mutations = {"request_mutations": [*_clean_headers(), kept_baggage()]}
            return [
                _filter("aside", "header_to_metadata.v3.Config", request_rules=set_aside()),
                _filter("clean", "header_mutation.v3.HeaderMutation", mutations=mutations),
            ]


def _clean_headers() -> list[Json]:
    """Remove every x-fairway-* header but those kept: set aside, clear by prefix, put back.

    And every x-envoy-*: by these anyone could order retries and timeouts (`x-envoy-retry-on`).
    """
    aside = {name: f"x-kept-{name.removeprefix('x-')}" for name in _KEPT_FROM_OUTSIDE}
    return [
        *({"remove": held} for held in aside.values()),
        *(_copy(name, held) for name, held in aside.items()),
        {"remove_on_match": {"key_matcher": {"prefix": "x-fairway-"}}},
        {"remove_on_match": {"key_matcher": {"prefix": "x-envoy-"}}},
        *(_copy(held, name) for name, held in aside.items()),
        *({"remove": held} for held in aside.values()),
    ]


def _copy(source: str, target: str) -> Json:
    header = {"key": target, "value": f"%REQ({source})%"}
    return {"append": {"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}


def _router() -> Json:
    # Timings are in the access log; a service's own answers stay free of Envoy's headers.
    return _filter("router", "router.v3.Router", suppress_envoy_headers=True)


def _filter(name: str, kind: str, **fields: Any) -> Json:
    return {"name": name, "typed_config": typed(f"{_FILTERS}.{kind}", **fields)}
