"""The plan: what a deployment will do and why, as data that can be printed, kept and checked.

`planner.py` makes it, `fairway plan` shows it, the engine runs it. It carries the fingerprint of
what was observed, and is refused when that has moved. A dry run is this and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fairway.plan.observed import WORKING_TREE
from fairway.plan.preview import NOTHING, Preview

ChangeKind = Literal["start", "stop", "replace", "scale", "routes", "policies", "configuration"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changes, with every reason for it in words.

    `destructive` marks what cannot be taken back by a rollback alone, or takes something away from
    someone who may be using it.
    """

    kind: ChangeKind
    subject: str
    before: str = ""
    after: str = ""
    reasons: tuple[str, ...] = ()
    destructive: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One service goes from one version to another, `replicas` of them.

    `before` is None for a new service, `after` is None for one that goes away. One that does not
    serve (a worker, a job) has no requests to be divided or judged by.
    """

    service: str
    before: str | None
    after: str | None
    replicas: int
    before_replicas: int = 0
    serves: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """From what was observed to a release.

    `moves` are in dependency order: callees before their callers. `facts` are those of `Observed`,
    so that a stale plan can say what moved. `strategy` is the `Strategy` as JSON, settled: exactly
    one of its three keys. `leftovers` are (service, version) pairs that an interrupted deployment
    left beside what serves: the first shift takes their requests, and they are retired in the end.
    `preview` is what happens below the services, where a target provisions something.
    """

    app: str
    environment: str
    base: int
    release_digest: str
    strategy: Mapping[str, object]
    changes: tuple[Change, ...]
    moves: tuple[Move, ...]
    policy_set: int
    base_policy_set: int
    fingerprint: str
    facts: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    leftovers: tuple[tuple[str, str], ...] = ()
    preview: Preview = NOTHING

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not self.changes

    @property
    def replaces(self) -> tuple[Move, ...]:
        """The moves from one version to another."""
        return tuple(m for m in self.moves if m.before and m.after and m.before != m.after)

    @property
    def compares(self) -> bool:
        """Whether a release takes the place of one; what the working tree runs is none."""
        return any(move.before != WORKING_TREE for move in self.replaces)
