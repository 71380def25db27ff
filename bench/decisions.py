"""Policy decisions at p50: the engine against cedarpy with the whole set parsed once, unsliced.

The sets are 1,000 and 10,000 policies over 100 services; each call has up to eight policies in its
slice. A conditional decision is measured with a context never seen before (evaluated by Cedar) and
with one seen before (remembered). Sets heavy with wildcards, where every slice holds them all, are
printed beside these without a limit.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import cedarpy

from bench.report import Figure
from fairway_runtime.policy.audit import AuditWriter, decision_entry
from fairway_runtime.policy.engine import PolicyEngine, Principal

SECTION = "decisions"
SERVICES = 100
IN_SLICE = 8
ORBIT = Principal("Service", "s1")
CONTEXT: dict[str, object] = {
    "environment": "prod", "method": "POST", "path": "/reason", "release": "r12", "signed": True,
    "cohort": "", "hour": 12, "weekday": 3, "source": "mesh",
}  # fmt: skip
_PEER = "cedarpy, whole set"


def measure_decisions() -> Sequence[Figure]:
    """Every figure of issue 2, section 5, and what surrounds it."""
    figures: list[Figure] = []
    for size in (1_000, 10_000):
        figures += _sized(size)
    return [*figures, *_growth(figures), *_wildcards(), _audit()]


def _sized(size: int) -> list[Figure]:
    engine = PolicyEngine.from_text(_policies(size))
    whole = _p50(_whole_set(_policies(size), "read"), 60)
    free = _p50(lambda: engine.decide(ORBIT, "s0", "read", CONTEXT), 20_000)
    paths = map("/reason/{}".format, count())
    unseen = _p50(
        lambda: engine.decide(ORBIT, "s0", "write", {**CONTEXT, "path": next(paths)}), 5_000
    )
    seen = _p50(lambda: engine.decide(ORBIT, "s0", "write", CONTEXT), 20_000)
    named = f"{size:,} policies: "
    return [
        _figure(named + "context-free, repeated", free, 3.0),
        _figure(named + f"{IN_SLICE} conditions, new context", unseen, 40.0),
        _figure(named + f"{IN_SLICE} conditions, context seen before", seen, 40.0),
        replace(_figure(named + "new context against the whole set", unseen), peer=whole,
                peer_name=_PEER),
    ]  # fmt: skip


def _growth(figures: Sequence[Figure]) -> list[Figure]:
    """What 10,000 policies cost against 1,000, for the same question."""
    by_name = {figure.name: figure.ours for figure in figures}
    grown = []
    for name, ours in by_name.items():
        smaller = by_name.get(name.replace("10,000", "1,000", 1))
        if name.startswith("10,000") and smaller and "whole" not in name:
            what = name.partition(": ")[2]
            grown.append(
                Figure(
                    SECTION, f"growth from 1,000 to 10,000: {what}", ours, "µs", smaller,
                    "1,000 policies", 1.2,
                )
            )  # fmt: skip
    return grown


def _wildcards() -> list[Figure]:
    """Policies for anybody: no scope can leave one out, so a slice is the whole set."""
    figures = []
    for size in (100, 1_000):
        text = "\n".join(
            f'permit (principal, action, resource) when {{ context.path == "/{number}" }};'
            for number in range(size)
        )
        engine = PolicyEngine.from_text(text)
        paths = map("/x/{}".format, count())
        ours = _p50(
            lambda engine=engine, paths=paths: engine.decide(
                ORBIT, "s0", "read", {**CONTEXT, "path": next(paths)}
            ),
            100,
        )
        peer = _p50(_whole_set(text, "read"), 60)
        named = f"{size:,} wildcard policies, new context"
        figures.append(replace(_figure(named, ours), peer=peer, peer_name=_PEER))
    return figures


def _audit() -> Figure:
    decision = PolicyEngine.from_text("").decide(ORBIT, "s0", "read", CONTEXT)
    with tempfile.TemporaryDirectory() as folder:
        log = AuditWriter(Path(folder), "bench")
        took = _p50(lambda: log.append(decision_entry(decision, ORBIT, "s0", "read")), 5_000)
        log.close()
    return _figure("one audit entry, chained and written", took)


def _policies(size: int) -> str:
    """One permit to read per pair of services, and `IN_SLICE` conditions to write per caller."""
    texts = [_conditional(number) for number in range(IN_SLICE)]
    for number in range(size - IN_SLICE):
        caller, callee = number % SERVICES, number // SERVICES
        texts.append(
            f'permit (principal == Service::"s{caller}", action == Action::"read", '
            f'resource == Service::"s{callee}");'
        )
    return "\n".join(texts)


def _conditional(number: int) -> str:
    """Only the last one allows, so Cedar has to evaluate them all."""
    hour = 24 if number == IN_SLICE - 1 else number
    return (
        'permit (principal == Service::"s1", action == Action::"write", '
        f'resource == Service::"s0") when {{ context.hour < {hour} && '
        f'context.environment == "prod" && context.path like "/reason*" }};'
    )


def _whole_set(text: str, intent: str) -> Callable[[], object]:
    policies, entities = cedarpy.PolicySet.from_str(text), cedarpy.Entities.from_json_str("[]")
    request = {
        "principal": 'Service::"s1"',
        "action": f'Action::"{intent}"',
        "resource": 'Service::"s0"',
        "context": CONTEXT,
    }
    return lambda: cedarpy.is_authorized(request, policies, entities)


def _p50(ask: Callable[[], object], times: int) -> float:
    """The median in microseconds, after warming up; the loop's own cost is included."""
    for _ in range(min(times, 200)):
        ask()
    took = []
    for _ in range(times):
        started = time.perf_counter_ns()
        ask()
        took.append(time.perf_counter_ns() - started)
    return statistics.median(took) / 1000


def _figure(name: str, ours: float, limit: float | None = None) -> Figure:
    return Figure(SECTION, name, ours, "µs", limit=limit)
