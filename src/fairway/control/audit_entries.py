"""Audit records of any log, in files or in a database, as the port has them."""

from __future__ import annotations

from fairway.control.recorded import AuditEntry
from fairway.governance.audit import Record


def audit_entry(record: Record) -> AuditEntry:
    """One entry; what an older writer did not know stays empty."""
    allowed = record.get("allowed")
    return AuditEntry(
        writer=str(record["writer"]),
        sequence=int(record.get("seq", 0)),
        at=float(record.get("time", 0.0)),
        kind=str(record.get("kind", "")),
        caller=str(record.get("principal", "")),
        service=str(record.get("service", "")),
        intent=str(record.get("intent", "")),
        verdict="" if allowed is None else "allow" if allowed else "deny",
        reason=str(record.get("reason", "")),
        policies=tuple(record.get("policies", ())),
        policy_set=record.get("policy_set"),
        decision_id=str(record.get("decision_id", "")),
        correlation_id=str(record.get("correlation_id", "")),
    )
