"""RDS of all egress listeners: one per callee (`$AXON_URL`) and one shared by Host.

They share one file, because each file costs a file watcher, of which a user may have 128 in all
(`fs.inotify.max_user_instances`). A listener of its own names its callee in a header, the shared
one copies the Host there; the header chooses the virtual host and is taken off again.

Retries are the delicate part. First match wins:

    1. intents marked `stream`, WebSockets   no timeout; repeated only if never received
    2. signed requests (AWS4-HMAC-SHA256)    repeated only if never received: the runtime library
                                             retries itself and signs each attempt anew
    3. safe to repeat                        the declared retries, also after an error
    4. anything else                         repeated only if never received

Safe are idempotent methods, requests with an idempotency key, and everything towards a callee for
which the app file itself declares `retries`.

Where callees are divided by their callers, each of these leads to the versions of the callee, as
`version_routes.py` says; else to the one sidecar that stands before all of them.

While a deployment is under way, what a version of it calls is marked with that version's cohort, so
that its program need not pass anything on. Each version calls through listeners of its own, which
say so in the same header (`r8|axon`); whether they mark is in the routes, so nothing is drained.
"""

from __future__ import annotations

from functools import partial

from fairway.targets.mesh.render.cohorts import marks
from fairway.targets.mesh.render.document import (
    Json,
    callee_cluster,
    seconds,
    typed,
    version_cluster,
)
from fairway.targets.mesh.render.replies import REPEATABLE, retried
from fairway.targets.mesh.render.version_routes import (
    Asked,
    Choice,
    Way,
    another_replica,
    in_cohort,
    version_routes,
)
from fairway.targets.mesh.view import Egress, MeshView, Remote, Sidecar
from fairway_runtime.agent.files import (
    response,
)
from fairway_runtime.intents import path_regex

EGRESS = "egress"
CALLEE = "x-fairway-callee"
"""Names the callee between an egress listener and its routes; never leaves the Envoy."""

_NEVER_RECEIVED = "connect-failure,refused-stream,reset-before-request"
_ANY_ERROR = "5xx,reset,connect-failure,refused-stream,unavailable"
_IDEMPOTENT = "GET|HEAD|OPTIONS|PUT|DELETE|TRACE"

SIGNED = {"name": "authorization", "string_match": {"prefix": "AWS4-HMAC-SHA256"}}
WEBSOCKET = {"name": "upgrade", "string_match": {"exact": "websocket", "ignore_case": True}}


def egress_routes(view: MeshView, sidecar: Sidecar) -> Json:
    """The route file: every declared callee under its names, and a clear no to all others."""
    declared = [
        {
            "name": f"{egress.callee} of {cohort}" if cohort else egress.callee,
            "domains": [listener + name for listener in listeners for name in _names(view, egress)],
            "routes": _routes(egress, view.remotes.get(egress.callee), cohort),
            **({"request_headers_to_add": marks(cohort)} if cohort else {}),
        }
        for cohort, listeners in _listeners_by_cohort(sidecar).items()
        for egress in sidecar.egress
    ]
    undeclared = {
        "name": "undeclared",
        "domains": ["*"],
        "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 403}}],
    }
    return response(
        [
            typed(
                "config.route.v3.RouteConfiguration",
                name=EGRESS,
                virtual_hosts=[*declared, undeclared],
                vhost_header=CALLEE,
                ignore_port_in_host_matching=True,
                request_headers_to_remove=[CALLEE],
                response_headers_to_remove=[REPEATABLE],
            )
        ]
    )


def callee_mark(callee: str | None, version: str | None = None) -> str:
    """What an egress listener puts into the header: a callee (None: its Host), and its version."""
    return _prefix(version) + (callee or "%REQ(:AUTHORITY)%")


def _prefix(version: str | None) -> str:
    return "" if version is None else f"{version}|"


def _names(view: MeshView, egress: Egress) -> list[str]:
    name = egress.callee
    return [name, f"{name}.internal", f"{name}.{view.app}.internal"]


