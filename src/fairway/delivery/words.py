"""Deployments in the words that people read, the same on a terminal and on a page. Pure.

The command line paints them, the console lays them out; neither says it differently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairway.delivery.deployment import Deployment, Step
from fairway.plan.release import Release

_WAITS: Mapping[Step, str] = {
    "await_approval": "it waits for approval",
    "await_resume": "it is paused",
}


def plural(count: int, noun: str) -> str:
    """`1 request`, `2 requests`, `no requests`."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def share(part: int, whole: int) -> str:
    """A share in percent, with a digit more where it is small; `-` of nothing."""
    if whole == 0:
        return "-"
    percent = part / whole * 100
    return f"{percent:.2f} %" if 0 < percent < 1 else f"{percent:.1f} %"


def latency(seconds: float | None) -> str:
    """A latency with three digits that count: `840 µs`, `12.3 ms`, `1.25 s`; `-` if unknown."""
    if seconds is None:
        return "-"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms" if seconds < 0.9995 else "1.00 s"
    return f"{seconds:.2f} s"


def status_words(deployment: Deployment) -> str:
    """How it stands, as people say it: one that waits for a person is paused."""
    return "paused" if deployment.paused else deployment.status.replace("_", " ")


def outcomes(deployments: Sequence[Deployment]) -> dict[int, str]:
    """How the last deployment of each release stands or ended; `deployments` the newest first."""
    return {each.release: status_words(each) for each in reversed(deployments)}


def waits_for(deployment: Deployment) -> str:
    """For which person or time it waits; empty while it goes on by itself."""
    if deployment.over or deployment.effect is None:
        return ""
    words = _WAITS.get(deployment.effect.step, "")
    if deployment.effect.step == "await_window":  # until something holds it, it may just go on
        return f"it waits: {deployment.held}" if deployment.held else ""
    if deployment.effect.step == "await_approval":
        return f"{words}: {len(deployment.approvals)} of {deployment.course.gate.count} agreed"
    return f"{words}: {deployment.paused}" if words and deployment.paused else words


def outcome(deployment: Deployment) -> str:
    """What is so at the end of it, or now, in one sentence."""
    place = f"{deployment.app} in {deployment.environment}"
    new, old = f"r{deployment.release}", f"r{deployment.base}" if deployment.base else "before"
    match deployment.status:
        case "succeeded":
            return f"{new} of {place} serves everything"
        case "rolled_back":
            return f"{place} is back at {old}; {new} serves nothing"
        case "cancelled":
            return f"{new} of {place} was not begun"
        case "failed":
            return f"{new} of {place} could not be brought into force"
        case _:
            return f"{new} of {place} serves {deployment.serving} % of new requests"


def changed_words(old: Release | None, new: Release) -> str:
    """Which services a release changed, against the one before it; `-` when that is not known."""
    if old is None:
        return "everything" if new.number == 1 else "-"
    was, now = old.content.services, new.content.services
    names = [
        *(f"+{name}" for name in sorted(now.keys() - was.keys())),
        *(f"-{name}" for name in sorted(was.keys() - now.keys())),
        *(name for name in sorted(now.keys() & was.keys()) if now[name].digest != was[name].digest),
    ]
    if old.content.policies != new.content.policies:
        names.append("policies")
    return ", ".join(names) or "configuration"
