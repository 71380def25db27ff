"""The effects that wait for people or for a time, and how a deployment hears its orders.

Called by `perform.py`. Every wait looks into the deployment's inbox twice a second, so that an
abort is heard wherever a deployment stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from fairway.delivery.course import Gate
from fairway.delivery.deployment import Approval, Command, Deployment, Step
from fairway.delivery.engine.place import Place
from fairway.delivery.happenings import Agreed, Approved, Done, Happening, Held, Refused, Told
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.delivery.store.deployments import Order
from fairway.delivery.transitions import objection
from fairway.delivery.windows import closed
from fairway.model.gates import Freeze, Window
from fairway.plan.releases import app_of

PAUSE = 0.5
"""Seconds between two looks."""
LISTENING: frozenset[Step] = frozenset(
    {"begin", "await_approval", "await_window", "watch", "await_resume"}
)
"""The steps that hear orders by themselves; while the others act, only an abort is heard."""
COMMANDS: tuple[Command, ...] = get_args(Command)


async def await_approval(place: Place, deployment: Deployment) -> Happening:
    """Until enough people agreed, one refused, or nobody said anything for too long."""
    effect = deployment.effect
    assert effect is not None, "a deployment that is over waits for nobody"
    while True:
        orders = await place.asked(lambda: place.store.deployments.given(deployment.id))
        answer = answered(deployment, orders)
        if answer is not None:
            return answer
        now = place.clock()
        if effect.deadline is not None and now >= effect.deadline:
            return Refused(now, "nobody decided in time", deployment.inbox)
        await place.sleep(PAUSE)


def answered(deployment: Deployment, orders: Sequence[Order]) -> Happening | None:
    """What the orders given so far amount to, in their sequence; None: wait. Pure.

    Approvals count from the beginning, whatever was heard in between.
    """
    gate = deployment.course.gate
    approvals: dict[str, Approval] = {}
    for order in orders:
        allowed = order.role in gate.roles and order.by != deployment.by
        match order.command:
            case "approve" if allowed:
                given = Approval(order.by, order.role, order.at, order.reason)
                approvals.setdefault(order.by, given)
                if _enough(approvals, gate):
                    number = max(order.number, deployment.inbox)
                    return Approved(order.at, tuple(approvals.values()), number)
            case "reject" if order.role in gate.roles:
                why = f": {order.reason}" if order.reason else ""
                return Refused(order.at, f"rejected by {order.by}{why}", order.number)
            case "approve" | "reject":
                continue  # whoever let it in here made a mistake; it does not count
            case command if order.number > deployment.inbox:
                return Told(order.at, command, order.by, order.reason, order.number)
    return _news(deployment, tuple(approvals.values()))


def _news(deployment: Deployment, approvals: tuple[Approval, ...]) -> Agreed | None:
    """Approvals that are not enough are told as well, each once."""
    known = {approval.by for approval in deployment.approvals}
    fresh = [approval for approval in approvals if approval.by not in known]
    return Agreed(fresh[-1].at, approvals) if fresh else None


def _enough(approvals: dict[str, Approval], gate: Gate) -> bool:
    return len(approvals) >= gate.count


async def await_window(place: Place, deployment: Deployment) -> Happening:
    """Until the environment may be changed; what is in the way is said once."""
    windows, freezes = await _calendar(place, deployment)
    while True:
        order = await heard(place, deployment)
        if order is not None:
            return order
        now = place.clock()
        found = closed(windows, freezes, now)
        if found is None:
            return Done(now)
        if found.reason != deployment.held:
            return Held(now, found.reason, found.until)
        await place.sleep(min(PAUSE, found.until - now))


async def _calendar(
    place: Place, deployment: Deployment
) -> tuple[tuple[Window, ...], tuple[Freeze, ...]]:
    release = await place.release(deployment.release)
    declared = app_of(release.content).environments[deployment.environment]
    return declared.windows, declared.freezes


async def heard(
    place: Place, deployment: Deployment, only: Sequence[Command] = COMMANDS
) -> Told | None:
    """The next order that makes sense now, if there is one; it is told once, by its number."""
    return await place.asked(lambda: next_order(place.store, deployment, only))


def next_order(
    store: DeliveryStore, deployment: Deployment, only: Sequence[Command] = COMMANDS
) -> Told | None:
    """The same for who may block."""
    for order in store.deployments.given(deployment.id, after=deployment.inbox):
        command = order.command
        if command == "approve" or command == "reject" or command not in only:  # noqa: PLR1714 - narrows
            continue
        if objection(deployment, command) is None:
            return Told(order.at, command, order.by, order.reason, order.number)
    return None
