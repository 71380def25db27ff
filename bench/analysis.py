"""Ten thousand simulated rollouts per scenario: Fairway's analysis against fixed thresholds.

Traffic, policies and sources are described in `bench/rollouts/`. Harmed are answers of the
candidate until it was rolled back (or the rollout ended): failed ones, and where it is slow those
slower than the stable's p95. What comes after a bad release was promoted is held against nobody.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.report import Figure
from bench.rollouts.ours import POLICY, endings, gathered
from bench.rollouts.peers import DEFAULTS, Measured, Outcomes, Peer, joined, measured, run
from bench.rollouts.sweep import FAMILIES, AtEqual, at_equal, by_duration, by_success
from bench.rollouts.traces import (
    CHUNK,
    MINUTES,
    PER_MINUTE,
    SCENARIOS,
    Ints,
    Scenario,
    Traces,
    chunk,
    stable_p95_level,
)
from fairway.delivery.analysis.judge import judge

SECTION = "analysis"
ROLLOUTS = 10_000
ASIDE = 2_000
"""Rollouts of a scenario that is only printed."""
SEED = 20_260
WORKERS = 2
WIDTH = 140


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One scenario: how Fairway ended each rollout, and what the peers may measure of it."""

    scenario: Scenario
    seen: Measured
    ours: Outcomes
    undecided: NDArray[np.bool_]
    requests: Ints

    def harmed(self, outcomes: Outcomes) -> Ints:
        """The bad answers that the scenario is about, by rollout."""
        return outcomes.slow if self.scenario.slower > 1 else outcomes.errors


def measure_analysis() -> Sequence[Figure]:
    """Every scenario, the peers as they come, and the peers at our share of false rollbacks."""
    console = Console() if Console().is_terminal else Console(width=WIDTH)
    runs = [simulate(one, ASIDE if one.incident else ROLLOUTS) for one in SCENARIOS]
    console.print(_as_they_come(runs))
    healthy, bad = runs[0], [one for one in runs if not one.scenario.healthy]
    figures = [*_promises(healthy, bad), _speed()]
    for one in bad:
        swept = sweep(healthy, one)
        console.print(_at_equal_rates(one, swept, float(healthy.ours.rolled_back.mean())))
        figures.append(_comparison(one, swept))
    return figures


