"""What the mesh refused, as entries of the audit log: no denial goes unrecorded.

The control plane follows the access logs of the sidecars and hands each line to `mesh_denial`;
what comes back it appends to the audit chain of the writer `mesh`. Pure. Lines that are not
refusals by RBAC, and lines that cannot be read, give None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fairway_runtime.intents import IntentTable
from fairway_runtime.policy.audit import Entry
from fairway_runtime.policy.bundle import PUBLIC, BundleService, PolicyBundle
from fairway_runtime.policy.engine import PolicyEngine, Principal

WRITER = "mesh"
_DENIED = "rbac_access_denied"
_GATEWAY = "gateway"


def mesh_denial(line: str, bundle: PolicyBundle, engine: PolicyEngine) -> Entry | None:
    """The audit entry for one line of a sidecar's JSON access log, if it is a refusal by RBAC.

    `bundle` and `engine` are the active ones: they name the intent and explain the refusal.
    """
    if _DENIED not in line:  # nearly every line: parsing costs more than all the rest here
        return None
    record = _read(line)
    if not _text(record, "details").startswith(_DENIED):
        return None
    service = _text(record, "service")
    principal = _principal(_text(record, "peer"), bundle)
    intent = _intent(record, bundle.services.get(service))
    return Entry(
        "decision",
        allowed=False,
        principal=f"{principal.kind}::{principal.name}" if principal else "",
        service=service,
        intent=intent,
        reason=_reason(record, principal, intent, engine),
        policy_set=bundle.version,
        decision_id=f"mesh-{_text(record, 'request_id')}",
        correlation_id=_text(record, "correlation_id"),
        at=_time(_text(record, "time")),
    )


def _read(line: str) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _text(record: Mapping[str, Any], key: str) -> str:
    """A field as text; Envoy writes null for what it does not know."""
    value = record.get(key)
    return "" if value is None else str(value)


def _principal(peer: str, bundle: PolicyBundle) -> Principal | None:
    """Who a SPIFFE ID is, `spiffe://shop.local/orbit`; None for nobody we know."""
    trust_domain, _, name = peer.removeprefix("spiffe://").partition("/")
    if trust_domain != f"{bundle.app}.{bundle.environment}":
        return None
    if name == _GATEWAY:
        return Principal("Gateway", PUBLIC)
    if name in bundle.services:
        return Principal("Service", name)
    return Principal("Client", name) if name in bundle.clients else None


def _intent(record: Mapping[str, Any], callee: BundleService | None) -> str:
    if callee is None:
        return ""
    path = _text(record, "path").partition("?")[0]
    route = IntentTable(callee.intents.values()).match(_text(record, "method"), path)
    return route.name if route else ""


def _reason(
    record: Mapping[str, Any], principal: Principal | None, intent: str, engine: PolicyEngine
) -> str:
    asked = f"{_text(record, 'method')} {_text(record, 'path')} on {_text(record, 'service')}"
    if principal is None:
        who = _text(record, "peer") or "a caller without an identity"
        return f"the mesh refused {asked}: {who} is not known here"
    if not intent:
        return f"the mesh refused {asked}: that is no intent of the service"
    decision = engine.decide(principal, _text(record, "service"), intent, {})
    if decision.allowed:
        return f"the mesh refused {asked}: its routes were older than the policies"
    return f"the mesh refused {asked}: {decision.reason}"


def _time(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
