"""The peers' thresholds swept, so that policies are compared at equal false rollbacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.rollouts.peers import ARGO, FLAGGER, NEVER, Measured, Outcomes, Peer, run

SUCCESS = tuple(
    1 - per_mille / 1000
    for per_mille in (5, 10, 12, 15, 18, 20, 23, 26, 30, 34, 38, 44, 50, 60, 75, 100, 150, 250)
)
DURATIONS = tuple(float(limit) for limit in (*range(85, 150, 5), *range(150, 220, 10), 300, 500))
FAMILIES: tuple[Peer, ...] = tuple(
    [replace(ARGO, interval=interval, failures=failures, success=0.0)
     for interval in (1, 5) for failures in (1, 2, 3, 4)]
    + [replace(FLAGGER, failures=failures, success=0.0, duration=NEVER)
       for failures in (1, 2, 3, 5, 10)]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold: false rollbacks of the healthy, and of the bad ones misses and harm."""

    peer: Peer
    false: float
    missed: float
    harmed: float
    median: float


@dataclass(frozen=True, slots=True)
class AtEqual:
    """A family at a given share of false rollbacks, between its two nearest thresholds."""

    near: Peer
    missed: float
    harmed: float
    median: float


def by_success(family: Peer, healthy: Measured, bad: Measured) -> list[Point]:
    """Its success threshold swept, judging nothing else; harmed are failed answers."""
    peers = [replace(family, success=success) for success in SUCCESS]
    return [_point(peer, run(peer, healthy), run(peer, bad), slow=False) for peer in peers]


def by_duration(family: Peer, healthy: Measured, bad: Measured) -> list[Point]:
    """Its p95 threshold swept, judging nothing else; harmed are slow answers."""
    peers = [replace(family, duration=limit, quantile=0.95) for limit in DURATIONS]
    return [_point(peer, run(peer, healthy), run(peer, bad), slow=True) for peer in peers]


def at_equal(points: Sequence[Point], false: float) -> AtEqual | None:
    """Linear between the nearest points around `false`; None where the family cannot be so quiet.

    Where it is quieter than that with every threshold, its most eager one counts.
    """
    ordered = sorted(points, key=lambda point: (point.false, -point.harmed))
    if ordered[0].false > false:
        return None
    below = [point for point in ordered if point.false <= false]
    quiet = min(below, key=lambda point: point.harmed)
    above = next((point for point in ordered if point.false > false), quiet)
    span = above.false - quiet.false
    part = (false - quiet.false) / span if span else 0.0
    return AtEqual(
        quiet.peer,
        quiet.missed + part * (above.missed - quiet.missed),
        quiet.harmed + part * (above.harmed - quiet.harmed),
        quiet.median + part * (above.median - quiet.median),
    )


def _point(peer: Peer, healthy: Outcomes, bad: Outcomes, *, slow: bool) -> Point:
    harmed = bad.slow if slow else bad.errors
    return Point(
        peer,
        float(healthy.rolled_back.mean()),
        float(1 - bad.rolled_back.mean()),
        float(harmed.mean()),
        float(np.median(harmed)),
    )