def simulate(scenario: Scenario, rollouts: int) -> Run:
    """One scenario; the processes share its chunks."""
    with ProcessPoolExecutor(WORKERS) as pool:
        return _together(list(pool.map(partial(_judged, scenario), range(rollouts // CHUNK))))


def sweep(healthy: Run, bad: Run) -> list[tuple[Peer, AtEqual | None]]:
    """Each family of peers at our share of false rollbacks, by the metric that goes bad."""
    by_metric = by_duration if bad.scenario.slower > 1 else by_success
    false = float(healthy.ours.rolled_back.mean())
    return [
        (family, at_equal(by_metric(family, healthy.seen, bad.seen), false)) for family in FAMILIES
    ]


def _judged(scenario: Scenario, number: int) -> Run:
    traces = chunk(scenario, np.random.default_rng([SEED, number]))
    ends = list(endings(traces))
    slices = np.array([end.slice for end in ends])
    outcomes = Outcomes(
        np.array([end.outcome == "fail" for end in ends]),
        _until(traces.errors, slices),
        _until(_slow(traces), slices // PER_MINUTE),
    )
    undecided = np.array([end.outcome == "need_more_data" for end in ends])
    requests = traces.requests[:, : MINUTES * PER_MINUTE].sum(axis=1)
    return Run(scenario, measured(traces), outcomes, undecided, requests)


def _together(parts: Sequence[Run]) -> Run:
    return Run(
        parts[0].scenario,
        joined([part.seen for part in parts]),
        Outcomes(
            np.concatenate([part.ours.rolled_back for part in parts]),
            np.concatenate([part.ours.errors for part in parts]),
            np.concatenate([part.ours.slow for part in parts]),
        ),
        np.concatenate([part.undecided for part in parts]),
        np.concatenate([part.requests for part in parts]),
    )


def _slow(traces: Traces) -> Ints:
    """The candidate's answers beyond the stable's p95, by minute."""
    slow: Ints = traces.latency[..., stable_p95_level() + 1 :].sum(axis=-1)
    return slow


def _until(values: Ints, ends: Ints) -> Ints:
    """The sum of each row's values before its end."""
    before = np.arange(values.shape[1]) < ends[:, None]
    total: Ints = np.where(before, values, 0).sum(axis=1)
    return total


def _as_they_come(runs: Sequence[Run]) -> Table:
    least = min(one.requests.min() for one in runs)
    table = Table(
        "scenario", "policy", "rolled back", "promoted", "undecided", "harmed: mean", "median",
        title=f"{len(runs[0].requests):,} rollouts of at least {least:,} candidate requests; "
        "policies as they come",
    )  # fmt: skip
    for column in table.columns[2:]:
        column.justify = "right"
    for one in runs:
        table.add_section()
        table.add_row(
            one.scenario.name, "Fairway", *_cells(one, one.ours, float(one.undecided.mean()))
        )
        for peer in DEFAULTS:
            table.add_row("", str(peer), *_cells(one, run(peer, one.seen), 0.0))
    return table


def _cells(one: Run, outcomes: Outcomes, undecided: float) -> tuple[str, ...]:
    rolled_back, harmed = float(outcomes.rolled_back.mean()), one.harmed(outcomes)
    return (
        _percent(rolled_back), _percent(1 - rolled_back - undecided), _percent(undecided),
        f"{harmed.mean():,.1f}", f"{np.median(harmed):,.0f}",
    )  # fmt: skip


def _at_equal_rates(bad: Run, swept: Sequence[tuple[Peer, AtEqual | None]], false: float) -> Table:
    table = Table(
        "policy (its threshold next to that rate)", "missed", "harmed: mean", "median",
        title=f"{bad.scenario.name}: thresholds swept, at {_percent(false)} false rollbacks",
    )  # fmt: skip
    for column in table.columns[1:]:
        column.justify = "right"
    ours = bad.harmed(bad.ours)
    missed = 1 - float(bad.ours.rolled_back.mean())
    table.add_row("Fairway", *_row(missed, float(ours.mean()), float(np.median(ours))))
    for family, equal in swept:
        if equal is None:
            table.add_row(f"{family.name}: every threshold rolls back more", "", "", "")
        else:
            table.add_row(str(equal.near), *_row(equal.missed, equal.harmed, equal.median))
    return table


def _row(missed: float, mean: float, median: float) -> tuple[str, str, str]:
    return _percent(missed), f"{mean:,.1f}", f"{median:,.0f}"


def _promises(healthy: Run, bad: Sequence[Run]) -> list[Figure]:
    figures = [
        Figure(SECTION, "false rollbacks", _in_percent(healthy.ours.rolled_back), "%", limit=1.0),
        Figure(SECTION, "healthy, undecided", _in_percent(healthy.undecided), "%"),
    ]
    for one in bad:
        missed = _in_percent(~one.ours.rolled_back)
        figures.append(Figure(SECTION, f"missed, {one.scenario.name}", missed, "%", limit=1.0))
    return figures


def _speed() -> Figure:
    """One judgement at the end of a whole rollout, when there is most to judge."""
    traces = chunk(SCENARIOS[0], np.random.default_rng([SEED, 0]))
    *_, (_, evidence) = gathered(traces, 0)
    took = []
    for _ in range(500):
        started = time.perf_counter_ns()
        judge(evidence, POLICY)
        took.append(time.perf_counter_ns() - started)
    return Figure(SECTION, "one judgement", statistics.median(took) / 1000, "µs", limit=1000.0)


def _comparison(bad: Run, swept: Sequence[tuple[Peer, AtEqual | None]]) -> Figure:
    """Harm at equal false rollbacks, against the best of all families and thresholds."""
    best = min((point for _, point in swept if point), key=lambda point: point.harmed)
    name = f"harmed, {bad.scenario.name}, at equal false rollbacks"
    ours = float(bad.harmed(bad.ours).mean())
    return Figure(SECTION, name, ours, "", best.harmed, f"best tuned {best.near.name}", 1.0)


def _in_percent(which: NDArray[np.bool_]) -> float:
    return 100 * float(which.mean())


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
