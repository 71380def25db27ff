"""`ask`: would a call be allowed? Decided in process by the callee's policies, nothing is sent.

The callee decides again when it is called; asking first saves the journey and gives the reason.
"""

from __future__ import annotations

import time

from fairway_runtime.admission import hour_and_weekday
from fairway_runtime.context import current
from fairway_runtime.logs import get_logger
from fairway_runtime.policy.audit import AuditWriter, decision_entry
from fairway_runtime.policy.engine import Context, Decision, Kind, Principal
from fairway_runtime.policy.live import LivePolicies
from fairway_runtime.settings import Settings
from fairway_runtime.sigv4 import SigningFile
from fairway_runtime.spoken import decision_attributes
from fairway_runtime.tracing import Attributes, Tracing

_log = get_logger(__name__)


class Adviser:
    """Decides as the callee would, as far as the caller can know the context."""

    def __init__(
        self,
        settings: Settings,
        live: LivePolicies | None,
        signing: SigningFile | None,
        tracing: Tracing,
    ) -> None:
        self._settings = settings
        self._live = live
        self._signing = signing
        self._tracing = tracing
        self._audit: AuditWriter | None = None

    def ask(self, callee: str, intent: str, context: Context) -> Decision:
        """The decision for a call of this service now; `context` adds to and overrides the usual.

        Where Fairway is absent nothing decides, so everything is allowed; a service of Fairway
        that was given no policies is denied everything.
        """
        if self._live is None:
            return _undecided(governed=bool(self._settings.service))
        principal = self._principal()
        decision = self._live.decide(
            principal, callee, intent, {**self._usual(callee, intent), **context}
        )
        if not decision.allowed:
            self._trace(decision, callee, intent)
            self._remember(decision, principal, callee, intent)
        return decision

    def close(self) -> None:
        """Flush and close the audit log."""
        if self._audit is not None:
            self._audit.close()
            self._audit = None

    def _trace(self, denied: Decision, callee: str, intent: str) -> None:
        """The call that is not made stands in the trace of the request that it was for."""
        request = current.get()
        if request is not None:
            _, span = self._tracing.begin_client(request.trace, f"ask {callee}")
            said: Attributes = {"server.address": callee, "fairway.intent": intent}
            span.end(403, {**said, **decision_attributes(denied)})

    def _remember(self, denied: Decision, principal: Principal, callee: str, intent: str) -> None:
        """A denied call is never made, so nobody but us can audit it; an allowed one the callee."""
        if self._settings.audit_dir is None:
            return
        request = current.get()
        correlation_id = request.correlation_id if request else ""
        try:
            if self._audit is None:
                # Beside the writer of what this service decides as a callee: one chain per file.
                writer = f"{self._settings.service}.{self._settings.replica}.asked"
                self._audit = AuditWriter(self._settings.audit_dir, writer)
            self._audit.append(decision_entry(denied, principal, callee, intent, correlation_id))
        except OSError as error:
            # It stays denied; a full disk must not turn into an outage, but must be seen.
            _log.error("the audit log cannot be written", error=str(error))

    def _principal(self) -> Principal:
        if self._signing is None:
            return Principal("Service", self._settings.service)
        identity = self._signing.identity()
        kind: Kind = "Client" if identity.kind == "Client" else "Service"
        return Principal(kind, identity.name)

    def _usual(self, callee: str, intent: str) -> dict[str, object]:
        request = current.get()
        hour, weekday = hour_and_weekday(int(time.time()))
        known: dict[str, object] = {
            "environment": self._settings.environment,
            "signed": self._signing is not None,
            "cohort": request.cohort if request else "",
            "hour": hour,
            "weekday": weekday,
            "source": "mesh",
        }
        services = self._live.bundle.services if self._live else {}
        route = services[callee].intents.get(intent) if callee in services else None
        if route is not None:
            known |= {"method": route.method, "path": route.path}
        return known


def _undecided(*, governed: bool) -> Decision:
    if governed:
        reason = "there are no policies to decide by: FAIRWAY_POLICY_FILE is not set"
        return Decision(False, reason, (), 0, "")
    return Decision(True, "Fairway is absent: nothing decides", (), 0, "")
