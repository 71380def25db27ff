"""A plan on a terminal: `plan.describe` in colour, and what stands in its way. Pure.

`fairway plan`, `deploy` and `rollback` print it. The words alone say everything, so that a log of
CI can be read as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fairway.cli.output import Painter, duration
from fairway.delivery.words import plural
from fairway.plan.describe import describe
from fairway.plan.describe_preview import describe_preview
from fairway.plan.plan import Plan

if TYPE_CHECKING:
    from fairway.model.environments import Environment
    from fairway.model.gates import Window

_DESTRUCTIVE = "DESTRUCTIVE"
_COLOURS = {"+": "green", "-": "red", "!": "yellow"}
_REASON = " " * 6
_DETAIL = " " * 10
"""How far reasons are indented: those of a service, those of a resource."""
_NO_TIME = "0.0s"
"""How a settled strategy says that nothing is waited for."""


def plan_lines(
    plan: Plan, environment: Environment | None, paint: Painter, *, emergency: bool = False
) -> list[str]:
    """The whole plan; `environment` is what the app file says of it, as far as that is known.

    An `emergency` knows neither strategy nor gates.
    """
    first, *lines = describe(plan, emergency=emergency)
    painted = [paint.bold(first), *(_painted(line, paint) for line in lines)]
    if plan.empty:
        return painted
    below = [_painted(line, paint, _DETAIL) for line in describe_preview(plan.preview)]
    way = () if emergency else _way(plan, environment)
    return [*painted, *below, "", *way, _count(plan, paint)]


def _way(plan: Plan, environment: Environment | None) -> Iterator[str]:
    if plan.compares:
        yield f"strategy  {strategy_words(plan.strategy)}"
    if environment is not None:
        yield from (f"gate      {gate}" for gate in gates(environment))


def _painted(line: str, paint: Painter, reason: str = _REASON) -> str:
    if line.startswith(reason):
        return paint.dim(line)
    if line.endswith(_DESTRUCTIVE):
        return paint.red(line)
    sign = line.lstrip()[:1]
    if sign.isalpha():
        return line
    return paint.paint(line, _COLOURS.get(sign, "yellow"))


def _count(plan: Plan, paint: Painter) -> str:
    named = destructive_parts(plan)
    destructive = f", destructive: {paint.red(', '.join(named))}" if named else ""
    resources = plan.preview.resources
    below = f", {plural(len(resources), 'resource')} below them" if resources else ""
    return f"in all    {plural(len(plan.changes), 'change')}{below}{destructive}"


def destructive_parts(plan: Plan) -> tuple[str, ...]:
    """What cannot be taken back, each in words: of the services first, then of their resources."""
    return (
        *(f"{change.kind} {change.subject}" for change in plan.changes if change.destructive),
        *(f"{each.action} {each.address}" for each in plan.preview.destructive),
    )


def strategy_words(strategy: Mapping[str, Any]) -> str:
    """A settled strategy in words: how the traffic moves, and for how long each step is watched."""
    match dict(strategy):
        case {"canary": dict(canary)}:
            steps = [f"{step} %" for step in canary.get("steps") or ()]
            watched = _bake(canary, "each step watched for")
            return f"canary: {' → '.join([*steps, '100 %'])}{watched}"
        case {"blue_green": dict(blue_green)}:
            kept = _bake(blue_green, "the old version kept for")
            return f"blue-green: all traffic at once{kept}"
        case {"rolling": dict(rolling)}:
            return f"rolling: {_rolling(rolling)}{_bake(rolling, 'each batch watched for')}"
        case _:
            return "rolling"


def _rolling(rolling: Mapping[str, Any]) -> str:
    surge, missing = rolling.get("surge", 1), rolling.get("unavailable", 0)
    return f"up to {plural(surge, 'replica')} more, {missing or 'none'} fewer than declared"


def _bake(strategy: Mapping[str, Any], words: str) -> str:
    bake = strategy.get("bake")
    if isinstance(bake, int | float):
        return f", {words} {duration(bake)}" if bake else ""
    return f", {words} {bake}" if bake and bake != _NO_TIME else ""


def gates(environment: Environment) -> Iterator[str]:
    """What has to happen before anything does, and what is done on the way."""
    approvals = environment.approvals
    if approvals.count:
        who = " or ".join(approvals.roles)
        yield f"{plural(approvals.count, 'approval')} by {who}: fairway approve"
    if environment.windows:
        yield "only in " + ", or ".join(map(_window, environment.windows))
    for freeze in environment.freezes:
        why = f" ({freeze.reason})" if freeze.reason else ""
        yield f"not from {freeze.start} to {freeze.end}{why}"
    for phase in ("pre_deploy", "pre_shift", "post_shift", "post_deploy"):
        if hooks := getattr(environment.hooks, phase):
            yield f"{phase.replace('_', '-')}: {', '.join(hook.name for hook in hooks)}"


def _window(window: Window) -> str:
    return f"{', '.join(window.days)} {window.start}-{window.end} {window.zone}"
