"""A call as any identity for somebody who looks on: sent, waited for, and given back as text.

`running.py` asks. The same plan and the same way as `fairway call`: mutual TLS straight to the
service's sidecar with the identity's own certificate and keys, or through the gateway as anyone.
"""

from __future__ import annotations

import secrets

from fairway.control.calling.plan import Ids, Wish, plan_call
from fairway.control.calling.send import Reply, port_of, send_as, send_public
from fairway.control.explored import PUBLIC, CallOutcome, CallRequest
from fairway.errors import InvalidInput
from fairway.targets.local.layout import StateDir
from fairway.targets.mesh.view import GATEWAY
from fairway_runtime.policy.bundle import PolicyBundle

_TIMEOUT = 30.0
_LONGEST = 256 * 1024
"""Bytes of an answer that are shown."""


def send(request: CallRequest, state: StateDir, bundle: PolicyBundle) -> CallOutcome:
    """Send it and wait; blocks. NotFound or InvalidInput for what cannot be meant."""
    ids = Ids(secrets.token_hex(16), secrets.token_hex(16), secrets.token_hex(8))
    caller = "" if request.identity == PUBLIC else request.identity
    headers = tuple(f"{name}: {value}" for name, value in request.headers.items())
    body = request.body.encode() if request.body else None
    wish = Wish(
        request.service, request.path, caller, request.intent, request.method, headers, body
    )
    plan = plan_call(wish, bundle, ids)
    if plan.caller:
        reply = send_as(plan, state, bundle, _TIMEOUT)
    elif bundle.services[plan.callee].public:
        reply = send_public(plan, port_of(state, GATEWAY), _TIMEOUT)
    else:
        raise InvalidInput(
            "not-public",
            f"'{plan.callee}' has no public route, so somebody must call it",
            remedy="choose a client or a service as identity",
        )
    given = {name: value for name, value in plan.headers if name in ("traceparent",)}
    trace = given.get("traceparent", "").split("-")
    return _outcome(reply, trace[1] if len(trace) > 1 else ids.trace, ids.correlation, plan.path)


def _outcome(reply: Reply, trace_id: str, correlation_id: str, path: str) -> CallOutcome:
    return CallOutcome(
        status=reply.status,
        headers=dict(reply.headers),
        body=reply.body[:_LONGEST].decode("utf-8", "replace"),
        seconds=reply.seconds,
        trace_id=trace_id,
        correlation_id=reply.headers.get("x-correlation-id", correlation_id),
        url=f"{reply.address}{path}",
        truncated=len(reply.body) > _LONGEST,
    )
