"""What Envoy itself answers, as JSON that says what happened and what to do.

    {"error": "denied", "reason": "...", "remedy": "...", "request_id": "..."}

A service's own answers pass through untouched; only Envoy's local replies are mapped.

A sidecar whose replica dies says with its answer whether the request may be sent again: whoever
called, the gateway or another sidecar, does so, and the request may then meet another version.
"""

from __future__ import annotations

from fairway.targets.mesh.render.access_log import Direction
from fairway.targets.mesh.render.document import (
    Json,
)

_UNREACHABLE = ["UH", "UF", "UC", "UO", "UR", "URX", "LR", "NC", "UPE"]
"""Envoy's response flags for: none healthy, cannot connect, connection lost, limit reached, reset,
retries exhausted, local reset, no such cluster, upstream broke the protocol."""
_UNSEEN = ["UH", "UF"]
"""Response flags after which no replica has seen the request: none healthy, cannot connect."""
_BROKEN_OFF = ["UC"]
"""The connection was lost, perhaps in the middle of the work: fine for what only reads."""
REPEATABLE = "x-fairway-repeatable"
"""Header of a sidecar's own answer to a request that may safely be sent again."""
_TOO_SLOW = ["UT", "SI", "DT", "UMSDR"]
"""Response flags for: upstream timeout, stream idle, overall timeout, stream too long."""


def local_replies(direction: Direction, service: str) -> Json:
    """The local reply configuration of a connection manager."""
    return {
        "mappers": [
            _mapper(_status(403), _denied(direction, service)),
            _mapper(_status(404), _not_found(direction, service)),
            _mapper(_flags(_TOO_SLOW), _too_slow(direction, service)),
            *_repeatable(direction, service),
            _mapper(_flags(_UNREACHABLE), _unavailable(direction, service)),
        ],
        "body_format": _body("refused", "%RESPONSE_CODE_DETAILS%", "correct the request"),
    }


def retried(retry_on: str) -> Json:
    """A retry policy's conditions, and that the callee's sidecar says it may be sent again."""
    return {
        "retry_on": f"{retry_on},retriable-headers",
        "retriable_headers": [{"name": REPEATABLE, "present_match": True}],
    }


def _repeatable(direction: Direction, service: str) -> list[Json]:
    if direction != "inbound":
        return []
    safe = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}
    read = {"filters": [_flags(_BROKEN_OFF), {"header_filter": {"header": safe}}]}
    header = {"header": {"key": REPEATABLE, "value": "1"}}
    told = {"headers_to_add": [header], **_mapper({}, _unavailable(direction, service))}
    return [{**told, "filter": _flags(_UNSEEN)}, {**told, "filter": {"and_filter": read}}]


def _denied(direction: Direction, service: str) -> Json:
    match direction:
        case "egress":
            return _body(
                "denied",
                f"{service} declares no call to %REQ(:AUTHORITY)%",
                f"declare it in the app file under services.{service}.calls",
            )
        case "inbound" | "gateway":
            return _body(
                "denied",
                "%DOWNSTREAM_PEER_URI_SAN% is not among the declared callers of "
                f"{service} for %REQ(:METHOD)% %PATH(NQ:PATH)%",
                "declare the call in the app file under calls, for an intent with this method "
                "and path, and permit it in the policies",
            )


def _not_found(direction: Direction, service: str) -> Json:
    if direction == "gateway":
        return _body(
            "not-found",
            "no public route for %REQ(:AUTHORITY)%%PATH(NQ:PATH)%",
            "declare it in the app file under services.<name>.public",
        )
    return _body("not-found", f"{service} has no such route", "correct the host or the path")


def _unavailable(direction: Direction, service: str) -> Json:
    if direction == "inbound":
        reason = f"no replica of {service} can take the request (%RESPONSE_CODE_DETAILS%)"
        remedy = f"look at `fairway status` and `fairway logs {service}`"
    else:
        reason = "%UPSTREAM_CLUSTER_RAW% cannot be reached (%RESPONSE_CODE_DETAILS%)"
        remedy = "look at `fairway status`"
    return _body("unavailable", reason, remedy)


def _too_slow(direction: Direction, service: str) -> Json:
    who = service if direction == "inbound" else "%UPSTREAM_CLUSTER_RAW%"
    return _body(
        "timeout",
        f"{who} did not answer in time (%RESPONSE_CODE_DETAILS%)",
        "look at `fairway logs`; a longer timeout can be declared with the call",
    )


def _body(error: str, reason: str, remedy: str) -> Json:
    return {
        "json_format": {
            "error": error,
            "reason": reason,
            "remedy": remedy,
            "request_id": "%REQ(X-REQUEST-ID)%",
        }
    }


def _mapper(condition: Json, body: Json) -> Json:
    return {"filter": condition, "body_format_override": body}


def _status(code: int) -> Json:
    value = {"default_value": code, "runtime_key": f"fairway.reply.{code}"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def _flags(flags: list[str]) -> Json:
    return {"response_flag_filter": {"flags": flags}}
