"""The routes of what is stored: policy sets, the audit log, secrets, decisions.

`app` adds them once for the one environment of a local control plane and once below the path of an
environment; `records_of` finds whose they are. Writes take part in optimistic
concurrency by `expected`: the version that the caller believes to be the newest (create) or the
active one (activate); a stale one is a 409.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from fairway.api.asked import (
    LARGEST_NUMBER,
    ActivationRequest,
    DecideRequest,
    NewPolicySet,
    PolicyChoice,
    PolicyText,
    PolicyTrial,
    RollbackRequest,
    SecretValue,
)
from fairway.api.offer import control_of, directory_of
from fairway.api.problems import fails
from fairway.api.roles import Admin, Approver, Deployer, Viewer
from fairway.api.writes import QUERY
from fairway.control.door import may
from fairway.control.policy_findings import (
    ChangedDecision,
    PolicyNames,
    PolicyProblem,
    PolicyTestReport,
    Simulation,
)
from fairway.control.port import Records
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
from fairway.delivery.port import Actor

Version = Annotated[int, Path(ge=1, le=LARGEST_NUMBER)]
SecretName = Annotated[str, Path(alias="name", max_length=200)]


class AuditFilters(BaseModel):
    """Which entries are asked for, and whether the chains are to be checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    service: str | None = None
    intent: str | None = None
    verdict: Literal["allow", "deny"] | None = None
    since: float | None = None
    until: float | None = None
    limit: int = Field(100, ge=1, le=10_000)
    verify: bool = False

    def query(self) -> AuditQuery:
        """What the audit log is asked."""
        return AuditQuery(
            self.service, self.intent, self.verdict, self.since, self.until, self.limit
        )


class AuditAnswer(BaseModel):
    """Matching entries, and with `verify` the verdict on every chain."""

    entries: tuple[AuditEntry, ...]
    chains: tuple[ChainReport, ...] | None = None


async def records_of(request: Request) -> Records:
    """The records of the environment in the path, else of the running system."""
    here = request.path_params
    if "environment" in here:
        return await directory_of(request).records(here["app"], here["environment"])
    return control_of(request)


Here = Annotated[Records, Depends(records_of)]
router = APIRouter(responses=fails(503))
history = APIRouter(tags=["history"], responses=fails(503))
"""Only for the one environment of a local control plane: others have their releases."""


@router.post("/decide", tags=["governance"], openapi_extra=QUERY)
async def decide(asked: DecideRequest, records: Here, by: Viewer) -> Answer:
    """Ask the active policy set. Anything unknown is a denial, not an error."""
    caller = asked.principal
    question = Question(caller.kind, caller.name, asked.service, asked.intent, asked.context)
    return await records.decide(question)


@router.get("/policy-sets", tags=["policies"])
async def policy_sets(records: Here, by: Viewer) -> tuple[PolicySetSummary, ...]:
    """All versions, the newest first."""
    return await records.policy_sets()


@router.post("/policy-sets", status_code=201, tags=["policies"], responses=fails(409))
async def create_policy_set(new: NewPolicySet, records: Here, by: Deployer) -> PolicySetSummary:
    """Store a new version; it decides nothing before it is activated."""
    return await records.create_policy_set(
        new.policies,
        author=written_by(by, new.author),
        description=new.description,
        expected=new.expected,
    )


@router.post("/policies/check", tags=["policies"], openapi_extra=QUERY)
async def check_policies(
    asked: PolicyText,
    records: Here,
    by: Viewer,
) -> tuple[PolicyProblem, ...]:
    """Everything wrong with a text, by place, and what is probably not meant. Stores nothing."""
    return await records.check_policies(asked.policies)


@router.post("/policies/test", tags=["policies"], openapi_extra=QUERY, responses=fails(404))
async def test_policies(
    records: Here,
    by: Viewer,
    asked: PolicyChoice | None = None,
) -> PolicyTestReport:
    """How the app's test cases go by a text, or by the policies that decide now."""
    return await records.test_policies((asked or PolicyChoice()).policies)


@router.get("/policies/names", tags=["policies"], responses=fails(404))
async def policy_names(records: Here, by: Viewer) -> PolicyNames:
    """What policies can be about: services with their intents, clients, the context."""
    return await records.policy_names()


@router.post(
    "/policies/simulate", tags=["policies"], openapi_extra=QUERY, responses=fails(404, 409)
)
async def simulate(asked: PolicyTrial, records: Here, by: Viewer) -> Simulation:
    """Who may ask a service for an intent, and why; not in the audit log."""
    return await records.simulate(asked.service, asked.intent, asked.context, asked.policies)


