"""What the records of an environment hold: decisions, policy sets, releases, audit, secrets.

Answers of `Records` (`port.py`), frozen data of plain values. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Question:
    """May this principal (`Service`, `Client`, `Gateway`) ask this service for this intent?"""

    kind: str
    name: str
    service: str
    intent: str
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision, as the policy engine gave it."""

    allowed: bool
    reason: str
    policies: tuple[str, ...]
    policy_set: int
    decision_id: str


@dataclass(frozen=True, slots=True)
class PolicySetSummary:
    """A version of all policies of the environment. Immutable once it exists."""

    version: int
    digest: str
    author: str
    description: str
    created_at: float
    active: bool


@dataclass(frozen=True, slots=True)
class PolicySetDocument:
    """A policy set with its Cedar text."""

    summary: PolicySetSummary
    policies: str


@dataclass(frozen=True, slots=True)
class PolicySetDiff:
    """What changes from version `before` to `after`: policy ids, and a unified text diff."""

    before: int
    after: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Activation:
    """A policy set went live: which, instead of which, as which release, and how fast."""

    version: int
    previous: int | None
    release: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One entry of the environment's only history; `kind` says what changed.

    `previous` is the policy set that decided before it, 0 if there was none or it is not known.
    """

    number: int
    kind: Literal["app", "policies"]
    digest: str
    policy_set: int
    author: str
    created_at: float
    description: str = ""
    previous: int = 0


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Filters of the audit log; None matches everything. The newest `limit` entries count."""

    service: str | None = None
    intent: str | None = None
    verdict: Literal["allow", "deny"] | None = None
    since: float | None = None
    until: float | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One decision (or, with `kind` = `policy`, one change of policies) as it was logged."""

    writer: str
    sequence: int
    at: float
    kind: str
    caller: str = ""
    service: str = ""
    intent: str = ""
    verdict: str = ""
    reason: str = ""
    policies: tuple[str, ...] = ()
    policy_set: int | None = None
    decision_id: str = ""
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """The verdict on one writer's hash chain; `problem` is empty when it is whole."""

    writer: str
    entries: int
    whole: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """A declared secret, without its value. `version` is 0 while it has none."""

    name: str
    services: tuple[str, ...]
    version: int
    changed_at: float | None = None
