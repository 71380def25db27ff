"""The delivery of an environment in memory: a deployment goes on exactly when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.unit.api.fake_control import MemoryControl

from fairway.control.directory import Artifacts, EnvironmentSummary, no_such_environment
from fairway.control.port import Records
from fairway.delivery.course import Course, Stage
from fairway.delivery.deployment import Approval, Command, Deployment, Effect, Status
from fairway.delivery.port import (
    Actor,
    DeadLetter,
    Delivery,
    DeliveryEvent,
    Json,
    Page,
    ReleaseDiff,
    VersionNumbers,
    Watching,
    Wish,
)
from fairway.errors import Conflict, InvalidInput, NotFound, Refused
from fairway.plan.plan import Change, Move, Plan
from fairway.plan.release import Release, ReleaseContent, ServiceRelease
from fairway.targets.contract import Drift

COURSE = Course((Stage(5, bake=5.0, judged=True), Stage(100)))
DRIFT = Drift("process", "orbit.0", "runs", "was killed", "start it")
FINGERPRINT = "sha256:" + "f" * 64


def plan_of(base: int) -> Plan:
    changes = (Change("replace", "orbit", f"r{base}", f"r{base + 1}", ("its source changed",)),)
    moves = (Move("orbit", f"r{base}", f"r{base + 1}", 2, 2),)
    strategy = {"canary": {"steps": [5]}}
    return Plan("shop", "prod", base, "sha256:r", strategy, changes, moves, 1, 1, FINGERPRINT)


def release_of(number: int, by: str, note: str = "") -> Release:
    service = ServiceRelease({"run": "serve"}, "", {"KEY": 1}, f"sha256:s{number}")
    content = ReleaseContent({"app": "shop"}, {"orbit": service}, 1, "sha256:p")
    return Release(number, f"sha256:{number}", content, by, 1000.0 + number, note)


@dataclass
class MemoryDelivery:
    """Implements `Delivery`; an app with `gate: true` has to be approved first."""

    found: list[Deployment] = field(default_factory=list)
    told: list[DeliveryEvent] = field(default_factory=list)
    kept: dict[int, Release] = field(default_factory=dict)
    drifted: tuple[Drift, ...] = (DRIFT,)
    dead: tuple[DeadLetter, ...] = (
        DeadLetter("webhook https://x", 41, "d1", 12, "it answered 500", "DeploymentFailed", "r8"),
    )
    wishes: list[Wish] = field(default_factory=list)
    slow: asyncio.Event | None = None
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def plan(self, wish: Wish) -> Plan:
        if wish.app is None and wish.release is None:
            raise InvalidInput("nothing-wished", "neither an app nor a release is named")
        return plan_of(self._in_force())

    async def deploy(self, wish: Wish, by: Actor) -> Deployment:
        if self.slow is not None:
            await self.slow.wait()
        plan = await self.plan(wish)
        if wish.release is not None:
            await self.release(wish.release)
        if wish.fingerprint not in (None, plan.fingerprint):
            raise Conflict("plan-stale", "what the plan saw has moved")
        if wish.when_busy == "refuse" and any(not one.over for one in self.found):
            raise Conflict("deployment-under-way", "another deployment runs")
        self.wishes.append(wish)
        number = max(self.kept, default=0) + 1
        self.kept[number] = release_of(number, by.name, wish.note)
        made = Deployment(
            f"d{number:04d}", plan, COURSE, number, self._in_force(), by.name, 1000.0, wish.note
        )
        self.found.insert(0, made)
        gated = bool((wish.app or {}).get("gate"))
        status: Status = "awaiting_approval" if gated else "shifting"
        effect = Effect("await_approval" if gated else "watch")
        return await self._put(made.id, "DeploymentStarted", status=status, effect=effect)

    async def tell(self, deployment: str, command: Command, by: Actor, reason: str = "") -> None:
        now = await self.deployment(deployment)
        if now.over or {"pause": bool(now.paused), "resume": not now.paused}.get(command):
            raise Conflict("makes-no-sense", f"a deployment that is {now.status} cannot {command}")
        match command:
            case "promote" | "promote_fully" | "override":
                await self._end(now.id, "DeploymentSucceeded", "succeeded")
            case "abort":
                await self._end(now.id, "DeploymentRolledBack", "rolled_back", reason=reason)
            case "pause":
                await self._put(now.id, "DeploymentPaused", paused=reason or "by hand")
            case "resume":
                await self._put(now.id, "DeploymentResumed", paused="")

    async def approve(self, deployment: str, by: Actor, reason: str = "") -> None:
        now = await self._waiting(deployment)
        if by.role not in now.course.gate.roles:
            raise Refused("role-missing", f"{by.name} is a {by.role}")
        if now.by == by.name:
            raise Refused("own-deployment", "whoever started it cannot approve it")
        approvals = (*now.approvals, Approval(by.name, by.role, 1001.0, reason))
        await self._put(now.id, "ApprovalGiven", approvals=approvals, status="shifting")

    async def reject(self, deployment: str, by: Actor, reason: str) -> None:
        now = await self._waiting(deployment)
        await self._end(now.id, "DeploymentRejected", "cancelled", reason=reason)

    async def deployment(self, deployment: str) -> Deployment:
        matching = [one for one in self.found if one.id.startswith(deployment)]
        if len(matching) != 1:
            raise NotFound("no-such-deployment", f"there is no deployment {deployment}")
        return matching[0]

    async def deployments(
        self, *, status: Status | None = None, cursor: str | None = None, limit: int = 20
    ) -> Page:
        known = {one.id for one in self.found}
        if cursor is not None and cursor not in known:
            raise NotFound("no-such-page", "there is no such page")
        found = [one for one in self.found if status in (None, one.status)]
        later = [one for one in found if cursor is None or one.id < cursor]
        page = tuple(later[:limit])
        return Page(page, page[-1].id if len(later) > limit else None)

    async def watching(self, deployment: str) -> Watching | None:
        now = await self.deployment(deployment)
        numbers = VersionNumbers("orbit", now.cohort, 5, 40, 0, 4.0, 0.003, 0.008, (4.0,))
        return Watching(1002.0, 0, 2, 5, 1001.0, 1006.0, "need_more_data", "so far so good",
                        (numbers,))  # fmt: skip

    async def events(self, deployment: str | None, after: int = 0) -> AsyncIterator[DeliveryEvent]:
        while True:
            async with self._changed:
                while not self._after(deployment, after) and not self._over(deployment):
                    await self._changed.wait()
                fresh = self._after(deployment, after)
            for event in fresh:
                yield event
                after = event.id
            if self._over(deployment) and not self._after(deployment, after):
                return

    async def happened(self, deployment: str | None, after: int = 0) -> tuple[DeliveryEvent, ...]:
        return tuple(self._after(deployment, after))

    async def releases(self, *, before: int | None = None, limit: int = 50) -> tuple[Release, ...]:
        numbers = [n for n in sorted(self.kept, reverse=True) if before is None or n < before]
        return tuple(self.kept[number] for number in numbers[:limit])

    async def release(self, number: int) -> Release:
        if number not in self.kept:
            raise NotFound("no-such-release", f"there is no release {number}")
        return self.kept[number]

    async def diff(self, before: int, after: int) -> ReleaseDiff:
        await self.release(before)
        await self.release(after)
        return ReleaseDiff(before, after, ({"kind": "replace"},), "-a\n+b\n")

    async def drift(self) -> tuple[Drift, ...]:
        return self.drifted

    async def repair(self, by: Actor) -> tuple[Drift, ...]:
        repaired, self.drifted = self.drifted, ()
        return repaired

    async def dead_letters(self) -> tuple[DeadLetter, ...]:
        return self.dead

    async def redeliver(
        self, by: Actor, listener: str = "", event: int | None = None
    ) -> tuple[DeadLetter, ...]:
        found = tuple(
            each
            for each in self.dead
            if listener in ("", each.listener) and event in (None, each.event)
        )
        if not found and (listener or event):
            raise NotFound("no-such-dead-letter", "nothing like that waits")
        self.dead = tuple(each for each in self.dead if each not in found)
        return found

    def _in_force(self) -> int:
        return next((one.release for one in self.found if one.status == "succeeded"), 0)

    def _over(self, deployment: str | None) -> bool:
        return any(one.id == deployment and one.over for one in self.found)

    def _after(self, deployment: str | None, after: int) -> list[DeliveryEvent]:
        mine = (event for event in self.told if deployment in (None, event.deployment))
        return [event for event in mine if event.id > after]

    async def _waiting(self, deployment: str) -> Deployment:
        now = await self.deployment(deployment)
        if now.status != "awaiting_approval":
            raise Conflict("not-waiting", "it waits for no approval")
        return now

    async def _end(self, id_: str, kind: str, status: Status, reason: str = "") -> None:
        await self._put(
            id_, kind, status=status, reason=reason, effect=None, paused="", ended_at=1009.0
        )

    async def _put(self, id_: str, kind: str, **changes: Any) -> Deployment:
        async with self._changed:
            place = next(i for i, one in enumerate(self.found) if one.id == id_)
            now = self.found[place] = replace(self.found[place], **changes)
            number = len(self.told) + 1
            words = f"{kind} of {now.cohort}"
            self.told.append(
                DeliveryEvent(number, 1000.0, kind, id_, words, {"release": now.release})
            )
            self._changed.notify_all()
        return now


@dataclass
class MemoryArtifacts:
    """Keeps what it is sent; `refuse` makes it find another digest."""

    kept: dict[str, bytes] = field(default_factory=dict)
    refuse: bool = False

    async def has(self, digest: str) -> bool:
        return digest in self.kept

    async def keep(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        content = b"".join([chunk async for chunk in chunks])
        if self.refuse:
            raise InvalidInput("other-digest", "the content has another digest")
        self.kept[digest] = content


@dataclass
class MemoryDirectory:
    """Environments that come to be by their first deployment."""

    deliveries: dict[tuple[str, str], MemoryDelivery] = field(default_factory=dict)
    stored: MemoryArtifacts = field(default_factory=MemoryArtifacts)
    control: MemoryControl = field(default_factory=MemoryControl)

    async def environments(self) -> tuple[EnvironmentSummary, ...]:
        return tuple(EnvironmentSummary(*names, "memory") for names in sorted(self.deliveries))

    async def delivery(self, app: str, environment: str) -> Delivery:
        if (app, environment) not in self.deliveries:
            raise no_such_environment(app, environment, await self.environments())
        return self.deliveries[app, environment]

    async def opened(self, app: str, environment: str, declared: Json | None) -> Delivery:
        if declared is not None:
            self.deliveries.setdefault((app, environment), MemoryDelivery())
        return await self.delivery(app, environment)

    async def records(self, app: str, environment: str) -> Records:
        await self.delivery(app, environment)
        return self.control

    async def artifacts(self, app: str, environment: str) -> Artifacts:
        await self.delivery(app, environment)
        return self.stored
