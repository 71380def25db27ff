"""What an environment on this machine has stored: policy sets, history, audit log, secrets.

`wiring.open_records` gives it while nothing runs; `LocalControlPlane` extends it with what a change
does to a running system. Guarantee: a policy set that the running system does not take is not left
active: the one before is, and the history shows both.
"""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import secrets
import time
from pathlib import Path

from fairway.control.audit_entries import audit_entry
from fairway.control.door import Write
from fairway.control.policy_questions import PolicyQuestions
from fairway.control.recorded import (
    Activation,
    Answer,
    AuditEntry,
    AuditQuery,
    ChainReport,
    PolicySetDiff,
    PolicySetDocument,
    PolicySetSummary,
    Question,
    ReleaseRecord,
    SecretStatus,
)
from fairway.errors import Conflict, FairwayError, InvalidAppFile, NotFound, Unavailable
from fairway.governance.audit import Query, SqlAnchors, anchor, search, verify
from fairway.governance.bundle import build_bundle
from fairway.governance.cedar_text import Source, combine
from fairway.governance.database import open_governance
from fairway.governance.decide import DecisionDesk
from fairway.governance.files import policies_text, read_policies
from fairway.governance.sets import NO_VERSION, PolicySet, PolicySets, Release
from fairway.governance.sql_store import SqlPolicyStore
from fairway.governance.validation import validate
from fairway.model.app import App
from fairway.model.names import did_you_mean
from fairway.targets.local.identity.signing import SigningKeys
from fairway.targets.local.layout import StateDir, private_dir
from fairway.targets.local.ledger import Ledger
from fairway.targets.local.processes import Processes
from fairway.targets.local.secret_files import Secret, SecretStore
from fairway.targets.signing import signing_callers, verifying_services
from fairway_runtime.policy.audit import AuditWriter, Entry, segments
from fairway_runtime.policy.bundle import PolicyBundle
from fairway_runtime.policy.engine import PolicyEngine

APP_FILE = "the app file"
"""The author of policy sets that come with the app: its folder, or derived from its calls."""
NOTIFY = "notify"
"""Who reads the secrets by which listeners are told."""
_SECRET_BYTES = 32


