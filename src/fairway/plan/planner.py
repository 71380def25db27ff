"""What a deployment would do, and why: from what is there to what a release declares. Pure.

Called by the delivery for `fairway plan` and before every deployment, and by nobody who acts. It
guarantees: equal inputs give an equal plan; an environment that is as the release declares gives an
empty one; what does not change keeps its version; every change has its reasons in words; callees
move before their callers. It takes time and memory in proportion to the services and their calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from fairway.model.environments import Environment
from fairway.model.services import SERVING_KINDS
from fairway.plan.observed import WORKING_TREE, Observed, ObservedVersion
from fairway.plan.order import callees_first
from fairway.plan.plan import Change, Move, Plan
from fairway.plan.reasons import replicas_of, replicas_text, why_replaced
from fairway.plan.release import Release, ReleaseContent, ServiceRelease
from fairway.plan.releases import content_digest
from fairway.plan.surroundings import changes_around, policy_change
from fairway.plan.warnings import warnings


def plan(
    content: ReleaseContent,
    observed: Observed,
    *,
    base: Release | None,
    environment: str,
    next_number: int,
) -> Plan:
    """The plan that brings `content` into `environment` as release `next_number`.

    `base` is the release that was settled last, None before the first; it explains what runs.
    """
    services = [
        _planned(_case(name, content, observed, base, next_number))
        for name in _in_order(content, observed, base)
    ]
    moves = tuple(service.move for service in services if service.move is not None)
    declared = Environment.model_validate(content.app["environments"][environment])
    return Plan(
        app=content.app["app"],
        environment=environment,
        base=base.number if base else 0,
        release_digest=content_digest(content),
        strategy=declared.strategy.settled.model_dump(mode="json", exclude_none=True),
        changes=(
            *(service.change for service in services if service.change is not None),
            *changes_around(base.content if base else None, content, environment),
            *_policies(content, observed, base),
        ),
        moves=moves,
        policy_set=content.policy_set,
        base_policy_set=observed.policy_set,
        fingerprint=observed.fingerprint,
        facts=observed.facts,
        warnings=tuple(warnings(content, base, declared, moves)),
        leftovers=tuple(pair for service in services for pair in service.leftovers),
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One service: what is wanted, what the base knows of it, and what is there.

    `serving` is the version that users have, `left` what else runs, `version` its next name.
    """

    name: str
    wanted: ServiceRelease | None
    known: ServiceRelease | None
    serving: ObservedVersion | None
    left: tuple[ObservedVersion, ...]
    version: str
    base: Release | None
    first: bool

    @property
    def leftovers(self) -> tuple[tuple[str, str], ...]:
        """Of `Plan`."""
        names = (version.name for version in self.left)
        return tuple((self.name, name) for name in names if name != self.version)

    @property
    def serves(self) -> bool:
        """Of `Move`; by what runs where nothing is wanted any more."""
        declared = self.wanted or self.known
        return declared is None or declared.declared["kind"] in SERVING_KINDS


@dataclass(frozen=True, slots=True)
class _Planned:
    """What happens to one service."""

    change: Change | None = None
    move: Move | None = None
    leftovers: tuple[tuple[str, str], ...] = ()


def _in_order(content: ReleaseContent, observed: Observed, base: Release | None) -> tuple[str, ...]:
    """Every service that runs or shall run, callees first: both of the new calls and of the old."""
    known = base.content.services if base else {}
    return callees_first(
        {
            name: _calls(content.services.get(name)) | _calls(known.get(name))
            for name in content.services.keys() | observed.services.keys()
        }
    )


def _calls(service: ServiceRelease | None) -> frozenset[str]:
    return frozenset(service.declared.get("calls", ()) if service else ())


def _case(
    name: str, content: ReleaseContent, observed: Observed, base: Release | None, next_number: int
) -> _Case:
    wanted = content.services.get(name)
    known = base.content.services.get(name) if base else None
    found = observed.services.get(name, ())
    serving = _serving(found, known)
    left = [version for version in found if version is not serving]
    version = _next_name(next_number, wanted, serving, left)
    return _Case(
        name=name,
        wanted=wanted,
        known=known,
        serving=serving,
        left=tuple(left),
        version=version,
        base=base,
        first=base is None and not observed.services,
    )