def _listeners_by_cohort(sidecar: Sidecar) -> dict[str, list[str]]:
    """The prefixes of the listeners that mark alike."""
    found = {sidecar.plain_cohort: [_prefix(None)]}
    for own in sidecar.own_egress:
        found.setdefault(sidecar.cohort_of(own.version), []).append(_prefix(own.version))
    return found


def _routes(egress: Egress, remote: Remote | None, cohort: str) -> list[Json]:
    """All routes to a callee, for calls of a cohort (empty: for those that say it themselves)."""
    return [
        route
        for match, action in _kinds(egress)
        for route in (
            [{"match": match, "route": {"cluster": callee_cluster(egress.callee), **action}}]
            if remote is None
            else _divided(egress, remote, cohort, match, action)
        )
    ]


def _kinds(egress: Egress) -> list[tuple[Json, Json]]:
    """The kinds of calls, and how patiently each is made."""
    everything: Json = {"prefix": "/"}
    streams = [
        {"safe_regex": {"regex": path_regex(stream.path)}, "headers": [_method(stream.method)]}
        for stream in egress.streams
    ]
    return [
        *((match, _endless(egress)) for match in streams),
        ({**everything, "headers": [WEBSOCKET]}, _endless(egress)),
        ({**everything, "headers": [SIGNED]}, _careful(egress)),
        *((match, _eager(egress)) for match in _repeatable(egress)),
        (everything, _careful(egress)),
    ]


def _divided(egress: Egress, remote: Remote, cohort: str, match: Json, action: Json) -> list[Json]:
    """The routes of one kind to the versions of a callee; what has no timeout is never copied."""
    retry = action.get("retry_policy")
    elsewhere = {"retry_policy": {**retry, **another_replica()}} if retry else {}
    way = Way(partial(version_cluster, egress.callee), {**action, **elsewhere})
    asked = Asked("", match, {}, copied="idle_timeout" not in action)
    return version_routes(remote.division, asked, way, _known(remote, cohort))


def _known(remote: Remote, cohort: str) -> list[Choice] | None:
    """Calls of a version that is on trial belong to its cohort, whatever they say themselves."""
    return [in_cohort(remote.division, cohort)] if cohort else None


def _repeatable(egress: Egress) -> list[Json]:
    if egress.retry_unsafe:
        return [{"prefix": "/"}]
    idempotent = {"name": ":method", "string_match": {"safe_regex": {"regex": _IDEMPOTENT}}}
    keyed = {"name": "idempotency-key", "present_match": True}
    return [{"prefix": "/", "headers": [header]} for header in (idempotent, keyed)]


def _method(method: str) -> Json:
    return {"name": ":method", "string_match": {"exact": method}}


def _endless(egress: Egress) -> Json:
    return {"timeout": "0s", "idle_timeout": "0s", **_retries(egress, _NEVER_RECEIVED)}


def _careful(egress: Egress) -> Json:
    return {"timeout": seconds(egress.timeout), **_retries(egress, _NEVER_RECEIVED)}


def _eager(egress: Egress) -> Json:
    per_try = egress.retries.per_try_timeout
    limit = {} if per_try is None else {"per_try_timeout": seconds(per_try)}
    return {"timeout": seconds(egress.timeout), **_retries(egress, _ANY_ERROR, limit)}


def _retries(egress: Egress, retry_on: str, limit: Json | None = None) -> Json:
    """Exponential backoff; Envoy itself draws each wait at random below the current bound."""
    retries = egress.retries
    if retries.attempts == 0:
        return {}
    return {
        "retry_policy": {
            **retried(retry_on),
            "num_retries": retries.attempts,
            "retry_back_off": {
                "base_interval": seconds(retries.backoff),
                "max_interval": seconds(max(retries.backoff, retries.max_backoff)),
            },
            **(limit or {}),
        }
    }
