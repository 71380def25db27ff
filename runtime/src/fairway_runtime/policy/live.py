"""The engine for the newest policies of a running service: a policy change without a restart.

The ASGI wrapper and the client hold one `LivePolicies`; each decision uses the newest good bundle
(noticed within 100 ms). While there never was a good one, everything is denied.
"""

from __future__ import annotations

from fairway_runtime.policy.bundle import BundleFile, InvalidBundle, PolicyBundle
from fairway_runtime.policy.engine import Context, Decision, DecisionIds, PolicyEngine, Principal


class LivePolicies:
    """A `PolicyEngine` that follows its bundle file. One per process."""

    def __init__(self, file: BundleFile) -> None:
        self._file = file
        self._new_id = DecisionIds()
        self._bundle: PolicyBundle | None = None
        self._engine: PolicyEngine | None = None

    @property
    def bundle(self) -> PolicyBundle:
        """The newest good bundle; raises InvalidBundle while there never was one."""
        return self._file.current()

    @property
    def engine(self) -> PolicyEngine:
        """The engine of the newest bundle whose policies parse; raises InvalidBundle if none."""
        bundle = self._file.current()
        if bundle is not self._bundle:
            self._bundle = bundle
            self._replace(bundle)
        if self._engine is None:
            raise InvalidBundle(self._file.problem or "no policies yet")
        return self._engine

    def decide(self, principal: Principal, service: str, intent: str, context: Context) -> Decision:
        """The decision of the newest policies, or a denial that says why there are none."""
        try:
            engine = self.engine
        except InvalidBundle as error:
            return Decision(False, f"no policies to decide by: {error}", (), 0, self._new_id())
        return engine.decide(principal, service, intent, context)

    def settled(self, principal: Principal, service: str, intent: str) -> Decision | None:
        """What the newest policies answer in any context, if that is known; else ask `decide`."""
        try:
            return self.engine.settled(principal, service, intent)
        except InvalidBundle:
            return None

    def _replace(self, bundle: PolicyBundle) -> None:
        try:
            self._engine = PolicyEngine.from_bundle(bundle, new_id=self._new_id)
        except InvalidBundle as error:
            self._file.report(f"policy set {bundle.version}: {error}")
