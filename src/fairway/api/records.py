"""The routes of what is stored: policy sets, releases, the audit log, secrets.

`app` adds them. Writes take part in optimistic concurrency by `expected`: the version that the
caller believes to be the newest (create) or the active one (activate); a stale one is a 409.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field

from fairway.control.port import (
    Activation,
    AuditEntry,
    AuditQuery,
    ChainReport,
    PolicySetDiff,
    PolicySetDocument,
    PolicySetSummary,
    Records,
    ReleaseRecord,
    SecretStatus,
)


class Written(BaseModel):
    """Base of what is written: who writes it is always said."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    author: str = Field("api", min_length=1, max_length=200)


class NewPolicySet(Written):
    """All policies of a new version, as Cedar text."""

    policies: str
    description: str = ""
    expected: int | None = None


class ActivationRequest(Written):
    """Activate; refused when `expected` is given and is not what is active now."""

    expected: int | None = None


class RollbackRequest(Written):
    """Roll back to a version, or to the one that was active before."""

    to: int | None = None


class SecretValue(BaseModel):
    """A new value; never echoed, never logged."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    value: str = Field(min_length=1, repr=False)


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


def add_record_routes(app: FastAPI, records: Records) -> None:
    """Add every route of this module."""
    _add_policy_set_routes(app, records)
    _add_activation_routes(app, records)
    _add_history_routes(app, records)
    _add_secret_routes(app, records)


def _add_policy_set_routes(app: FastAPI, records: Records) -> None:
    tags: list[str | Enum] = ["policies"]

    @app.get("/v1/policy-sets", tags=tags)
    async def policy_sets() -> tuple[PolicySetSummary, ...]:
        return await records.policy_sets()

    @app.post("/v1/policy-sets", status_code=201, tags=tags)
    async def create(new: NewPolicySet) -> PolicySetSummary:
        return await records.create_policy_set(
            new.policies, author=new.author, description=new.description, expected=new.expected
        )

    @app.get("/v1/policy-sets/{version}", tags=tags)
    async def show(version: int) -> PolicySetDocument:
        return await records.policy_set(version)

    @app.put("/v1/policy-sets/{version}", status_code=201, tags=tags)
    async def update(version: int, new: NewPolicySet) -> PolicySetSummary:
        return await records.update_policy_set(
            version,
            new.policies,
            author=new.author,
            description=new.description,
            expected=new.expected,
        )

    @app.delete("/v1/policy-sets/{version}", status_code=204, tags=tags)
    async def delete(version: int, author: str = "api") -> None:
        await records.delete_policy_set(version, author=author)

    @app.get("/v1/policy-sets/{before}/diff/{after}", tags=tags)
    async def diff(before: int, after: int) -> PolicySetDiff:
        return await records.diff_policy_sets(before, after)


def _add_activation_routes(app: FastAPI, records: Records) -> None:
    @app.post("/v1/policy-sets/{version}/activate", tags=["policies"])
    async def activate(version: int, asked: ActivationRequest | None = None) -> Activation:
        asked = asked or ActivationRequest()
        return await records.activate_policy_set(
            version, author=asked.author, expected=asked.expected
        )

    @app.post("/v1/policy-sets/rollback", tags=["policies"])
    async def roll_back(asked: RollbackRequest | None = None) -> Activation:
        asked = asked or RollbackRequest()
        return await records.roll_back_policies(author=asked.author, to=asked.to)


def _add_history_routes(app: FastAPI, records: Records) -> None:
    @app.get("/v1/releases", tags=["history"])
    async def releases() -> tuple[ReleaseRecord, ...]:
        return await records.releases()

    @app.get("/v1/audit", tags=["history"])
    async def audit(asked: Annotated[AuditFilters, Query()]) -> AuditAnswer:
        chains = await records.verify_audit() if asked.verify else None
        return AuditAnswer(entries=await records.audit(asked.query()), chains=chains)


def _add_secret_routes(app: FastAPI, records: Records) -> None:
    @app.get("/v1/secrets", tags=["secrets"])
    async def secrets() -> tuple[SecretStatus, ...]:
        return await records.secrets()

    @app.put("/v1/secrets/{name}", tags=["secrets"])
    async def set_secret(name: str, new: SecretValue) -> SecretStatus:
        return await records.set_secret(name, new.value)

    @app.post("/v1/secrets/{name}/rotate", tags=["secrets"])
    async def rotate_secret(name: str) -> SecretStatus:
        return await records.rotate_secret(name)

    @app.post("/v1/signing-keys/rotate", tags=["secrets"])
    async def rotate_signing_keys(identity: str | None = None) -> tuple[str, ...]:
        return await records.rotate_signing_keys(identity)
