"""Environments: one strategy each, that can come to its end, and overrides of what exists."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from fairway.model.check.subject import Finding, Subject, repeated, unknown_service
from fairway.model.environments import Environment
from fairway.model.places import Path
from fairway.model.strategies import Canary

_SMALLEST_STORE = 16 * 2**20
_STRATEGIES = ("rolling", "blue_green", "canary")


def check_environments(subject: Subject) -> Iterator[Finding]:
    """Judged once, from the app as declared."""
    if subject.environment is not None:
        return
    for name, environment in subject.app.environments.items():
        path = ("environments", name)
        yield from _strategy(environment, (*path, "strategy"))
        yield from repeated(environment.regions, (*path, "regions"), "region")
        yield from _metrics(subject, environment, (*path, "analysis", "metrics"))
        yield from _telemetry(environment, (*path, "telemetry"))
        for service in environment.overrides:
            if service not in subject.names("services"):
                at = (*path, "overrides", service)
                yield unknown_service(service, subject.names("services"), at, at_key=True)


def _strategy(environment: Environment, path: Path) -> Iterator[Finding]:
    strategy = environment.strategy
    chosen = [kind for kind in _STRATEGIES if getattr(strategy, kind) is not None]
    if len(chosen) > 1:
        yield Finding(
            (*path, chosen[1]),
            "strategy",
            f"more than one strategy: {' and '.join(chosen)}",
            "keep one",
            at_key=True,
        )
    rolling = strategy.rolling
    if rolling is not None and rolling.surge == rolling.unavailable == 0:
        yield Finding(
            (*path, "rolling"),
            "rolling-stuck",
            "no replica may be missing and none may be added, so none can be replaced",
            "allow one more with 'surge: 1', or one fewer with 'unavailable: 1'",
            at_key=True,
        )
    if strategy.canary is not None:
        yield from _steps(strategy.canary, (*path, "canary", "steps"))


def _steps(canary: Canary, path: Path) -> Iterator[Finding]:
    remedy = "write percentages that grow, between 1 and 99: [5, 25, 50]; 100 follows by itself"
    if not canary.steps:
        yield Finding(path, "canary-steps", "a canary without a step", remedy, at_key=True)
    for index, step in enumerate(canary.steps):
        if not 1 <= step <= 99:
            message = f"the canary step {step} is not between 1 and 99 percent"
            yield Finding((*path, index), "canary-steps", message, remedy)
    for index, (before, step) in enumerate(pairwise(canary.steps)):
        if step <= before:
            message = f"the canary step {step} is not above the one before it, {before}"
            yield Finding((*path, index + 1), "canary-steps", message, remedy)


def _metrics(subject: Subject, environment: Environment, path: Path) -> Iterator[Finding]:
    metrics = environment.analysis.metrics
    yield from repeated(tuple(metric.name for metric in metrics), path, "metric")
    known = subject.names("services")
    for index, metric in enumerate(metrics):
        if metric.service not in known:
            yield unknown_service(metric.service, known, (*path, index, "service"))


def _telemetry(environment: Environment, path: Path) -> Iterator[Finding]:
    kept = environment.telemetry.store
    if kept.sampled < kept.full:
        yield Finding(
            (*path, "store", "sampled" if "sampled" in kept.model_fields_set else "full"),
            "telemetry-order",
            "what is sampled cannot be kept shorter than everything",
            "let sampled be at least as long as full",
        )
    if kept.size < _SMALLEST_STORE:
        yield Finding(
            (*path, "store", "size"),
            "telemetry-size",
            "a store of that size keeps nothing for long",
            "write at least 16Mi",
        )
