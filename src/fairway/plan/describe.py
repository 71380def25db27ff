"""A plan as lines that people read, and what moved since it was made. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.plan.plan import Change, Plan

_SIGNS = {
    "start": "+", "stop": "-", "replace": "~", "scale": "*", "routes": ">", "policies": "#",
    "configuration": "=",
}  # fmt: skip


def describe(plan: Plan, *, emergency: bool = False) -> tuple[str, ...]:
    """The lines of `fairway plan`: what changes, why, what is destructive, what to know."""
    if plan.empty:
        return (f"{plan.app} → {plan.environment}: nothing to do", *_warned(plan))
    return (
        f"{plan.app} → {plan.environment}, {_base(plan)}, "
        f"{'at once: an emergency' if emergency else strategy_words(plan)}",
        *_listed(plan.changes),
        *_warned(plan),
    )


def _base(plan: Plan) -> str:
    return f"after r{plan.base}" if plan.base else "for the first time"


def strategy_words(plan: Plan) -> str:
    """`by canary at 5, 25, 50, 100 %`; where no release is replaced, nothing is compared."""
    if not plan.compares:
        return "in one step"
    ((name, settings),) = plan.strategy.items()
    if name == "canary" and isinstance(settings, Mapping):
        return f"by canary at {', '.join(map(str, settings['steps']))}, 100 %"
    return f"by {name}".replace("_", "/")


def _listed(changes: tuple[Change, ...]) -> Iterator[str]:
    kinds = max(len(change.kind) for change in changes)
    subjects = max(len(change.subject) for change in changes)
    for change in changes:
        mark = "  DESTRUCTIVE" if change.destructive else ""
        name = f"{_SIGNS[change.kind]} {change.kind:{kinds}}  {change.subject:{subjects}}"
        yield f"  {name}  {_sides(change)}{mark}".rstrip()
        yield from (f"      {reason}" for reason in change.reasons)


def _sides(change: Change) -> str:
    if not change.before:
        return change.after
    return f"{change.before} → {change.after or 'none'}"


def _warned(plan: Plan) -> Iterator[str]:
    return (f"  ! {warning}" for warning in plan.warnings)


def moved(facts_then: Mapping[str, str], facts_now: Mapping[str, str]) -> str:
    """What differs between two observations, in words; empty when nothing does."""
    names = sorted(facts_then.keys() | facts_now.keys())
    return "; ".join(
        _moved(name, facts_then.get(name), facts_now.get(name))
        for name in names
        if facts_then.get(name) != facts_now.get(name)
    )


def _moved(name: str, then: str | None, now: str | None) -> str:
    """`services.axon.r7` is a version of a service; `release` and `policies` are numbers."""
    kind, _, rest = name.partition(".")
    service, _, version = rest.rpartition(".")
    subject = f"version {version} of {service}" if kind == "services" else _NUMBERS.get(name, name)
    if then is None:
        return f"{subject} runs now ({_short(now)})"
    if now is None:
        return f"{subject} runs no longer"
    return f"{subject} was {_short(then)} and is {_short(now)}"


_NUMBERS = {"release": "the release", "policies": "the policy set"}


def _short(fact: str | None) -> str:
    """Without all but the first digits of a digest."""
    first, _, rest = (fact or "").partition(", ")
    algorithm, colon, digits = first.partition(":")
    shortened = f"{algorithm}:{digits[:8]}" if colon else first
    return f"{shortened}, {rest}" if rest else shortened
