"""From files to a gatekeeper: identity, policies and audit of this service, always the newest.

`asgi.py` builds one per app. A missing identity or policy file at start is an error, not a reason
to serve ungoverned.
"""

from __future__ import annotations

from pathlib import Path

from fairway_runtime.admission import Admission, Gatekeeper, Governance, Place, Refused
from fairway_runtime.errors import InvalidConfiguration
from fairway_runtime.intents import IntentTable
from fairway_runtime.logs import get_logger
from fairway_runtime.policy.audit import AuditWriter, decision_entry
from fairway_runtime.policy.bundle import BundleFile, BundleService, InvalidBundle, PolicyBundle
from fairway_runtime.policy.live import LivePolicies
from fairway_runtime.policy.sampling import AllowSample
from fairway_runtime.settings import Settings
from fairway_runtime.sigv4 import ReplayCache, SigningFile, Verifier, VerifyingFile

_log = get_logger(__name__)


def live_policies(settings: Settings) -> LivePolicies:
    """The policies of `$FAIRWAY_POLICY_FILE`; raises InvalidConfiguration when there are none."""
    if settings.policy_file is None:
        raise InvalidConfiguration(
            "there are no policies to decide by",
            where="FAIRWAY_POLICY_FILE",
            remedy="let Fairway start this service, or point the variable at a policy bundle",
        )

    def report(problem: str) -> None:
        _log.error("the policy bundle cannot be used; the last good one stays", problem=problem)

    live = LivePolicies(BundleFile(settings.policy_file, on_problem=report))
    try:
        _ = live.engine
    except InvalidBundle as error:
        raise InvalidConfiguration(
            str(error), where="FAIRWAY_POLICY_FILE", remedy="let Fairway write it anew"
        ) from error
    return live


def signing_file(settings: Settings) -> SigningFile | None:
    """The keys to sign calls with; None where no identity was given."""
    if settings.identity_dir is None:
        return None
    path = settings.identity_dir / "signing.json"
    try:
        return SigningFile(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, "signing", error) from error


def _unreadable(path: Path, kind: str, error: Exception) -> InvalidConfiguration:
    return InvalidConfiguration(
        f"the {kind} keys cannot be read: {error}",
        where=str(path),
        remedy="let Fairway start this service, or unset FAIRWAY_IDENTITY_DIR",
    )


class GovernanceSource:
    """The newest policies, with the intents of this service taken out once per bundle."""

    def __init__(self, live: LivePolicies, service: str) -> None:
        self._live = live
        self._service = service
        self._governance = self._of(live.bundle)

    def __call__(self) -> Governance:
        """What is allowed now."""
        bundle = self._live.bundle
        if bundle is not self._governance.bundle:
            self._governance = self._of(bundle)
        return self._governance

    def _of(self, bundle: PolicyBundle) -> Governance:
        callee = bundle.services.get(self._service, BundleService({}))
        return Governance(bundle, self._live, callee, IntentTable(callee.intents.values()))


class Guard:
    """The gatekeeper of this service with its audit log."""

    def __init__(self, settings: Settings) -> None:
        self._service = settings.service
        live = live_policies(settings)
        self.governance = GovernanceSource(live, settings.service)
        self._gatekeeper = Gatekeeper(
            Place(f"{settings.app}.{settings.environment}", settings.service, settings.release),
            _verifier(settings),
            self.governance,
        )
        self._audit = _audit(settings)
        self.admit = self._gatekeeper.admit

    @property
    def health_path(self) -> str | None:
        """The path of the health check as the app file declares it."""
        return self.governance().callee.health

    def record(self, found: Admission | Refused, correlation_id: str) -> None:
        """Write the decision, if one was made, to the audit log."""
        if self._audit is None or found.decision is None or found.caller is None:
            return
        intent = found.intent if isinstance(found, Refused) else found.intent and found.intent.name
        entry = decision_entry(
            found.decision, found.caller, self._service, intent or "", correlation_id
        )
        try:
            self._audit.append(entry)
        except OSError as error:
            # The call was decided; a full disk must not turn into an outage, but must be seen.
            _log.error("the audit log cannot be written", error=str(error))

    def close(self) -> None:
        """Flush and close the audit log."""
        if self._audit is not None:
            self._audit.close()


def _verifier(settings: Settings) -> Verifier:
    assert settings.identity_dir is not None
    path = settings.identity_dir / "verifying.json"
    try:
        keys = VerifyingFile(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, "verifying", error) from error
    if keys.current().service != settings.service:
        raise InvalidConfiguration(
            f"the keys are for the service {keys.current().service!r}, this is "
            f"{settings.service!r}",
            where=str(path),
            remedy="let FAIRWAY_SERVICE and FAIRWAY_IDENTITY_DIR name the same service",
        )
    return Verifier(keys, ReplayCache(entries=settings.replay_entries))


def _audit(settings: Settings) -> AuditWriter | None:
    if settings.audit_dir is None:
        return None
    writer = f"{settings.service}.{settings.replica}"
    sample = AllowSample(settings.audit_allowed, settings.audit_allowed_rate)
    return AuditWriter(settings.audit_dir, writer, sample=sample)
