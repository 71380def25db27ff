"""Rollouts judged by Fairway: the real `Evidence` and `judge`, with the default policy.

Looks are every 5 seconds when a candidate's answer has failed since the last (nothing else raises
the suspicion of errors), and every two minutes for the latencies. Live it looks each half second,
so what is harmed here is rather more than there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.rollouts.traces import (
    LEVELS,
    LOWEST,
    MINUTES,
    PER_MINUTE,
    SLICE,
    SPACING,
    STEP_MINUTES,
    WEIGHTS,
    Ints,
    Traces,
    scheduled,
)
from fairway.delivery.analysis.evidence import Evidence
from fairway.delivery.analysis.judge import judge
from fairway.delivery.analysis.policy import AnalysisPolicy
from fairway.delivery.analysis.verdict import Outcome
from fairway.targets.contract import Traffic

LATENCY = 2 * PER_MINUTE
"""Slices between looks at the latencies."""
POLICY = AnalysisPolicy(warm_up=60.0)
"""The defaults, but for a warm-up of one minute: steps last ten here."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a rollout ended: at which slice (all of them: at its end), and with which outcome."""

    slice: int
    outcome: Outcome


class _Totals:
    """Running totals of one version of one rollout, as a target would report them."""

    def __init__(self, requests: Ints, errors: Ints, latency: Ints, drift: Ints) -> None:
        self._requests = [0, *np.cumsum(requests).tolist()]
        self._errors = [0, *np.cumsum(errors).tolist()]
        self._latency, self._drift = latency.tolist(), drift.tolist()
        self._minutes = 0
        self._histogram: dict[int, int] = {}

    def at(self, slices: int) -> Traffic:
        """After so many slices; must be asked in order of time."""
        while self._minutes < slices // PER_MINUTE:
            self._add(self._latency[self._minutes], LOWEST + self._drift[self._minutes])
            self._minutes += 1
        return Traffic(self._requests[slices], self._errors[slices], dict(self._histogram))

    def _add(self, counts: list[int], first: int) -> None:
        histogram = self._histogram
        for bucket, count in zip(range(first, first + SPACING * LEVELS, SPACING), counts,
                                 strict=True):  # fmt: skip
            if count:
                histogram[bucket] = histogram.get(bucket, 0) + count


def endings(traces: Traces) -> Iterator[Ending]:
    """How each of the rollouts ends."""
    for rollout in range(len(traces.requests)):
        yield _ending(traces, rollout)


def gathered(traces: Traces, rollout: int) -> Iterator[tuple[int, Evidence]]:
    """What is known after so many slices, as a rollout goes on."""
    candidate = _Totals(
        traces.requests[rollout], traces.errors[rollout], traces.latency[rollout],
        traces.drift[rollout],
    )  # fmt: skip
    stable = _Totals(
        traces.stable_requests[rollout], traces.stable_errors[rollout],
        traces.stable_latency[rollout], traces.drift[rollout],
    )  # fmt: skip
    evidence = Evidence("orbit", "r8", "r7")
    for slices, weight in _looks(traces.errors[rollout]):
        evidence = evidence.with_look(
            slices * SLICE + weight / 1000, weight, candidate.at(slices), stable.at(slices),
            POLICY.warm_up,
        )  # fmt: skip
        yield slices, evidence


def _ending(traces: Traces, rollout: int) -> Ending:
    outcome: Outcome = "need_more_data"
    for slices, evidence in gathered(traces, rollout):
        outcome = judge(evidence, POLICY).outcome
        if outcome == "fail":
            return Ending(slices, "fail")
    return Ending(MINUTES * PER_MINUTE, outcome)


def _looks(errors: Ints) -> Iterator[tuple[int, int]]:
    """When to look, and the weight in force. At the start of a step it is looked at twice."""
    failed = errors.tolist()
    for slices in range(MINUTES * PER_MINUTE + 1):
        before = WEIGHTS[scheduled(max(0, slices - 1) // PER_MINUTE)]
        if slices == 0 or failed[slices - 1] or slices % LATENCY == 0:
            yield slices, before
        if slices % (STEP_MINUTES * PER_MINUTE) == 0 and 0 < slices < MINUTES * PER_MINUTE:
            yield slices, WEIGHTS[scheduled(slices // PER_MINUTE)]
