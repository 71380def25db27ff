"""The delivery of one environment: what people ask of it, put together from its parts.

`wiring` makes one; the API offers it. Commands are checked and left in the store, and the engine
acts on them: nothing here waits for a deployment. Stores block, so they are asked in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Protocol

from fairway.delivery.announcements import Announcement
from fairway.delivery.deployment import Command, Deployment, Status, Step
from fairway.delivery.notify.outbox import Outbox
from fairway.delivery.port import (
    Actor,
    DeadLetter,
    DeliveryEvent,
    Page,
    ReleaseDiff,
    Role,
    Watching,
    Wish,
)
from fairway.delivery.previews import Previews
from fairway.delivery.refusals import busy, changing, in_between
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.delivery.store.deployments import Order, OrderKind
from fairway.delivery.transitions import objection
from fairway.delivery.wishes import (
    Ground,
    PolicyDesk,
    Prepared,
    check_artifacts,
    deployment_of,
    planned,
    prepare,
)
from fairway.delivery.words import status_words, waits_for
from fairway.errors import Conflict, InvalidInput, Refused
from fairway.model.app import App
from fairway.plan.describe import moved
from fairway.plan.difference import difference
from fairway.plan.observed import Observed
from fairway.plan.plan import Plan
from fairway.plan.release import Release, ReleaseContent
from fairway.targets.contract import Drift, Fence, Target

_EVENT_INTERVAL = 0.2
"""Between looks for new events, in seconds."""
_REPAIR_SECONDS = 300.0
"""For how long a repair may hold the environment."""
BREAK_GLASS: tuple[Role, ...] = ("admin",)
"""Who may skip the gates in an emergency: loud, with a reason, and told to everyone."""
_WITHOUT_TARGET: frozenset[Step] = frozenset(
    {"begin", "check_plan", "await_approval", "await_window", "run_hooks", "await_resume"}
)
"""Steps of a deployment in which the target does nothing for it."""


class Engine(Protocol):
    """Who carries deployments out."""

    async def submit(self, deployment: Deployment) -> None:
        """Begin with a deployment that the store has opened. Again is fine."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a delivery is made of.

    `secrets` gives the versions in force of an app's secrets, `has_artifact` says whether an
    artifact is still there to start a version from, `doing` what the target is busy with.
    """

    app: str
    environment: str
    store: DeliveryStore
    target: Target
    engine: Engine
    policies: PolicyDesk
    secrets: Callable[[App], Mapping[str, int]]
    clock: Callable[[], float]
    new_id: Callable[[], str]
    has_artifact: Callable[[str], bool] = lambda _digest: True
    doing: Callable[[], str] = str


class EnvironmentDelivery:
    """A `Delivery`: see there for what each method does."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store
        self._previews = Previews(parts.target)

    async def plan(self, wish: Wish) -> Plan:
        """What deploying this would do now. Nothing is changed, and nothing kept."""
        if wish.when_busy == "refuse":  # else it would compare with what is half done
            await asyncio.to_thread(self._require_rest, "what would change cannot be told")
        ground = await self._ground()
        found, content, number = await asyncio.to_thread(self._planned, wish, ground)
        return await self._previews.added(found, content, number)

    async def deploy(self, wish: Wish, by: Actor) -> Deployment:
        """Keep the release and begin (or queue) its deployment; returns at once."""
        if wish.emergency:
            _require_role(by, BREAK_GLASS, "skip the gates")
            _require_reason(wish.reason, "an emergency skips every gate")
        ground = await self._ground()
        made = await asyncio.to_thread(self._open, wish, by, ground)
        await self._parts.engine.submit(made)
        return made

    async def tell(self, deployment: str, command: Command, by: Actor, reason: str = "") -> None:
        """Promote, pause, resume, abort or override; Conflict when it makes no sense now."""
        found = await self.deployment(deployment)
        if command == "override":
            _require_role(by, BREAK_GLASS, "override the gates")
            _require_reason(reason, "an override skips the gates")
        problem = objection(found, command)
        if problem is not None:
            raise Conflict(
                "command-out-of-turn", problem, where=found.id, remedy="look at it: fairway follow"
            )
        await self._give(found, command, by, reason)

    async def approve(self, deployment: str, by: Actor, reason: str = "") -> None:
        """Agree to it. Refused for a missing role and for whoever started it."""
        found = await self._awaiting(deployment)
        _require_role(by, found.course.gate.roles, "approve it")
        if by.name == found.by:
            raise Refused(
                "own-deployment",
                f"{by.name} started this deployment and cannot approve it",
                where=found.id,
                remedy="ask someone else; in an emergency: fairway override",
            )
        await self._give(found, "approve", by, reason)

    async def reject(self, deployment: str, by: Actor, reason: str) -> None:
        """Refuse it: it ends as cancelled."""
        found = await self._awaiting(deployment)
        _require_role(by, found.course.gate.roles, "reject it")
        await self._give(found, "reject", by, reason)

    async def deployment(self, deployment: str) -> Deployment:
        """One deployment, as it is now; a unique prefix of its id will do."""
        return await asyncio.to_thread(self._store.deployments.get, deployment)

    async def deployments(
        self, *, status: Status | None = None, cursor: str | None = None, limit: int = 20
    ) -> Page:
        """Deployments, the newest first."""
        return await asyncio.to_thread(
            self._store.deployments.list, status=status, cursor=cursor, limit=limit
        )

    async def watching(self, deployment: str) -> Watching | None:
        """The latest live numbers, and what the target is busy with; None before there is any."""
        found = await self.deployment(deployment)
        seen = await asyncio.to_thread(self._store.looks.watching, found.id)
        idle = found.effect is None or found.effect.step in _WITHOUT_TARGET
        doing = "" if idle else self._parts.doing()
        if not doing:
            return seen
        return replace(seen or _nothing_seen(found, self._parts.clock()), doing=doing)

    async def events(self, deployment: str | None, after: int = 0) -> AsyncIterator[DeliveryEvent]:
        """Events with a greater id, as they come; ends when that deployment has ended."""
        name = (await self.deployment(deployment)).id if deployment else None
        while True:
            over = name is not None and (await self.deployment(name)).over
            found = await asyncio.to_thread(self._store.events.after, after, deployment=name)
            for event in found:
                after = event.id
                yield event
            if over and not found:
                return
            if not found:
                await asyncio.sleep(_EVENT_INTERVAL)

    async def happened(self, deployment: str | None, after: int = 0) -> tuple[DeliveryEvent, ...]:
        """Events with a greater id so far, the oldest first."""
        name = (await self.deployment(deployment)).id if deployment else None
        found: list[DeliveryEvent] = []
        while fresh := await asyncio.to_thread(self._store.events.after, after, deployment=name):
            found += fresh
            after = fresh[-1].id
        return tuple(found)

    async def releases(self, *, before: int | None = None, limit: int = 50) -> tuple[Release, ...]:
        """Kept releases, the newest first."""
        return await asyncio.to_thread(self._store.releases.list, before=before, limit=limit)

    async def release(self, number: int) -> Release:
        """One release; NotFound when there is none, or it was cleaned up."""
        return await asyncio.to_thread(self._store.releases.get, number)

    async def diff(self, before: int, after: int) -> ReleaseDiff:
        """What differs between two releases."""
        old, new = await self.release(before), await self.release(after)
        texts = (self._policies_of(old), self._policies_of(new))
        found = difference(old, new, texts, environment=self._parts.environment)
        changes = tuple(asdict(change) for change in found.changes)
        return ReleaseDiff(before, after, changes, found.lines)

    async def drift(self) -> tuple[Drift, ...]:
        """What runs against what should; Conflict while a deployment changes that."""
        await asyncio.to_thread(self._require_rest, "what differs cannot be told")
        return await self._parts.target.drift()

    async def repair(self, by: Actor) -> tuple[Drift, ...]:
        """End every difference; Conflict while a deployment is under way."""
        if not await self.drift():
            return ()
        lease = await asyncio.to_thread(
            self._store.leases.take, self._parts.environment, "repair", self._parts.new_id(),
            now=self._parts.clock(), seconds=_REPAIR_SECONDS,
        )  # fmt: skip
        if lease is None:
            raise Conflict(
                "deployment-under-way",
                "a deployment is under way, which changes what should be there",
                remedy="repair after it has ended: fairway follow",
            )
        try:
            found = await self._repair(lease.fence)
        finally:
            await asyncio.to_thread(self._store.leases.give_back, lease)
        if found:
            await asyncio.to_thread(self._tell_of_repair, found, by)
        return found

    async def dead_letters(self) -> tuple[DeadLetter, ...]:
        """What listeners could not be told, the oldest first."""
        return await asyncio.to_thread(self._outbox.dead_letters)

    async def redeliver(
        self,
        by: Actor,  # noqa: ARG002
        listener: str = "",
        event: int | None = None,
    ) -> tuple[DeadLetter, ...]:
        """Try again what could not be told: to this listener, of this event; absent: all of it."""
        return await asyncio.to_thread(self._outbox.redeliver, listener, event)

    async def _repair(self, fence: Fence) -> tuple[Drift, ...]:
        """With the lease it is certain what differs: before, it may have been a deployment's doing,
        and what that has brought into force must not be ended.
        """
        found = await self.drift()
        await self._parts.target.repair(found, fence)
        return found

    @cached_property
    def _outbox(self) -> Outbox:
        return Outbox(self._store.database, self._store.events)

    def _require_rest(self, what: str) -> None:
        deployments = self._store.deployments
        running = changing(deployments.get(each) for each in deployments.unfinished())
        if running is not None:
            raise in_between(running, what)

    async def _ground(self) -> Ground:
        observed = await self._parts.target.observe()
        return await asyncio.to_thread(self._ground_on, observed)

    def _ground_on(self, observed: Observed) -> Ground:
        in_force = self._store.releases.in_force()
        return Ground(
            app=self._parts.app,
            environment=self._parts.environment,
            observed=observed,
            base=self._store.releases.get(in_force) if in_force else None,
            schemas=self._store.schemas(),
            secrets=self._parts.secrets,
            policies=self._parts.policies,
        )

    def _planned(self, wish: Wish, ground: Ground) -> tuple[Plan, ReleaseContent, int]:
        """The plan, and the content and number of the release that it is about."""
        kept = self._kept(wish)
        prepared = prepare(wish, kept, ground)
        number = kept.number if kept else self._store.releases.next_number()
        found = planned(prepared, ground, number)
        _check_fingerprint(wish, found)
        if kept is not None:  # what is new is sent after its plan was agreed to
            check_artifacts(prepared.content, found, self._parts.has_artifact)
        return found, prepared.content, number

    def _open(self, wish: Wish, by: Actor, ground: Ground) -> Deployment:
        """Keep release and deployment in one transaction: both, or neither and no number spent."""
        with self._store.database.writing():
            under_way = self._store.deployments.unfinished()
            if under_way and wish.when_busy == "refuse":  # first: else it looks like a stale plan
                raise busy(under_way[0])
            kept = self._kept(wish)
            prepared = prepare(wish, kept, ground)
            release = kept or self._keep(prepared, by, wish)
            found = planned(prepared, ground, release.number)
            _check_fingerprint(wish, found)
            if found.empty:
                raise _nothing_to_do(self._parts.environment)
            check_artifacts(release.content, found, self._parts.has_artifact)
            seen = self._previews.remembered(found)
            made = deployment_of(
                wish, release, seen, by, id=self._parts.new_id(), at=self._parts.clock()
            )
            self._store.deployments.open(made, _queued(made), when_busy=wish.when_busy)
        return made

    def _keep(self, prepared: Prepared, by: Actor, wish: Wish) -> Release:
        if prepared.text is not None:
            self._parts.policies.keep(prepared.text, by.name)
        return self._store.releases.keep(
            prepared.content, by=by.name, at=self._parts.clock(), note=wish.note
        )

    def _kept(self, wish: Wish) -> Release | None:
        return None if wish.release is None else self._store.releases.get(wish.release)

    def _policies_of(self, release: Release) -> str:
        version = release.content.policy_set
        return self._parts.policies.text(version) if version else ""

    async def _awaiting(self, deployment: str) -> Deployment:
        found = await self.deployment(deployment)
        held = found.interrupted or found.effect
        if held is None or held.step != "await_approval":
            raise Conflict(
                "no-approval-needed",
                f"the deployment waits for no approval: {_standing(found)}",
                where=found.id,
                remedy="look at it: fairway follow",
            )
        return found

    async def _give(self, found: Deployment, command: OrderKind, by: Actor, reason: str) -> None:
        order = Order(command, by.name, by.role, reason, self._parts.clock())
        await asyncio.to_thread(self._store.deployments.give, found.id, order)

    def _tell_of_repair(self, found: tuple[Drift, ...], by: Actor) -> None:
        count = "1 difference" if len(found) == 1 else f"{len(found)} differences"
        words = f"{by.name} had {count} repaired"
        data = {"by": by.name, "drift": [asdict(each) for each in found]}
        told = Announcement("DriftRepaired", words, data)
        self._store.events.tell("", (told,), self._parts.clock())