class LocalRecords(PolicyQuestions):
    """The records of one state folder. `app` is as its environment sees it. Close it when done."""

    def __init__(self, app: App, state: StateDir) -> None:
        self.app = app
        self.state = state
        private_dir(state.audit)
        self._database = open_governance(state.database)
        self._anchors = SqlAnchors(self._database)
        self._audit = AuditWriter(state.audit, "control")
        self._secrets = SecretStore(state.secret_store)
        self._sets = PolicySets(
            SqlPolicyStore(self._database),
            validate=lambda source: validate(self.app, [source]),
            clock=time.time,
            record=self._audit.append,
        )
        self._engine: PolicyEngine | None = None

    def close(self) -> None:
        """Give the files up."""
        self.anchor()
        self._audit.close()
        self._database.close()

    def anchor(self) -> None:
        """Remember where every audit chain ends, so that it cannot be cut unnoticed."""
        anchor(self.state.audit, self._anchors, time.time())

    def settle_policies(self) -> PolicyBundle:
        """Have a policy set active; the app's own becomes it when it is new or has changed.

        A set that someone activated by hand stays active until the app's own policies change.
        Raises InvalidAppFile with every problem of the policies.
        """
        text = self._own_policies()
        own = [each for each in self._sets.all() if each.by == APP_FILE]
        if not own or own[-1].text != text:
            made = self._sets.create(text, by=APP_FILE, expected=self._sets.latest())
            self._sets.adopt(made.version, by=APP_FILE, expected=self._sets.active())
        elif self._sets.active() == NO_VERSION:
            self._sets.adopt(own[-1].version, by=APP_FILE, expected=NO_VERSION)
        return self.bundle()

    def _own_policies(self) -> str:
        """The policies that come with the app, as they are stored; each file is checked first."""
        folder = read_policies(self.app, self.state.app_dir)
        if folder is not None:
            findings = validate(self.app, folder.policies)
            if findings.problems:
                raise InvalidAppFile(findings.problems)
        return combine([Source("policies.cedar", policies_text(self.app, folder))])

    def bundle(self) -> PolicyBundle:
        """The active policy set as services read it."""
        active = self._sets.read(self._sets.active())
        return build_bundle(self.app, self.state.environment, active.version, active.text)

    def engine(self) -> PolicyEngine:
        """The engine of the active policy set."""
        if self._engine is None or self._engine.policy_set != self._sets.active():
            self._engine = PolicyEngine.from_bundle(self.bundle())
        return self._engine

    async def decide(self, question: Question) -> Answer:
        """Ask the active policy set. Anything unknown is a denial, not an error."""
        desk = DecisionDesk(self.engine, self._audit.append)
        decision = desk.answer(
            {
                "principal": {"kind": question.kind, "name": question.name},
                "service": question.service,
                "intent": question.intent,
                "context": dict(question.context),
            }
        ).decision
        return Answer(
            decision.allowed,
            decision.reason,
            decision.policies,
            decision.policy_set,
            decision.decision_id,
        )

    async def policy_sets(self) -> tuple[PolicySetSummary, ...]:
        """All versions, the newest first."""
        return tuple(self._summary(each) for each in reversed(self._sets.all()))

    async def policy_set(self, version: int) -> PolicySetDocument:
        """One version with its text."""
        found = self._sets.read(version)
        return PolicySetDocument(self._summary(found), found.text)

    async def _declared(self) -> tuple[App, str]:
        return self.app, self.state.environment

    async def _deciding(self) -> tuple[int, str]:
        active = self._sets.read(self._sets.active())
        return active.version, active.text

    def _cases(self) -> tuple[Source, ...]:
        folder = read_policies(self.app, self.state.app_dir)
        return folder.tests if folder else ()

    async def create_policy_set(
        self, policies: str, *, author: str, description: str = "", expected: int | None = None
    ) -> PolicySetSummary:
        """Store a new version. `Conflict` if `expected` is given and is not the newest version."""
        latest = self._sets.latest() if expected is None else expected
        return self._summary(
            self._sets.create(policies, by=author, expected=latest, note=description)
        )

    async def update_policy_set(
        self,
        version: int,
        policies: str,
        *,
        author: str,
        description: str = "",
        expected: int | None = None,
    ) -> PolicySetSummary:
        """Store a new version made from `version`, which stays as it is; else like `create`."""
        latest = self._sets.latest() if expected is None else expected
        return self._summary(
            self._sets.update(version, policies, by=author, expected=latest, note=description)
        )

    async def delete_policy_set(self, version: int, *, author: str) -> None:
        """Forget a version; `Conflict` while it is active or a release names it."""
        self._sets.delete(version, by=author)

    async def diff_policy_sets(self, before: int, after: int) -> PolicySetDiff:
        """What would change."""
        found = self._sets.diff(before, after)
        old, new = (self._sets.read(each).text.splitlines(True) for each in (before, after))
        names = (f"policy set {before}", f"policy set {after}")
        return PolicySetDiff(
            before,
            after,
            tuple(found.added),
            tuple(found.removed),
            tuple(found.changed),
            "".join(difflib.unified_diff(old, new, *names)),
        )

    async def activate_policy_set(
        self, version: int, *, author: str, expected: int | None = None
    ) -> Activation:
        """Make a version decide, everywhere, without dropping a request; a release of its own."""
        self._require_reach()
        active = self._sets.active() if expected is None else expected
        began = time.monotonic()
        release = self._sets.activate(version, by=author, expected=active)
        return await self._took_effect(release, began)

    async def roll_back_policies(self, *, author: str, to: int | None = None) -> Activation:
        """Activate `to`, or the version that was active before the present one."""
        self._require_reach()
        began = time.monotonic()
        release = self._sets.roll_back(by=author, expected=self._sets.active(), to=to)
        return await self._took_effect(release, began)

    async def releases(self) -> tuple[ReleaseRecord, ...]:
        """The history, the newest first."""
        return tuple(self._release(each) for each in reversed(self._sets.releases()))

    async def audit(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        """Matching entries of all writers, the oldest first."""
        allowed = None if query.verdict is None else query.verdict == "allow"
        wanted = Query(query.service, query.intent, allowed, query.since, query.until)
        found = await asyncio.to_thread(lambda: list(search(self.state.audit, wanted)))
        return tuple(audit_entry(record) for record in found[-query.limit :])

    async def note(self, write: Write) -> None:
        """Keep what the API was asked to change, by whom and how it ended."""
        asked = f"{write.method} {write.path}"
        entry = Entry(
            "command", principal=write.actor, intent=asked, reason=f"answered {write.status}"
        )
        self._audit.append(entry)

    async def verify_audit(self) -> tuple[ChainReport, ...]:
        """Check every writer's chain against its anchored head."""
        return await asyncio.to_thread(self._verified)

    def _verified(self) -> tuple[ChainReport, ...]:
        damages = verify(self.state.audit, self._anchors)
        problems: dict[str, str] = {}
        for damage in damages:
            place = f"{damage.file}:{damage.line}" if damage.line else damage.file
            problems.setdefault(damage.writer, f"{place}: {damage.what}")
        writers = sorted({*_writers(self.state.audit), *self._anchors.writers()})
        return tuple(
            ChainReport(name, self._count(name), name not in problems, problems.get(name, ""))
            for name in writers
        )

    async def secrets(self) -> tuple[SecretStatus, ...]:
        """All declared secrets, by name."""
        stored = self._secrets.all()
        return tuple(self._status(name, stored.get(name)) for name in self._declared_secrets())

    async def set_secret(self, name: str, value: str) -> SecretStatus:
        """Store a value and hand it to the services that read it, without a restart."""
        self._known_secret(name)
        secret = self._secrets.set(name, value, now=time.time())
        await self._secrets_changed()
        return self._status(name, secret)

    async def rotate_secret(self, name: str) -> SecretStatus:
        """Like `set_secret` with 256 random bits, for secrets only this app's services know."""
        self._known_secret(name)
        if name not in self._secrets.all():
            raise Conflict(
                "nothing-to-rotate",
                f"the secret {name} has no stored value yet",
                remedy=f"set the first one: fairway secrets set {name}",
            )
        return await self.set_secret(name, secrets.token_urlsafe(_SECRET_BYTES))

    async def rotate_signing_keys(self, identity: str | None = None) -> tuple[str, ...]:
        """New signing keys for one identity or all, the old ones still valid; names the rotated."""
        callers = signing_callers(self.app)
        keys = SigningKeys(self.state, callers, verifying_services(self.app))
        names = tuple(sorted(callers)) if identity is None else (identity,)
        for name in names:
            await keys.rotate(name)
        return names

    def _require_reach(self) -> None:
        """Unavailable where something runs that would go on deciding by the policies before."""
        processes = Processes(Ledger(self.state.ledger), self.state.instance)
        if any(processes.is_alive(record) for record in processes.known()):
            raise Unavailable(
                "control-plane-dead",
                "services still run here, and no control plane that could tell them",
                where=str(self.state.home),
                remedy="`fairway up -d` adopts them; then try again",
            )

    async def _policies_changed(self) -> None:
        """Other policies are active: nothing runs here that would have to know."""

    async def _secrets_changed(self) -> None:
        """A secret has another value: nothing runs here that would have to know."""

    async def _took_effect(self, release: Release, began: float) -> Activation:
        try:
            await self._policies_changed()
        except FairwayError:
            self._sets.activate(
                release.previous, by=release.by, expected=release.policy_set,
                note=f"policy set {release.policy_set} did not take effect",
            )  # fmt: skip
            await self._policies_changed()
            raise
        self.anchor()
        return Activation(
            release.policy_set,
            release.previous or None,
            release_label(release.number),
            time.monotonic() - began,
        )

    def _summary(self, found: PolicySet) -> PolicySetSummary:
        return PolicySetSummary(
            version=found.version,
            digest=_digest(found.text),
            author=found.by,
            description=found.note,
            created_at=found.at,
            active=found.version == self._sets.active(),
        )

    def _release(self, release: Release) -> ReleaseRecord:
        return ReleaseRecord(
            number=release.number,
            kind=release.kind,
            digest=release.digest or _digest(self._sets.read(release.policy_set).text),
            policy_set=release.policy_set,
            author=release.by,
            created_at=release.at,
            description=release.note,
            previous=release.previous,
        )

    def _count(self, writer: str) -> int:
        paths = segments(self.state.audit, writer)
        return sum(path.read_bytes().count(b"\n") for path in paths)

    def _declared_secrets(self) -> dict[str, tuple[str, ...]]:
        readers: dict[str, tuple[str, ...]] = {}
        for service, declared in sorted(self.app.services.items()):
            for name in declared.secrets:
                readers[name] = (*readers.get(name, ()), service)
        for listener in self.app.environments[self.state.environment].notify:
            for secret in filter(None, (listener.secret, listener.slack)):
                readers[secret] = (*readers.get(secret, ()), NOTIFY)
        return dict(sorted(readers.items()))

    def _known_secret(self, name: str) -> None:
        declared = self._declared_secrets()
        if name not in declared:
            raise NotFound(
                "unknown-secret",
                f"no service declares the secret '{name}'",
                remedy=did_you_mean(name, declared, "add it under secrets: of a service"),
            )

    def _status(self, name: str, secret: Secret | None) -> SecretStatus:
        readers = self._declared_secrets()[name]
        version, changed_at = (secret.version, secret.changed_at) if secret else (0, None)
        return SecretStatus(name, readers, version, changed_at)


def release_label(number: int) -> str:
    """How people call a release: `r3`; empty before the first."""
    return f"r{number}" if number else ""


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _writers(folder: Path) -> set[str]:
    return {path.stem.partition("@")[0] for path in folder.glob("*.jsonl")}
