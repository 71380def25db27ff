"""Fixed thresholds, as Argo Rollouts and Flagger apply them, on the same traces.

Argo Rollouts: an AnalysisRun in the background measures every `interval`; more failed measurements
than `failureLimit` abort the rollout. Its documentation's example has `interval: 5m`,
`successCondition: result >= 0.95`, `failureLimit: 3`; left out, `failureLimit` is 0
(`consecutiveErrorLimit`, 4 by default, is about measurements that could not be made; here all can).
https://argo-rollouts.readthedocs.io/en/stable/features/analysis/

Flagger: checks the last minute every `interval`; a failed check holds the weight where it is, and
`threshold` failed checks in all roll back. Its documentation's example has `interval: 1m`,
`threshold: 5` (elsewhere 10), `request-success-rate: min 99` and `request-duration: max 500`, a
P99 in milliseconds.
https://docs.flagger.app/usage/how-it-works, https://docs.flagger.app/usage/metrics

Both get every measurement at once, and the same steps as Fairway; an interval without requests is
no failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.rollouts.traces import (
    LOWEST,
    MINUTES,
    SPACING,
    STEP_MINUTES,
    Floats,
    Ints,
    Traces,
    stable_p95_level,
)

NEVER = 1e9


@dataclass(frozen=True, slots=True)
class Peer:
    """A policy: what a check demands, how often, and how many failed ones it takes.

    `success` is the smallest share of good answers, `duration` the largest latency quantile in
    milliseconds. `failures` roll back. `holds`: a failed check keeps the weight (Flagger).
    """

    name: str
    interval: int
    failures: int
    success: float = 0.0
    duration: float = NEVER
    quantile: float = 0.99
    holds: bool = False

    def __str__(self) -> str:
        """Its configuration in the words of its documentation."""
        limits = [f"success >= {100 * self.success:g} %"] if self.success else []
        if self.duration < NEVER:
            limits.append(f"p{100 * self.quantile:g} <= {self.duration:.0f} ms")
        how = f"threshold {self.failures}" if self.holds else f"failureLimit {self.failures - 1}"
        return f"{self.name}: interval {self.interval}m, {how}, {', '.join(limits)}"


ARGO = Peer("Argo Rollouts", 5, 4, success=0.95)
ARGO_STRICT = Peer("Argo Rollouts", 1, 1, success=0.95)
FLAGGER = Peer("Flagger", 1, 5, success=0.99, duration=500, holds=True)
FLAGGER_SLOW = Peer("Flagger", 1, 10, success=0.99, duration=500, holds=True)
DEFAULTS = (ARGO, ARGO_STRICT, FLAGGER, FLAGGER_SLOW)


Window = tuple[int, float]
"""Minutes, and which quantile of the latencies in them."""
WINDOWS: tuple[Window, ...] = ((1, 0.99), (1, 0.95), (5, 0.95))


@dataclass(frozen=True, slots=True)
class Measured:
    """What can be measured of the candidate, by rollout, minute and weight.

    `durations` are quantiles in milliseconds of the window that ends with the minute.
    """

    requests: Ints
    errors: Ints
    slow: Ints
    durations: Mapping[Window, Floats]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """By rollout: whether it was rolled back, and which answers were bad until then."""

    rolled_back: np.ndarray
    errors: Ints
    slow: Ints


def measured(traces: Traces) -> Measured:
    """The candidate's side of the traces."""
    slow = traces.other_latency[..., stable_p95_level() + 1 :].sum(axis=-1)
    durations = {window: _durations(traces, *window) for window in WINDOWS}
    return Measured(traces.other_requests, traces.other_errors, slow, durations)


def joined(parts: Sequence[Measured]) -> Measured:
    """All rollouts of several."""
    return Measured(
        np.concatenate([part.requests for part in parts]),
        np.concatenate([part.errors for part in parts]),
        np.concatenate([part.slow for part in parts]),
        {window: np.concatenate([part.durations[window] for part in parts]) for window in WINDOWS},
    )


def _durations(traces: Traces, minutes: int, quantile: float) -> Floats:
    """The drift within a window is taken as that of its last minute; 0 without answers."""
    window = traces.other_latency.copy()
    for earlier in range(1, minutes):
        window[:, earlier:] += traces.other_latency[:, :-earlier]
    up_to = np.cumsum(window, axis=-1)
    total = up_to[..., -1:]
    level = (up_to < quantile * total).sum(axis=-1)
    bucket = LOWEST + SPACING * level + traces.drift[:, :, None]
    return np.where(total[..., 0] > 0, 1.02**bucket / 1000, 0.0)


def run(peer: Peer, seen: Measured) -> Outcomes:
    """All rollouts at once, under one policy."""
    return _holding(peer, seen) if peer.holds else _scheduled(peer, seen)


def _scheduled(peer: Peer, seen: Measured) -> Outcomes:
    """The weight follows the schedule until too many measurements have failed."""
    at = np.arange(MINUTES)
    weight = at // STEP_MINUTES
    requests, errors = seen.requests[:, at, weight], seen.errors[:, at, weight]
    total, bad = _by_interval(requests, peer), _by_interval(errors, peer)
    failing = (total > 0) & (total - bad < peer.success * total)
    if peer.duration < NEVER:
        durations = seen.durations[peer.interval, peer.quantile][:, at, weight]
        failing |= durations[:, peer.interval - 1 :: peer.interval] > peer.duration
    over = np.cumsum(failing, axis=1) >= peer.failures
    rolled_back = np.asarray(over.any(axis=1))
    ends = np.where(rolled_back, (over.argmax(axis=1) + 1) * peer.interval, MINUTES)
    before = at < ends[:, None]
    return Outcomes(
        rolled_back,
        (errors * before).sum(axis=1),
        (seen.slow[:, at, weight] * before).sum(axis=1),
    )


def _by_interval(values: Ints, peer: Peer) -> Ints:
    sums: Ints = values.reshape(len(values), -1, peer.interval).sum(axis=2)
    return sums


def _holding(peer: Peer, seen: Measured) -> Outcomes:
    """A failed check does not advance; its interval, a minute, is spent at the same weight."""
    count = len(seen.requests)
    progress, failed = np.zeros(count, np.int64), np.zeros(count, np.int64)
    errors, slow = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for minute in range(seen.requests.shape[1]):
        rows = np.flatnonzero((progress < MINUTES) & (failed < peer.failures))
        weight = progress[rows] // STEP_MINUTES
        total, bad = seen.requests[rows, minute, weight], seen.errors[rows, minute, weight]
        failing = (total > 0) & (total - bad < peer.success * total)
        if peer.duration < NEVER:
            durations = seen.durations[peer.interval, peer.quantile]
            failing |= durations[rows, minute, weight] > peer.duration
        failed[rows] += failing
        progress[rows] += ~failing
        errors[rows] += bad
        slow[rows] += seen.slow[rows, minute, weight]
    return Outcomes(failed >= peer.failures, errors, slow)
