"""The policies and the audit log of a shared environment, in its own database.

Policy sets are kept and compared here; which of them decides changes only by a deployment, with its
plan, its gates and its history. Values of secrets are kept by the target, where its services read
any; they are never in the database.
"""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import secrets
from collections.abc import Callable, Collection, Sequence

from fairway.control.audit_entries import audit_entry
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
from fairway.control.shared.premises import KeptSecret, Premises, SecretKeeping
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.errors import Conflict, NotFound, Refused
from fairway.governance.audit import Query
from fairway.governance.audit_log import SqlAuditLog
from fairway.governance.bundle import build_bundle
from fairway.governance.cedar_text import Source
from fairway.governance.decide import DecisionDesk
from fairway.governance.sets import PolicySet, PolicySets
from fairway.governance.sql_store import SqlPolicyStore
from fairway.governance.validation import validate
from fairway.model.app import App
from fairway.model.names import did_you_mean
from fairway.targets.signing import KNOWN_AFTER
from fairway_runtime.policy.engine import PolicyEngine

_SECRET_BYTES = 32


class SharedRecords(PolicyQuestions):
    """The `Records` of one shared environment."""

    def __init__(
        self,
        environment: str,
        store: DeliveryStore,
        premises: Premises,
        log: SqlAuditLog,
        clock: Callable[[], float],
    ) -> None:
        self._environment = environment
        self._store = store
        self._target = premises.target
        self._keeping = premises.secrets
        self._rotate = premises.rotate
        self._clock = clock
        self.renew_at: float | None = None
        """When the environment is to be renewed, for a rotation to take effect; None: as usual."""
        self.log = log
        self._sets = PolicySets(
            SqlPolicyStore(store.database),
            validate=lambda source: validate(self.app(), [source]),
            clock=clock,
            record=log.append,
        )

    def app(self) -> App:
        """The app of the newest release; NotFound before the first."""
        newest = self._store.releases.list(before=None, limit=1)
        if not newest:
            raise NotFound(
                "nothing-deployed",
                f"nothing was deployed to '{self._environment}' yet",
                remedy="deploy the app first",
            )
        return App.model_validate(newest[0].content.app)

    async def decide(self, question: Question) -> Answer:
        """Ask the policy set that decides at the target."""
        deciding = await self._deciding()
        return await asyncio.to_thread(self._decide, question, *deciding)

    def _decide(self, question: Question, active: int, text: str) -> Answer:
        engine = PolicyEngine.from_bundle(build_bundle(self.app(), self._environment, active, text))
        decision = (
            DecisionDesk(lambda: engine, self.log.append)
            .answer(
                {
                    "principal": {"kind": question.kind, "name": question.name},
                    "service": question.service,
                    "intent": question.intent,
                    "context": dict(question.context),
                }
            )
            .decision
        )
        return Answer(
            decision.allowed,
            decision.reason,
            decision.policies,
            decision.policy_set,
            decision.decision_id,
        )

    async def policy_sets(self) -> tuple[PolicySetSummary, ...]:
        """All versions, the newest first."""
        active = (await self._target.observe()).policy_set
        found = await asyncio.to_thread(self._sets.all)
        return tuple(_summary(each, active) for each in reversed(found))

    async def policy_set(self, version: int) -> PolicySetDocument:
        """One version with its text."""
        active = (await self._target.observe()).policy_set
        found = await asyncio.to_thread(self._sets.read, version)
        return PolicySetDocument(_summary(found, active), found.text)

    async def _declared(self) -> tuple[App, str]:
        return await asyncio.to_thread(self.app), self._environment

    async def _deciding(self) -> tuple[int, str]:
        active = (await self._target.observe()).policy_set
        if not active:
            raise self._nothing_decides()
        return active, (await asyncio.to_thread(self._sets.read, active)).text

    def _cases(self) -> tuple[Source, ...]:
        raise _no_cases()

    def _nothing_decides(self) -> Conflict:
        return Conflict(
            "no-policies",
            f"no policy set decides in '{self._environment}' yet",
            remedy="deploy an app with policies first",
        )

    async def create_policy_set(
        self, policies: str, *, author: str, description: str = "", expected: int | None = None
    ) -> PolicySetSummary:
        """Store a new version."""

        def create() -> PolicySet:
            latest = self._sets.latest() if expected is None else expected
            return self._sets.create(policies, by=author, expected=latest, note=description)

        return _summary(await asyncio.to_thread(create), 0)

    async def update_policy_set(
        self,
        version: int,
        policies: str,
        *,
        author: str,
        description: str = "",
        expected: int | None = None,
    ) -> PolicySetSummary:
        """Store a new version made from `version`."""

        def update() -> PolicySet:
            latest = self._sets.latest() if expected is None else expected
            return self._sets.update(
                version, policies, by=author, expected=latest, note=description
            )

        return _summary(await asyncio.to_thread(update), 0)

    async def delete_policy_set(self, version: int, *, author: str) -> None:
        """Forget a version that nothing names."""
        if version == (await self._target.observe()).policy_set:
            raise Conflict("policy-set-active", f"policy set {version} decides", remedy="keep it")
        await asyncio.to_thread(lambda: self._sets.delete(version, by=author))

    async def diff_policy_sets(self, before: int, after: int) -> PolicySetDiff:
        """What would change."""
        return await asyncio.to_thread(self._diff, before, after)

    def _diff(self, before: int, after: int) -> PolicySetDiff:
        found = self._sets.diff(before, after)
        old, new = (self._sets.read(each).text.splitlines(True) for each in (before, after))
        text = difflib.unified_diff(old, new, f"policy set {before}", f"policy set {after}")
        return PolicySetDiff(
            before,
            after,
            tuple(found.added),
            tuple(found.removed),
            tuple(found.changed),
            "".join(text),
        )

    async def activate_policy_set(
        self, version: int, *, author: str, expected: int | None = None
    ) -> Activation:
        """Refused: here policies change by deployments."""
        del version, author, expected
        raise _by_deployment()

    async def roll_back_policies(self, *, author: str, to: int | None = None) -> Activation:
        """Refused: here policies change by deployments."""
        del author, to
        raise _by_deployment()

    async def releases(self) -> tuple[ReleaseRecord, ...]:
        """Not offered here: the environment has its releases."""
        return ()

    async def audit(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        """Matching entries of all writers, the oldest first."""
        allowed = None if query.verdict is None else query.verdict == "allow"
        wanted = Query(query.service, query.intent, allowed, query.since, query.until)
        found = await asyncio.to_thread(lambda: list(self.log.search(wanted)))
        return tuple(audit_entry(record) for record in found[-query.limit :])

    async def verify_audit(self) -> tuple[ChainReport, ...]:
        """Check every writer's chain against its anchored head."""
        return await asyncio.to_thread(self._verified)

    def _verified(self) -> tuple[ChainReport, ...]:
        problems: dict[str, str] = {}
        for damage in self.log.verify():
            problems.setdefault(damage.writer, f"{damage.file}:{damage.line}: {damage.what}")
        heads = self.log.heads()
        return tuple(
            ChainReport(
                name, heads[name].seq if name in heads else 0, name not in problems,
                problems.get(name, ""),
            )
            for name in sorted({*heads, *problems})
        )  # fmt: skip

    async def secrets(self) -> tuple[SecretStatus, ...]:
        """All declared secrets, by name; none has a value where the target keeps none."""
        return await asyncio.to_thread(self._secrets)

    def _secrets(self) -> tuple[SecretStatus, ...]:
        readers = self._readers(self.app())
        kept = {} if self._keeping is None else self._keeping.all(tuple(readers))
        return tuple(_status(name, found, kept.get(name)) for name, found in readers.items())

    async def set_secret(self, name: str, value: str) -> SecretStatus:
        """Keep a value where the target keeps it; Refused where nothing reads one.

        Before the first deployment it is not known yet who will read it.
        """
        return await asyncio.to_thread(self._set_secret, self._keeper(), name, value)

    def _set_secret(self, keeper: SecretKeeping, name: str, value: str) -> SecretStatus:
        app = self._known_app()
        readers = self._readers(app) if app is not None else {}
        if app is not None and name not in readers:
            raise _unknown_secret(name, readers)
        kept = keeper.set(app, name, value)
        return _status(name, readers.get(name, []), kept)

    async def rotate_secret(self, name: str) -> SecretStatus:
        """Like `set_secret` with 256 random bits; Conflict while it has no value."""
        keeper = self._keeper()
        if name not in await asyncio.to_thread(keeper.all, (name,)):
            raise _nothing_to_rotate(name)
        return await self.set_secret(name, secrets.token_urlsafe(_SECRET_BYTES))

    async def rotate_signing_keys(self, identity: str | None = None) -> tuple[str, ...]:
        """Other signing keys for one identity or all services; names them.

        Callees hear of them first: see `renew_at`.
        """
        rotate = self._rotate
        if rotate is None:
            raise _no_signing_keys()
        names = await asyncio.to_thread(lambda: rotate(self._app_in_force(), identity))
        self.renew_at = self._clock() + KNOWN_AFTER
        return names

    def _keeper(self) -> SecretKeeping:
        if self._keeping is None:
            raise _no_secrets()
        return self._keeping

    def _app_in_force(self) -> App:
        number = self._store.releases.in_force()
        if not number:
            return self.app()
        return App.model_validate(self._store.releases.get(number).content.app)

    def _known_app(self) -> App | None:
        newest = self._store.releases.list(before=None, limit=1)
        return App.model_validate(newest[0].content.app) if newest else None

    @staticmethod
    def _readers(app: App) -> dict[str, list[str]]:
        """The services that read each secret, by its name."""
        readers: dict[str, list[str]] = {}
        for service, declared in sorted(app.services.items()):
            for name in declared.secrets:
                readers.setdefault(name, []).append(service)
        return dict(sorted(readers.items()))


def _status(name: str, readers: Sequence[str], kept: KeptSecret | None) -> SecretStatus:
    if kept is None:
        return SecretStatus(name, tuple(readers), 0)
    return SecretStatus(name, tuple(readers), kept.version, kept.changed_at)


def _summary(found: PolicySet, active: int) -> PolicySetSummary:
    digest = "sha256:" + hashlib.sha256(found.text.encode()).hexdigest()
    return PolicySetSummary(
        found.version, digest, found.by, found.note, found.at, found.version == active
    )


def _no_cases() -> NotFound:
    return NotFound(
        "no-policy-tests",
        "the test cases of policies are not part of a release: there are none here",
        remedy="run them beside the app file: fairway policy test",
    )


def _by_deployment() -> Refused:
    return Refused(
        "policies-by-deployment",
        "the policies of a shared environment change by deployments only",
        remedy="deploy the app with the new policies, or roll back to a release with the old ones",
    )


def _unknown_secret(name: str, known: Collection[str]) -> NotFound:
    return NotFound(
        "unknown-secret",
        f"no service reads a secret {name}",
        where=name,
        remedy=did_you_mean(name, known, "declare it with the service that reads it, and deploy"),
    )


def _nothing_to_rotate(name: str) -> Conflict:
    return Conflict(
        "nothing-to-rotate",
        f"the secret {name} has no stored value yet",
        where=name,
        remedy=f"set the first one: fairway secrets set {name}",
    )


def _no_secrets() -> Refused:
    return Refused(
        "secrets-not-here",
        "simulated services read no secrets, so none are kept here",
        remedy="use an environment with target: local or target: aws-ecs",
    )


def _no_signing_keys() -> Refused:
    return Refused(
        "signing-keys-not-here",
        "simulated services sign no calls, so there are no keys to rotate",
        remedy="use an environment with target: local or target: aws-ecs",
    )
