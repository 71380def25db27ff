"""Deployments and releases as rows of lists, and plans as changes that people read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from fairway.console.views.course import Mark, marks
from fairway.delivery.deployment import Deployment
from fairway.delivery.events import TYPES
from fairway.delivery.port import DeliveryEvent
from fairway.delivery.words import (
    changed_words,
    outcome,
    outcomes,
    plural,
    status_words,
    waits_for,
)
from fairway.plan.describe import strategy_words
from fairway.plan.describe_preview import SIGNS
from fairway.plan.plan import Change, Plan
from fairway.plan.preview import ResourceChange
from fairway.plan.release import Release

_SIGNS = {
    "start": ("+", "starts"), "stop": ("-", "stops"), "replace": ("~", "is replaced"),
    "scale": ("*", "is scaled"), "routes": (">", "routes change"),
    "policies": ("#", "policies change"), "configuration": ("=", "configuration changes"),
}  # fmt: skip

_RESOURCES = {"update": "changes", "replace": "is replaced", "delete": "is removed"}
_SAYS = {kind.name: kind.says.rstrip(".") for kind in TYPES}


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """One deployment in a list."""

    id: str
    release: str
    base: str
    state: str
    words: str
    at: float
    took: float
    by: str
    note: str
    reason: str
    waits: str
    over: bool
    serving: int
    marks: tuple[Mark, ...]
    strategy: str
    outcome: str


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One kept release. `outcome` is how its last deployment stands or ended, `before` the number
    of the release before it (0: not known): activations of policies take numbers too.

    `offers` is how one says that it is brought into force: back to an earlier one, on to a later.
    """

    number: int
    at: float
    by: str
    note: str
    changed: str
    policy_set: int
    outcome: str
    in_force: bool
    before: int = 0
    offers: str = ""


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that happened."""

    id: int
    at: float
    words: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change of a plan or between two releases."""

    sign: str
    subject: str
    words: str
    sides: str
    reasons: tuple[str, ...]
    destructive: bool


def deployment_row(deployment: Deployment, now: float) -> DeploymentRow:
    """A deployment as a row."""
    return DeploymentRow(
        deployment.id,
        deployment.cohort,
        f"r{deployment.base}" if deployment.base else "",
        "paused" if deployment.paused else deployment.status,
        status_words(deployment),
        deployment.at,
        max(0.0, (deployment.ended_at or now) - deployment.at),
        deployment.by,
        deployment.note,
        deployment.reason,
        waits_for(deployment),
        deployment.over,
        deployment.serving,
        marks(deployment),
        strategy_words(deployment.plan),
        outcome(deployment),
    )


def event_rows(events: Sequence[DeliveryEvent]) -> tuple[EventRow, ...]:
    """What happened, the newest first; a reason that several events give is told once.

    An event that would only repeat the row before it is left out.
    """
    rows: list[EventRow] = []
    told: set[str] = set()
    for event in events:
        words = _fresh(event, told)
        told.add(event.words)
        if not rows or rows[-1].words != words:
            rows.append(EventRow(event.id, event.at, words))
    return tuple(reversed(rows))


def _fresh(event: DeliveryEvent, told: Set[str]) -> str:
    """Its words without what was told; what its type means in general where nothing is left."""
    says = _SAYS.get(event.type, event.type)
    if not event.words or event.words in told:
        return says
    lead, _, reason = event.words.partition(": ")
    return lead if reason in told else event.words


def release_rows(
    releases: Sequence[Release], deployments: Sequence[Deployment], in_force: int
) -> tuple[ReleaseRow, ...]:
    """Releases, the newest first; the last of `releases` only tells what the one after it changed.

    `deployments` are the newest first.
    """
    ended = outcomes(deployments)
    under_way = {each.release for each in deployments if not each.over}
    before: Mapping[int, Release] = {new.number: old for new, old in pairwise(releases)}
    return tuple(
        ReleaseRow(
            each.number, each.at, each.by, each.note, changed_words(before.get(each.number), each),
            each.content.policy_set, ended.get(each.number, ""), each.number == in_force,
            before[each.number].number if each.number in before else 0,
            _offer(each.number, in_force, under_way),
        )
        for each in releases
    )  # fmt: skip


def _offer(number: int, in_force: int, under_way: Set[int]) -> str:
    if not in_force or number == in_force or number in under_way:
        return ""
    return "Roll back" if number < in_force else "Deploy again"


def change_rows(plan: Plan) -> tuple[ChangeRow, ...]:
    """What a plan changes: services, then resources; those that are created are only counted."""
    resources = plan.preview.resources
    created = sum(each.action == "create" for each in resources)
    counted = (ChangeRow("+", plural(created, "resource"), "created", "", (), False),)
    return (
        *map(_change, plan.changes),
        *(counted if created else ()),
        *(_resource(each) for each in resources if each.action != "create"),
    )


def difference_rows(changes: Sequence[Mapping[str, object]]) -> tuple[ChangeRow, ...]:
    """What differs between two releases, from the JSON of its changes."""
    return tuple(_difference(dict(each)) for each in changes)


def _change(change: Change) -> ChangeRow:
    sign, words = _SIGNS[change.kind]
    return ChangeRow(
        sign, change.subject, words, " → ".join(_sides(change.before, change.after)),
        change.reasons, change.destructive,
    )  # fmt: skip


def _resource(change: ResourceChange) -> ChangeRow:
    return ChangeRow(
        SIGNS[change.action], change.address, _RESOURCES[change.action], "", change.reasons,
        change.destructive,
    )  # fmt: skip


def _difference(change: dict[str, object]) -> ChangeRow:
    sign, words = _SIGNS.get(str(change.get("kind")), ("~", "differs"))
    reasons = change.get("reasons")
    return ChangeRow(
        sign,
        str(change.get("subject", "")),
        words,
        " → ".join(_sides(str(change.get("before", "")), str(change.get("after", "")))),
        tuple(map(str, reasons)) if isinstance(reasons, list | tuple) else (),
        bool(change.get("destructive")),
    )


def _sides(before: str, after: str) -> Iterator[str]:
    if before:
        yield before
    yield after or "none"
