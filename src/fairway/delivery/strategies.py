"""How a plan is carried out: the declared strategy, gates and limits become a course. Pure.

Called when a deployment is made. What comes out is all that decides how the deployment goes on, so
that an edited app file changes none that is under way. Guarantees: the last stage has weight 100,
weights and shares never fall, and a first deployment or an emergency is one stage without analysis.
"""

from __future__ import annotations

import math
from dataclasses import replace

from fairway.delivery.analysis.policy import AnalysisPolicy, Limits, Ratio
from fairway.delivery.course import Course, Gate, Phase, Stage
from fairway.delivery.traffic import EVERYTHING
from fairway.model.analysis import Metric
from fairway.model.app import App, Slo
from fairway.model.environments import Environment
from fairway.model.strategies import BlueGreen, Canary, Rolling, Strategy
from fairway.plan.plan import Move, Plan

_MARGIN_OF_ERRORS = 0.1
"""The margin of an error rate, as a share of what is tolerated; see `AnalysisPolicy`."""
_MARGIN_OF_LATENCY = 1 / 3
_PHASES: tuple[Phase, ...] = ("pre_deploy", "pre_shift", "post_shift", "post_deploy")


def course(plan: Plan, environment_declared: Environment, *, emergency: bool = False) -> Course:
    """The whole course of a deployment of `plan`, with the gates and hooks of its environment."""
    declared = environment_declared
    strategy = Strategy.model_validate(plan.strategy).settled
    waiting = strategy.canary or Canary()
    approvals = declared.approvals
    return Course(
        stages=_stages(plan, strategy, emergency=emergency),
        gate=Gate(approvals.count, approvals.roles, approvals.timeout),
        hooks=frozenset(phase for phase in _PHASES if getattr(declared.hooks, phase)),
        windows=bool(declared.windows or declared.freezes),
        patience=waiting.patience,
        inconclusive=waiting.inconclusive,
        sticky=waiting.sticky if strategy.canary else "none",
        emergency=emergency,
    )


def _stages(plan: Plan, strategy: Strategy, *, emergency: bool) -> tuple[Stage, ...]:
    replaced = plan.replaces
    if emergency or not plan.compares:
        return (Stage(EVERYTHING),)
    if strategy.canary:
        stages = _canary(strategy.canary)
    elif strategy.blue_green:
        stages = _blue_green(strategy.blue_green)
    else:
        stages = _rolling(strategy.rolling or Rolling(), replaced)
    if any(move.serves for move in replaced):
        return stages
    # Workers and jobs answer no requests by which they could be judged: time has to do.
    return tuple(replace(stage, judged=False, evidence=False) for stage in stages)


def _canary(canary: Canary) -> tuple[Stage, ...]:
    evidence = canary.until == "evidence"
    copied = Stage(0, canary.bake, judged=True, evidence=evidence, mirror=canary.mirror)
    steps = (Stage(step, canary.bake, judged=True, evidence=evidence) for step in canary.steps)
    return (*((copied,) if canary.mirror else ()), *steps, Stage(EVERYTHING))


def _blue_green(declared: BlueGreen) -> tuple[Stage, ...]:
    preview = (Stage(0, declared.preview),) if declared.preview else ()
    return (*preview, Stage(EVERYTHING, declared.bake, judged=declared.bake > 0))


def _rolling(rolling: Rolling, replaced: tuple[Move, ...]) -> tuple[Stage, ...]:
    """As many parts as the largest service needs; smaller ones are spread over the same ones."""
    at_once = max(1, rolling.surge + rolling.unavailable)
    largest = max(1, *(max(move.replicas, move.before_replicas) for move in replaced))
    parts = math.ceil(largest / at_once)
    return tuple(
        Stage(
            weight=round(EVERYTHING * part / parts),
            bake=rolling.bake,
            judged=rolling.bake > 0,
            share=part / parts,
            # The last old replica answers until the last new one does, with room for it or not.
            stop_first=rolling.surge == 0 and part < parts,
        )
        for part in range(1, parts + 1)
    )


def analysis_policy(app: App, environment: str, service: str | None = None) -> AnalysisPolicy:
    """What counts as worse in an environment.

    For one `service` with the limits of its SLOs and its own metrics; for None, what holds for all.
    """
    declared = app.environments[environment].analysis
    errors, latency = declared.errors / 100, declared.latency / 100
    own = [metric for metric in declared.metrics if service in (None, metric.service)]
    return AnalysisPolicy(
        error_margin=errors * _MARGIN_OF_ERRORS,
        error_tolerance=errors,
        latency_margin=latency * _MARGIN_OF_LATENCY,
        latency_tolerance=latency,
        limits=_limits(app, service),
        ratios=tuple(map(_ratio, own)),
        warm_up=declared.warm_up,
        minimum=declared.minimum,
    )


def _ratio(metric: Metric) -> Ratio:
    tolerance = metric.margin / 100
    return Ratio(
        metric.name,
        worse="up" if metric.worse == "more" else "down",
        margin=tolerance * _MARGIN_OF_ERRORS,
        tolerance=tolerance,
    )


def _limits(app: App, service: str | None) -> Limits:
    """The strictest of the objectives that are about everything a service answers."""
    slos = [slo for slo in app.slos.values() if slo.service == service and _about_all(app, slo)]
    percent = max((slo.availability for slo in slos if slo.availability is not None), default=None)
    return Limits(
        availability=None if percent is None else round(percent / 100, 12),
        p95=min((slo.p95 for slo in slos if slo.p95 is not None), default=None),
        p99=min((slo.p99 for slo in slos if slo.p99 is not None), default=None),
    )


def _about_all(app: App, slo: Slo) -> bool:
    """Measurements are of a service as a whole: one intent of several says nothing about it."""
    return slo.intent is None or tuple(app.services[slo.service].intents) == (slo.intent,)
