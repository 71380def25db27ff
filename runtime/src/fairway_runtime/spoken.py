"""What spans say: who asked for what, what was decided, and why. Pure.

`exchange.py` asks only for spans that are recorded, `advice.py` for calls that are not made. The
names are those that the mesh's Envoys use for the same things, so that a trace reads alike at
every hop.
"""

from __future__ import annotations

from fairway_runtime.admission import Admission, Refused
from fairway_runtime.policy.engine import Decision
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
        said |= decision_attributes(decision)
        said["fairway.reason"] = reason or decision.reason
    elif isinstance(found, Refused):
        said["fairway.decision"] = "deny" if found.status in (401, 403) else ""
    return said


def decision_attributes(decision: Decision) -> Attributes:
    """What was decided, by which policies, and why."""
    return {
        "fairway.decision": "allow" if decision.allowed else "deny",
        "fairway.decision_id": decision.decision_id,
        "fairway.policies": ", ".join(decision.policies),
        "fairway.policy_set": decision.policy_set,
        "fairway.reason": decision.reason,
    }