def _nothing_seen(deployment: Deployment, now: float) -> Watching:
    """Before the engine's first look."""
    return Watching(
        at=now, stage=deployment.stage, stages=len(deployment.course.stages),
        weight=deployment.serving, since=now, deadline=None, outcome="", words="",
    )  # fmt: skip


def _require_role(by: Actor, roles: tuple[str, ...], what: str) -> None:
    if by.role not in roles:
        raise Refused(
            "role-missing",
            f"{by.name} has the role {by.role}, and may not {what}",
            remedy=f"it takes the role {' or '.join(roles)}",
        )


def _standing(found: Deployment) -> str:
    """How it stands, in words: who is approved may still wait for a window."""
    return waits_for(found) or status_words(found)


def _require_reason(reason: str, because: str) -> None:
    if not reason.strip():
        raise InvalidInput(
            "emergency-without-reason",
            f"{because}, so it needs a reason",
            remedy="say why: --reason '…'",
        )


def _check_fingerprint(wish: Wish, found: Plan) -> None:
    if wish.fingerprint is not None and wish.fingerprint != found.fingerprint:
        what = moved(wish.facts, found.facts) if wish.facts else "the environment has changed"
        raise Conflict(
            "stale-plan",
            f"the plan is stale: {what}",
            where=found.environment,
            remedy="plan again, and look at what is different now",
        )


def _nothing_to_do(environment: str) -> InvalidInput:
    return InvalidInput(
        "nothing-changes",
        f"'{environment}' is as the release says: there is nothing to deploy",
        remedy="see `fairway plan`",
    )


def _queued(made: Deployment) -> tuple[Announcement, ...]:
    words = f"{made.by} wants {made.cohort} deployed"
    data = {"app": made.app, "environment": made.environment, "release": made.release}
    return (Announcement("DeploymentQueued", words, {**data, "by": made.by}),)