def _serving(
    found: tuple[ObservedVersion, ...], known: ServiceRelease | None
) -> ObservedVersion | None:
    """The version that users have; where none has requests, the one that was settled.

    An interrupted deployment leaves two. Work that takes no requests (a worker, a job) has no
    weights, so what the base declares is what counts there; else what the working tree runs.
    """

    def standing(version: ObservedVersion) -> tuple[int, bool, bool]:
        settled = known is not None and version.digest == known.digest
        return version.weight, settled, version.name == WORKING_TREE

    best = max(found, key=standing, default=None)
    return best if best is not None and any(standing(best)) else None


def _next_name(
    number: int,
    wanted: ServiceRelease | None,
    serving: ObservedVersion | None,
    left: list[ObservedVersion],
) -> str:
    """`r9`; where a release comes again and something else is called so already, `r9-2`.

    What an interrupted deployment of the same release has started is not something else.
    """
    right = wanted.digest if wanted else ""
    taken = {version.name for version in left if version.digest != right}
    taken |= {serving.name} if serving else set()
    names = (f"r{number}" if again == 1 else f"r{number}-{again}" for again in count(1))
    return next(name for name in names if name not in taken)


def _planned(case: _Case) -> _Planned:
    wanted, serving = case.wanted, case.serving
    if wanted is None:
        return _left_behind(case) if serving is None else _stopped(case, serving)
    if serving is None:
        return _started(case, wanted)
    if serving.digest == wanted.digest and not case.left:
        return _scaled(case, wanted, serving)
    return _replaced(case, wanted, serving)


def _left_behind(case: _Case) -> _Planned:
    """Nobody has used it, so it goes without taking anything from anyone."""
    versions = ", ".join(version for _, version in case.leftovers)
    reason = "left behind by an interrupted deployment"
    return _Planned(Change("stop", case.name, versions, "", (reason,)), None, case.leftovers)


def _stopped(case: _Case, serving: ObservedVersion) -> _Planned:
    reason = "no longer declared"
    change = Change("stop", case.name, serving.name, "", (reason,), destructive=True)
    move = Move(case.name, serving.name, None, 0, serving.desired, case.serves)
    return _Planned(change, move, case.leftovers)


def _started(case: _Case, wanted: ServiceRelease) -> _Planned:
    change = Change("start", case.name, "", case.version, (_why_started(case),))
    move = Move(case.name, None, case.version, replicas_of(wanted.declared), 0, case.serves)
    return _Planned(change, move, case.leftovers)


def _why_started(case: _Case) -> str:
    if case.first:
        return "first deployment"
    if case.known is None or case.base is None:
        return "new in the app"
    return f"it does not run, although {case.base.name} declares it"


def _scaled(case: _Case, wanted: ServiceRelease, serving: ObservedVersion) -> _Planned:
    replicas = replicas_of(wanted.declared, serving.desired)
    if replicas == serving.desired:
        return _Planned()
    change = Change(
        "scale",
        case.name,
        replicas_text(serving.desired),
        replicas_text(replicas),
        ("the declared number changed",),
        destructive=replicas == 0,
    )
    move = Move(case.name, serving.name, serving.name, replicas, serving.desired, case.serves)
    return _Planned(change, move)


def _replaced(case: _Case, wanted: ServiceRelease, serving: ObservedVersion) -> _Planned:
    replicas = replicas_of(wanted.declared, serving.desired)
    reasons = tuple(_why_replaced(case, wanted, serving))
    if replicas != serving.desired:
        reasons = (*reasons, f"replicas: {serving.desired} → {replicas}")
    change = Change("replace", case.name, serving.name, case.version, reasons)
    move = Move(case.name, serving.name, case.version, replicas, serving.desired, case.serves)
    return _Planned(change, move, case.leftovers)


def _why_replaced(case: _Case, wanted: ServiceRelease, serving: ObservedVersion) -> Iterator[str]:
    if serving.digest != wanted.digest:
        yield from _why_different(case, wanted, serving)
    if case.left:
        names = " and ".join(version.name for version in case.left)
        yield f"an interrupted deployment left {names} beside {serving.name}"


def _why_different(case: _Case, wanted: ServiceRelease, serving: ObservedVersion) -> Iterator[str]:
    if serving.name == WORKING_TREE:
        yield "it runs from the working tree"
    elif case.known is None or case.base is None:
        yield f"nothing is known of what runs as {serving.name}"
    else:
        if serving.digest != case.known.digest:
            yield f"what runs as {serving.name} is not what {case.base.name} declares"
        yield from why_replaced(case.known, wanted)


def _policies(
    content: ReleaseContent, observed: Observed, base: Release | None
) -> Iterator[Change]:
    before = (base.content.policy_set, base.content.policies) if base else None
    after = (content.policy_set, content.policies)
    return policy_change(before, after, found=observed.policy_set)
