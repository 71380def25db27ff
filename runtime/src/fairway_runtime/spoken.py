"""What the span of a served request says: who asked for what, what was decided, and why. Pure.

`exchange.py` asks only for spans that are recorded. The names are those that the mesh's Envoys use
for the same things, so that a trace reads alike at every hop.
"""

from __future__ import annotations

from fairway_runtime.admission import Admission, Refused
from fairway_runtime.tracing import Attributes


def span_attributes(
    request: tuple[str, str],
    found: Admission | Refused | None,
    intent: str,
    words: tuple[str, str, str],
) -> Attributes:
    """Of a request (method, path); `words` are its reason, cohort and correlation id.

    What is empty is left out by whoever records it.
    """
    method, path = request
    reason, cohort, correlation = words
    said: Attributes = {
        "http.request.method": method,
        "url.path": path,
        "http.route": intent,
        "fairway.intent": intent,
        "fairway.cohort": cohort,
        "fairway.correlation_id": correlation,
        "fairway.reason": reason,
    }
    if found is not None and found.caller is not None:
        said["fairway.caller"] = found.caller.name
    decision = None if found is None else found.decision
    if decision is not None:
        said["fairway.decision"] = "allow" if decision.allowed else "deny"
        said["fairway.decision_id"] = decision.decision_id
        said["fairway.policies"] = ", ".join(decision.policies)
        said["fairway.policy_set"] = decision.policy_set
        said["fairway.reason"] = reason or decision.reason
    elif isinstance(found, Refused):
        said["fairway.decision"] = "deny" if found.status in (401, 403) else ""
    return said
