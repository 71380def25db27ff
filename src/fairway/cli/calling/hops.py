"""The path that one request took, and what was decided on each hop. Pure.

Built from the Envoys' access logs (who passed the mesh) and the audit log (what the library
decided), both found by correlation id; `commands/call` prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["allowed", "denied", "failed"]


@dataclass(frozen=True, slots=True)
class Hop:
    """One place where the request was let through or not. `by` is `mesh` or `library`."""

    caller: str
    callee: str
    by: Literal["gateway", "mesh", "library"]
    verdict: Verdict
    reason: str
    status: int | None = None
    milliseconds: float | None = None
    intent: str = ""
    policies: tuple[str, ...] = ()
    policy_set: int | None = None
    decision_id: str = ""


Record = Mapping[str, Any]


def trace_path(access: Iterable[Record], decisions: Iterable[Record]) -> tuple[Hop, ...]:
    """The hops in the order that the request took them; retries and fan-out included."""
    passed = sorted(access, key=lambda r: (r["time"], -_micros(r)))
    undecided = sorted(decisions, key=lambda record: record["time"])
    hops: list[Hop] = []
    for record in passed:
        match record["direction"]:
            case "gateway":
                hops.append(_gateway_hop(record))
            case "egress":
                hops += _lost(record)
            case _:
                hops.append(_mesh_hop(record))
                hops += _take_decision(record["service"], undecided)
    return (*hops, *(_library_hop(record) for record in undecided))


def complete(access: Sequence[Record], callee: str, *, public: bool = False) -> bool:
    """Whether every hop has been written: the callee's, and one for each that was sent on.

    A `public` call has the gateway's as well, and only that one if the gateway refused it.
    """
    door = [record for record in access if record["direction"] == "gateway"]
    if public and (not door or any(map(_is_local, door))):
        return bool(door)
    inbound = [record for record in access if record["direction"] == "inbound"]
    sent_on = [r for r in access if r["direction"] == "egress" and not _is_local(r)]
    return any(r["service"] == callee for r in inbound) and len(inbound) > len(sent_on)


def _gateway_hop(record: Record) -> Hop:
    reason = "a public route" if _verdict(record) == "allowed" else str(record.get("details"))
    return _envoy_hop(record, ("public", _name(record.get("peer"))), "gateway", reason)


def _mesh_hop(record: Record) -> Hop:
    match _verdict(record):
        case "allowed":
            reason = "mutual TLS, a declared caller"
        case "denied":
            reason = "not a declared and permitted caller for this method and path"
        case "failed":
            reason = f"{record.get('details')} ({record.get('flags')})"
    return _envoy_hop(record, (_name(record.get("peer")), str(record["service"])), "mesh", reason)


def _lost(record: Record) -> list[Hop]:
    """A request that its own sidecar did not send on; others show at the callee's sidecar."""
    if not _is_local(record):
        return []
    ends = (str(record["service"]), _name(record.get("peer")))
    return [_envoy_hop(record, ends, "mesh", str(record["details"]))]


def _take_decision(service: str, undecided: list[Record]) -> list[Hop]:
    found = next((record for record in undecided if record["service"] == service), None)
    if found is None:
        return []
    undecided.remove(found)
    return [_library_hop(found)]


def _library_hop(record: Record) -> Hop:
    return Hop(
        caller=str(record["principal"]).rpartition("::")[2],
        callee=str(record["service"]),
        by="library",
        verdict="allowed" if record["allowed"] else "denied",
        reason=str(record["reason"]),
        intent=str(record["intent"]),
        policies=tuple(record["policies"]),
        policy_set=record["policy_set"],
        decision_id=str(record["decision_id"]),
    )


def _envoy_hop(
    record: Record, ends: tuple[str, str], by: Literal["gateway", "mesh"], reason: str
) -> Hop:
    caller, callee = (name or "?" for name in ends)
    milliseconds = round(_micros(record) / 1000, 2)
    return Hop(caller, callee, by, _verdict(record), reason, record.get("status"), milliseconds)


def _verdict(record: Record) -> Verdict:
    """What the Envoy itself did; a service's own 403 or 500 passed the mesh."""
    if not _is_local(record):
        return "allowed"
    return "denied" if record.get("status") == 403 else "failed"


def _is_local(record: Record) -> bool:
    """Whether Envoy answered by itself instead of passing on an answer."""
    return record.get("details") != "via_upstream"


def _micros(record: Record) -> int:
    value = str(record.get("duration_us"))
    return int(value) if value.isdigit() else 0


def _name(spiffe_id: object) -> str:
    """`spiffe://axon-orbit.local/web` → `web`."""
    return str(spiffe_id).rpartition("/")[2] if spiffe_id else ""
