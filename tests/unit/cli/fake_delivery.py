"""A `Delivery` in memory whose deployments go through the steps that a test lays out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fairway.delivery.course import Course, Stage
from fairway.delivery.deployment import Approval, Command, Deployment, Effect, Status
from fairway.delivery.port import (
    Actor,
    DeadLetter,
    DeliveryEvent,
    Page,
    ReleaseDiff,
    VersionNumbers,
    Watching,
    Wish,
)
from fairway.errors import Conflict, NotFound, Refused, Unavailable
from fairway.plan.plan import Change, Move, Plan
from fairway.plan.release import Release, ReleaseContent, ServiceRelease
from fairway.targets.contract import Drift

Step = dict[str, Any]
"""What changes of a deployment at one look."""

SUCCEEDS: tuple[Step, ...] = (
    {"status": "applying", "effect": Effect("apply")},
    {"status": "shifting", "serving": 25, "effect": Effect("watch", since=2.0, deadline=7.0)},
    {"status": "succeeded", "serving": 100, "stage": 1, "effect": None, "ended_at": 42.0},
)
ROLLED_BACK: tuple[Step, ...] = (
    {"status": "shifting", "serving": 25, "effect": Effect("watch", since=2.0, deadline=7.0)},
    {
        "status": "rolled_back", "serving": 0, "effect": None, "ended_at": 9.0,
        "reason": "orbit r8 answers 31 of 62 requests with an error, r7 none",
    },
)  # fmt: skip
WAITS_FOR_APPROVAL: tuple[Step, ...] = (
    {"status": "awaiting_approval", "effect": Effect("await_approval", deadline=99.0)},
)
PAUSED: tuple[Step, ...] = (
    {"status": "shifting", "serving": 25, "effect": Effect("await_resume"), "paused": "no verdict"},
)
REPLACE = Change("replace", "orbit", "r7", "r8", ("its source changed",))
DROP = Change("stop", "axon", "r3", "", ("it is no longer declared",), destructive=True)


def a_plan(*changes: Change, fingerprint: str = "sha256:" + "0" * 64, **more: Any) -> Plan:
    """A plan of the app `shop`."""
    return Plan(
        app="shop", environment="local", base=7, release_digest="sha256:" + "8" * 64,
        strategy={"canary": {"steps": [5, 25], "bake": 5.0}}, changes=changes,
        moves=(Move("orbit", "r7", "r8", 2, 2),), policy_set=1, base_policy_set=1,
        fingerprint=fingerprint, **more,
    )  # fmt: skip


def a_release(number: int, source: str = "aa", note: str = "", policies: str = "pp") -> Release:
    """A release of `shop` with one service."""
    orbit = ServiceRelease({"run": "./serve"}, f"sha256:{source * 32}", {"KEY": 2}, f"{source}-d")
    content = ReleaseContent({"app": "shop"}, {"orbit": orbit}, 1, f"sha256:{policies * 32}")
    return Release(number, f"sha256:{number:064d}", content, "ada", 1000.0 + number, note)


def numbers(version: str, weight: int, errors: int) -> VersionNumbers:
    """What one version of `orbit` answered."""
    return VersionNumbers(
        "orbit", version, weight, 62, errors, 12.4, 0.0031, 0.0079, (0.0, 6.0, 12.0)
    )


def looked(harmed: int = 0) -> Watching:
    """A look at r8 beside r7."""
    words = "orbit r8 is worse" if harmed else "orbit r8 is as good as r7"
    versions = (numbers("r7", 75, 0), numbers("r8", 25, harmed))
    outcome = "fail" if harmed else "pass"
    return Watching(5.0, 0, 2, 25, 2.0, 7.0, outcome, words, versions, ({"check": "e"},), harmed)


@dataclass
class MemoryDelivery:
    """Each deployment advances by one of `steps` at each look, and stays as the last one says."""

    planned: Plan = field(default_factory=lambda: a_plan(REPLACE))
    steps: Sequence[Step] = SUCCEEDS
    watched: Watching | None = None
    kept: list[Release] = field(default_factory=list)
    found: list[Deployment] = field(default_factory=list)
    drifted: tuple[Drift, ...] = ()
    dead: tuple[DeadLetter, ...] = ()
    wishes: list[Wish] = field(default_factory=list)
    told: list[tuple[str, str, str, str]] = field(default_factory=list)
    outages: int = 0
    looks: Counter[str] = field(default_factory=Counter)

    def add(self, id_: str, **changes: Any) -> Deployment:
        """A deployment that is there from the start."""
        course = Course((Stage(25, 5.0, judged=True), Stage(100)))
        made = Deployment(id_, self.planned, course, release=8, base=7, by="ada", at=0.0)
        self.found.insert(0, replace(made, **changes))
        return self.found[0]

    async def plan(self, wish: Wish) -> Plan:
        self.wishes.append(wish)
        if wish.release is not None and self.kept:
            await self.release(wish.release)
        return self.planned

    async def deploy(self, wish: Wish, by: Actor) -> Deployment:
        self.wishes.append(wish)
        if wish.when_busy == "refuse" and any(not each.over for each in self.found):
            raise Conflict("deployment-under-way", "another deployment is under way")
        return self.add(f"d{len(self.found) + 1}", note=wish.note)

    async def tell(self, deployment: str, command: Command, by: Actor, reason: str = "") -> None:
        self.told.append((deployment, command, by.name, reason))

    async def approve(self, deployment: str, by: Actor, reason: str = "") -> None:
        if by.name == "ada":
            raise Refused("own-deployment", "whoever began it may not approve it")
        self.told.append((deployment, "approve", by.name, reason))
        self._put(deployment, approvals=(Approval(by.name, by.role, 3.0, reason),))

    async def reject(self, deployment: str, by: Actor, reason: str) -> None:
        self.told.append((deployment, "reject", by.name, reason))
        self._put(deployment, status="cancelled", effect=None, reason=reason)

    async def deployment(self, deployment: str) -> Deployment:
        if self.outages:
            self.outages -= 1
            raise Unavailable("busy", "the database is being restarted")
        found = [each for each in self.found if each.id.startswith(deployment)]
        if not found:
            raise NotFound("no-such-deployment", f"there is no deployment {deployment}")
        return found[0]

    async def deployments(
        self, *, status: Status | None = None, cursor: str | None = None, limit: int = 20
    ) -> Page:
        found = [each for each in self.found if status in (None, each.status)]
        first = int(cursor or 0)
        more = str(first + limit) if len(found) > first + limit else None
        return Page(tuple(found[first : first + limit]), more)

    async def watching(self, deployment: str) -> Watching | None:
        """The look at a deployment; it is one step further afterwards."""
        found = next(each for each in self.found if each.id == deployment)
        seen = self.looks[deployment]
        if seen < len(self.steps) and not found.over:
            self.looks[deployment] += 1
            self._put(deployment, **self.steps[seen])
        return self.watched

    async def events(self, deployment: str | None, after: int = 0) -> AsyncIterator[DeliveryEvent]:
        if after < 1:
            yield DeliveryEvent(1, 0.0, "DeploymentStarted", "d1", "r8 begins", {"release": 8})
        while deployment and not (await self.deployment(deployment)).over:
            await asyncio.sleep(0.01)
        if after < 2:
            last = self.found[0]
            words = f"r8 ended: {last.status}"
            yield DeliveryEvent(2, 9.0, "DeploymentEnded", last.id, words, {})

    async def happened(self, deployment: str | None, after: int = 0) -> tuple[DeliveryEvent, ...]:
        first = DeliveryEvent(1, 0.0, "DeploymentStarted", "d1", "r8 begins", {"release": 8})
        return (first,) if after < 1 else ()

    async def releases(self, *, before: int | None = None, limit: int = 50) -> tuple[Release, ...]:
        found = [each for each in self.kept if before is None or each.number < before]
        return tuple(sorted(found, key=lambda each: -each.number)[:limit])

    async def release(self, number: int) -> Release:
        for each in self.kept:
            if each.number == number:
                return each
        raise NotFound("no-such-release", f"there is no release {number}")

    async def diff(self, before: int, after: int) -> ReleaseDiff:
        change = {"kind": "replace", "subject": "orbit", "reasons": ["its source changed"]}
        if before == after:
            return ReleaseDiff(before, after, (), "")
        return ReleaseDiff(before, after, (change,), "--- r1\n+++ r2\n-a\n+b\n")

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

    def _put(self, deployment: str, **changes: Any) -> None:
        self.found = [
            replace(each, **changes) if each.id == deployment else each for each in self.found
        ]
