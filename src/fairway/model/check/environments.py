"""Environments: one strategy each, steps that make sense, overrides of what exists."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from fairway.model.check.subject import Finding, Subject, repeated
from fairway.model.environments import Canary, Environment
from fairway.model.names import did_you_mean
from fairway.model.places import Path

_STRATEGIES = ("rolling", "blue_green", "canary")


def check_environments(subject: Subject) -> Iterator[Finding]:
    """Judged once, from the app as declared."""
    if subject.environment is not None:
        return
    for name, environment in subject.app.environments.items():
        path = ("environments", name)
        yield from _strategy(environment, (*path, "strategy"))
        yield from repeated(environment.regions, (*path, "regions"), "region")
        for service in environment.overrides:
            if service not in subject.names("services"):
                yield Finding(
                    (*path, "overrides", service),
                    "unknown-service",
                    f"the service '{service}' is not declared",
                    did_you_mean(service, subject.names("services"), "declare it under services"),
                    at_key=True,
                )


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