@router.post("/policies/effect", tags=["policies"], openapi_extra=QUERY, responses=fails(409))
async def policy_effect(
    asked: PolicyText,
    records: Here,
    by: Viewer,
) -> tuple[ChangedDecision, ...]:
    """The declared calls that a text decides otherwise than the policies that decide now."""
    return await records.policy_effect(asked.policies)


@router.get("/policy-sets/{version:int}", tags=["policies"], responses=fails(404))
async def policy_set(version: Version, records: Here, by: Viewer) -> PolicySetDocument:
    """One version with its text."""
    return await records.policy_set(version)


@router.put(
    "/policy-sets/{version:int}", status_code=201, tags=["policies"], responses=fails(404, 409)
)
async def update_policy_set(
    version: Version, new: NewPolicySet, records: Here, by: Deployer
) -> PolicySetSummary:
    """Store a new version made from this one, which stays as it is."""
    return await records.update_policy_set(
        version,
        new.policies,
        author=written_by(by, new.author),
        description=new.description,
        expected=new.expected,
    )


@router.delete(
    "/policy-sets/{version:int}", status_code=204, tags=["policies"], responses=fails(404, 409)
)
async def delete_policy_set(
    version: Version,
    records: Here,
    by: Approver,
    author: Annotated[str, Query(max_length=200)] = "",
) -> None:
    """Forget a version; 409 while it is active or a release names it."""
    await records.delete_policy_set(version, author=written_by(by, author))


@router.get("/policy-sets/{before}/diff/{after}", tags=["policies"], responses=fails(404))
async def diff_policy_sets(
    before: Version,
    after: Version,
    records: Here,
    by: Viewer,
) -> PolicySetDiff:
    """What would change."""
    return await records.diff_policy_sets(before, after)


@router.post("/policy-sets/{version}/activate", tags=["policies"], responses=fails(404, 409))
async def activate_policy_set(
    version: Version, records: Here, by: Approver, asked: ActivationRequest | None = None
) -> Activation:
    """Make a version decide, everywhere, without dropping a request."""
    asked = asked or ActivationRequest()
    return await records.activate_policy_set(
        version, author=written_by(by, asked.author), expected=asked.expected
    )


@router.post("/policy-sets/rollback", tags=["policies"], responses=fails(404, 409))
async def roll_back_policies(
    records: Here, by: Approver, asked: RollbackRequest | None = None
) -> Activation:
    """Activate a version, or the one that was active before the present one."""
    asked = asked or RollbackRequest()
    return await records.roll_back_policies(author=written_by(by, asked.author), to=asked.to)


@history.get("/releases")
async def history_of_policies(records: Here, by: Viewer) -> tuple[ReleaseRecord, ...]:
    """The history of apps and policy sets on this machine, the newest first."""
    return await records.releases()


@router.get("/audit", tags=["governance"])
async def audit(asked: Annotated[AuditFilters, Query()], records: Here, by: Viewer) -> AuditAnswer:
    """Matching entries of all writers, the oldest first."""
    chains = await records.verify_audit() if asked.verify else None
    return AuditAnswer(entries=await records.audit(asked.query()), chains=chains)


@router.get("/secrets", tags=["secrets"])
async def secrets(records: Here, by: Viewer) -> tuple[SecretStatus, ...]:
    """All declared secrets, without their values."""
    return await records.secrets()


@router.put("/secrets/{name}", tags=["secrets"], responses=fails(404))
async def set_secret(
    name: SecretName,
    new: SecretValue,
    records: Here,
    by: Admin,
) -> SecretStatus:
    """Store a value and hand it to the services that read it."""
    return await records.set_secret(name, new.value)


@router.post("/secrets/{name}/rotate", tags=["secrets"], responses=fails(404, 409))
async def rotate_secret(name: SecretName, records: Here, by: Admin) -> SecretStatus:
    """A random value, for secrets that only this app's services know."""
    return await records.rotate_secret(name)


@router.post("/signing-keys/rotate", tags=["secrets"], responses=fails(404, 409))
async def rotate_signing_keys(
    records: Here,
    by: Admin,
    identity: Annotated[str | None, Query(max_length=200)] = None,
) -> tuple[str, ...]:
    """New signing keys for one identity or all, the old ones still valid."""
    return await records.rotate_signing_keys(identity)


def written_by(actor: Actor, author: str) -> str:
    """Whose name the history gets: an admin may speak for someone else, nobody else may."""
    return author if author and may(actor, "admin") else actor.name
