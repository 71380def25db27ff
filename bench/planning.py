"""How long a plan takes: 500 services, 5,000, and what each service costs in either.

A plan is measured as the delivery makes one: from an app as its environment sees it, over the
content of the release with all its digests, to the plan; every tenth service has another source
than what runs. No peer plans from a model of services, so the figures stand by themselves.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Sequence
from typing import Any

from bench.report import Figure
from fairway.model.app import App
from fairway.plan.observed import Observed, ObservedVersion
from fairway.plan.plan import Plan
from fairway.plan.planner import plan
from fairway.plan.release import Release, ReleaseContent
from fairway.plan.releases import content_digest, release_content

SECTION = "planning"
SIZES = (500, 5_000)
ROUNDS = 5
MOST_SECONDS = 1.5
"""For 500 services."""
MOST_GROWTH = 1.3
"""What a service may cost among 5,000, against one among 500; 1 is exactly linear."""
_EVERY = 10


def measure_planning() -> Sequence[Figure]:
    """Both sizes and how the time grows."""
    small, large = (_seconds(size) for size in SIZES)
    growth = (large / SIZES[1]) / (small / SIZES[0])
    return (
        Figure(SECTION, "a plan of 500 services", small, "s", limit=MOST_SECONDS),
        Figure(SECTION, "a plan of 5,000 services", large, "s"),
        Figure(SECTION, "one of 5,000 against one of 500", growth, "times", limit=MOST_GROWTH),
    )


def _seconds(size: int) -> float:
    """The median of some rounds, after one to warm up."""
    app = _app(size)
    before = _content(app, changed=False)
    base = Release(1, content_digest(before), before, "bench", 0.0)
    observed = Observed(1, 1, {name: _found(s.digest) for name, s in before.services.items()})
    took = []
    for _ in range(1 + ROUNDS):
        gc.collect()
        started = time.perf_counter()
        made = _plan(app, observed, base)
        took.append(time.perf_counter() - started)
        assert len(made.moves) == size // _EVERY
    return statistics.median(took[1:])


def _plan(app: App, observed: Observed, base: Release) -> Plan:
    content = _content(app, changed=True)
    return plan(content, observed, base=base, environment="prod", next_number=2)


def _content(app: App, *, changed: bool) -> ReleaseContent:
    artifacts = {
        name: f"sha256:{changed and number % _EVERY == 0}"
        for number, name in enumerate(app.services)
    }
    return release_content(app, artifacts, {}, 1, "sha256:policies")


def _found(digest: str) -> tuple[ObservedVersion, ...]:
    return (ObservedVersion("r1", digest, 100, 2, 2),)


def _app(size: int) -> App:
    services = {f"s{number}": _service(number) for number in range(size)}
    return App.model_validate(
        {"app": "bench", "services": services, "environments": {"prod": {"target": "memory"}}}
    )


def _service(number: int) -> dict[str, Any]:
    """A service of a usual size, which calls three others; every hundredth one is public."""
    callees = {f"s{number // divisor}" for divisor in (2, 3, 5)} - {f"s{number}"}
    return {
        "run": "uvicorn main:app --port $PORT",
        "health": "/health",
        "replicas": 2,
        "env": {"LOG_LEVEL": "info", "REGION": "eu-central-1", "POOL": str(number)},
        "config": {"limits": {"most": number, "least": 1}},
        "intents": {"read": "GET /items/{id}", "write": "POST /items"},
        "calls": {callee: ["read", "write"] for callee in sorted(callees)},
        "public": [f"/s{number}"] if number % 100 == 0 else [],
    }
