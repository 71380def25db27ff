"""What one may do about a deployment now, and why not: the buttons of its page. Pure.

A button that makes no sense now is not there; one that somebody may not press is, and says whom to
ask. The port decides again when it is pressed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from fairway.control.door import may
from fairway.delivery.deployment import Command, Deployment
from fairway.delivery.port import Actor, Role
from fairway.delivery.transitions import objection

Order = Command | Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class Button:
    """One order. `why_not` is empty when the actor may give it; `reason`: it has to say why."""

    order: Order
    label: str
    explains: str
    tone: Literal["primary", "plain", "danger"] = "plain"
    reason: bool = False
    why_not: str = ""


_BUTTONS: tuple[Button, ...] = (
    Button("approve", "Approve", "agree to this plan", "primary"),
    Button("reject", "Reject", "refuse it: it ends as cancelled", "danger", reason=True),
    Button("resume", "Resume", "go on where it was paused", "primary"),
    Button("promote", "Promote", "on to the next stage, without waiting for a verdict", "primary"),
    Button("promote_fully", "Promote fully", "at once to all requests"),
    Button("pause", "Pause", "stay at the present weights until someone resumes it"),
    Button("override", "Override", "skip the gate that holds it; it is told to everyone", "danger",
           reason=True),
    Button("abort", "Abort", "go back to what was before", "danger"),
)  # fmt: skip
ORDERS: frozenset[str] = frozenset(button.order for button in _BUTTONS)


def buttons(deployment: Deployment, actor: Actor) -> tuple[Button, ...]:
    """All that make sense now, in the order in which one would look for them."""
    return tuple(_offered(deployment, actor))


def needs_reason(order: str) -> bool:
    """Whether it is not given without saying why."""
    return any(button.order == order and button.reason for button in _BUTTONS)


def _offered(deployment: Deployment, actor: Actor) -> Iterator[Button]:
    for button in _BUTTONS:
        if _senseless(deployment, button.order):
            continue
        second = button.order == "promote" and bool(deployment.paused)
        tone = "plain" if second else button.tone
        yield replace(button, tone=tone, why_not=_why_not(deployment, actor, button.order))


def _senseless(deployment: Deployment, order: Order) -> bool:
    held = deployment.interrupted or deployment.effect
    match order:
        case "approve" | "reject":
            return held is None or held.step != "await_approval"
        case "promote_fully":
            last = deployment.stage >= len(deployment.course.stages) - 1
            return last or objection(deployment, order) is not None
        case _:
            return objection(deployment, order) is not None


def _why_not(deployment: Deployment, actor: Actor, order: Order) -> str:
    match order:
        case "approve" | "reject":
            roles = deployment.course.gate.roles
            if actor.role not in roles:
                return f"this needs the role {' or '.join(roles)}"
            own = order == "approve" and actor.name == deployment.by
            return f"{actor.name} started it, and somebody else has to agree" if own else ""
        case "override":
            return _needs(actor, "admin")
        case _:
            return _needs(actor, "deployer")


def _needs(actor: Actor, role: Role) -> str:
    return "" if may(actor, role) else f"this needs the role {role}"
