"""Traffic of simulated rollouts, drawn with numpy; every policy is judged on the same draws.

A rollout has steps of 5, 25 and 50 %, ten minutes each, under 9 to 16 requests a second on average
that swing by 40 % over hours. 0.5 % of the stable's answers fail, swinging by 30 %; latencies are
lognormal (median 40 ms, sigma 0.5) and drift by up to 20 % for both versions alike. Failures are
kept for every 5 seconds, latencies for every minute. For policies that hold a step back there are
ten more minutes, and what each minute would have been under each weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

WEIGHTS = (5, 25, 50)
STEP_MINUTES = 10
MINUTES = len(WEIGHTS) * STEP_MINUTES
SPARE_MINUTES = 10
SLICE = 5
"""Seconds between the looks at failures."""
PER_MINUTE = 60 // SLICE
CHUNK = 500
ERROR_RATE = 0.005
MEDIAN, SIGMA = 40_000.0, 0.5
SPACING = 4
"""Latencies are drawn into every fourth bucket: 8 % apart, to keep ten thousand rollouts cheap."""
LEVELS = 44
LOWEST = 450
"""The first bucket: 1.02^450 is 7.4 ms, and the last lies at 220 ms before the drift."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is wrong with the candidate: its error rate against the stable's, and how much slower.

    `incident` has both versions fail 10 % for two minutes: a dependency's fault, not the release's.
    """

    name: str
    errors: float = 1.0
    slower: float = 1.0
    incident: bool = False

    @property
    def healthy(self) -> bool:
        """Whether a rollback would be false."""
        return self.errors == 1.0 and self.slower == 1.0


SCENARIOS = (
    Scenario("healthy"),
    Scenario("healthy, incident", incident=True),
    Scenario("errors 0.5 → 3 %", errors=6.0),
    Scenario("p95 +50 %", slower=1.5),
    Scenario("half 500s", errors=100.0),
)


@dataclass(frozen=True, slots=True)
class Traces:
    """Some rollouts. Axes: rollout, then slice or minute; `by_weight` also weight.

    `requests` and `errors` of both versions are those of the schedule, by slice; `latency` is by
    minute and level, to which `drift` (in buckets) is added. `other_*` are the candidate's by
    minute and weight, equal to the schedule's where the weight is the schedule's.
    """

    requests: Ints
    errors: Ints
    stable_requests: Ints
    stable_errors: Ints
    latency: Ints
    stable_latency: Ints
    drift: Ints
    other_requests: Ints
    other_errors: Ints
    other_latency: Ints


def stable_p95_level() -> int:
    """The level that 95 % of the stable's answers do not exceed."""
    return int(np.searchsorted(np.cumsum(_levels(1.0)), 0.95))


def scheduled(minute: int) -> int:
    """The index of the weight that the schedule has in a minute."""
    return min(minute // STEP_MINUTES, len(WEIGHTS) - 1)


def chunk(scenario: Scenario, rng: np.random.Generator) -> Traces:
    """`CHUNK` rollouts."""
    minutes = MINUTES + SPARE_MINUTES
    total = rng.poisson(_rates(rng, minutes) * SLICE)
    bad = _error_rates(scenario, rng, minutes)
    drift = np.rint(10 * _swing(rng, minutes, PER_MINUTE)).astype(np.int64)
    scheduled_weight = np.array([WEIGHTS[scheduled(m)] for m in range(minutes)]) / 100
    requests = rng.binomial(total, np.repeat(scheduled_weight, PER_MINUTE))
    errors = rng.binomial(requests, np.minimum(bad * scenario.errors, 0.5))
    stable_errors = rng.binomial(total - requests, bad)
    other = _other_weights(rng, total, requests, errors, bad * scenario.errors)
    latency = rng.multinomial(other[0], _levels(scenario.slower))
    rows, at = np.arange(CHUNK)[:, None], np.arange(minutes)
    weight = np.array([scheduled(minute) for minute in range(minutes)])
    return Traces(
        requests, errors, total - requests, stable_errors,
        latency[rows, at, weight], rng.multinomial(_by_minute(total - requests), _levels(1.0)),
        drift, other[0], other[1], latency,
    )  # fmt: skip


def _other_weights(
    rng: np.random.Generator, total: Ints, requests: Ints, errors: Ints, bad: Floats
) -> tuple[Ints, Ints]:
    """The candidate's requests and errors by minute under each weight."""
    minutes = total.shape[1] // PER_MINUTE
    shape = (CHUNK, minutes, len(WEIGHTS))
    all_requests, all_errors = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    rate = np.minimum(bad[:, ::PER_MINUTE], 0.5)
    for index, weight in enumerate(WEIGHTS):
        on_schedule = np.array([scheduled(minute) == index for minute in range(minutes)])
        drawn = rng.binomial(_by_minute(total), weight / 100)
        all_requests[:, :, index] = np.where(on_schedule, _by_minute(requests), drawn)
        failed = rng.binomial(drawn, rate)
        all_errors[:, :, index] = np.where(on_schedule, _by_minute(errors), failed)
    return all_requests, all_errors


def _rates(rng: np.random.Generator, minutes: int) -> Floats:
    mean = rng.uniform(9, 16, (CHUNK, 1))
    return mean * (1 + 0.4 * _swing(rng, minutes * PER_MINUTE, 1))


def _error_rates(scenario: Scenario, rng: np.random.Generator, minutes: int) -> Floats:
    rate = ERROR_RATE * (1 + 0.3 * _swing(rng, minutes * PER_MINUTE, 1))
    begins = rng.integers(0, (MINUTES - 2) * PER_MINUTE, (CHUNK, 1))
    if scenario.incident:
        slices = np.arange(minutes * PER_MINUTE)
        rate = np.where((slices >= begins) & (slices < begins + 2 * PER_MINUTE), 0.1, rate)
    return rate


def _swing(rng: np.random.Generator, length: int, stride: int) -> Floats:
    """A rhythm from -1 to 1 with a period of one to three hours, begun anywhere."""
    period = rng.uniform(1, 3, (CHUNK, 1)) * 3600 / SLICE
    phase = rng.uniform(0, 2 * math.pi, (CHUNK, 1))
    return np.sin(phase + 2 * math.pi * np.arange(length) * stride / period)


def _by_minute(values: Ints) -> Ints:
    minutes: Ints = values.reshape(CHUNK, -1, PER_MINUTE).sum(axis=2)
    return minutes


def _levels(slower: float) -> Floats:
    """The chance of each level."""
    bounds = [(LOWEST + SPACING * level) * math.log(1.02) for level in range(LEVELS)]
    below = [
        0.5 * (1 + math.erf((bound - math.log(MEDIAN * slower)) / SIGMA / math.sqrt(2)))
        for bound in bounds
    ]
    below[-1] = 1.0
    return np.diff(np.array([0.0, *below]))
