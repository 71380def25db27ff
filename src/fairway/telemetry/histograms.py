"""Histograms: how observations are counted in buckets, and percentiles from such counts. Pure.

Three kinds are read: explicit bounds and exponential ones of OTLP (`otlp/metrics.py` keeps them as
JSON), and ours for requests, whose buckets are eighths of a power of two (each 9 % wide, so that a
percentile is off by less than that). All become the same thing, `Bucket`s, and any mixture of them
can be added up: within a bucket observations are taken to be spread evenly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

_PER_DOUBLING = 8
_SHORTEST = 1e-6
_POINT = 1e-9
"""A narrower bucket is a single value: a density would be lost to rounding."""
_WIDEST_OPEN = 2.0
"""An explicit histogram's last bucket has no end: it is taken to end at twice its beginning."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many observations lie in `(lower, upper]`. With `lower == upper` all are that value."""

    lower: float
    upper: float
    count: float


def step_of(seconds: float) -> int:
    """Which of our buckets a duration is counted in."""
    return math.ceil(math.log2(max(seconds, _SHORTEST)) * _PER_DOUBLING - 1e-9) - 1


def step_bounds(step: int) -> tuple[float, float]:
    """The bounds of one of our buckets, in seconds."""
    return 2.0 ** (step / _PER_DOUBLING), 2.0 ** ((step + 1) / _PER_DOUBLING)


def of_steps(counts: Mapping[int, float]) -> list[Bucket]:
    """Our own histogram as buckets."""
    return [Bucket(*step_bounds(step), count) for step, count in counts.items() if count > 0]


def of_otlp(content: Mapping[str, Any]) -> list[Bucket]:
    """A histogram as `otlp/metrics.py` keeps it."""
    return _exponential(content) if "s" in content else _explicit(content)


def decoded(text: str) -> dict[str, Any]:
    """The stored text of a histogram; empty for a point that has none."""
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def percentiles(buckets: Iterable[Bucket], wanted: Sequence[float]) -> list[float | None]:
    """The values below which the wanted shares (0 to 1, rising or not) of all observations lie.

    None for each when there are no observations. Buckets may overlap.
    """
    edges, cumulated = _cumulated([bucket for bucket in buckets if bucket.count > 0])
    if not edges:
        return [None for _ in wanted]
    return [_at(edges, cumulated, share * cumulated[-1]) for share in wanted]


def share_below(buckets: Iterable[Bucket], limit: float) -> float | None:
    """Which share of all observations is at most `limit`; None without observations."""
    total = within = 0.0
    for bucket in buckets:
        total += bucket.count
        within += bucket.count * _part(bucket, limit)
    return within / total if total else None


def _part(bucket: Bucket, limit: float) -> float:
    if limit >= bucket.upper:
        return 1.0
    if limit <= bucket.lower:
        return 0.0
    return (limit - bucket.lower) / (bucket.upper - bucket.lower)


def _cumulated(buckets: list[Bucket]) -> tuple[list[float], list[float]]:
    """Every edge, and how many observations lie below it and then up to it: two points each."""
    edges = sorted({edge for bucket in buckets for edge in (bucket.lower, bucket.upper)})
    index = {edge: place for place, edge in enumerate(edges)}
    jumps, slopes = [0.0] * len(edges), [0.0] * len(edges)
    for bucket in buckets:
        if bucket.upper - bucket.lower < _POINT:
            jumps[index[bucket.upper]] += bucket.count
        else:
            density = bucket.count / (bucket.upper - bucket.lower)
            slopes[index[bucket.lower]] += density
            slopes[index[bucket.upper]] -= density
    points, cumulated, total = [], [], 0.0
    before = edges[0] if edges else 0.0
    for edge, jump, density in zip(edges, jumps, accumulate(slopes, initial=0.0), strict=False):
        total += max(0.0, density) * (edge - before)
        points += [edge, edge]
        cumulated += [total, total + jump]
        total, before = total + jump, edge
    return points, cumulated


def _at(edges: list[float], cumulated: list[float], rank: float) -> float:
    if rank <= cumulated[0]:
        return edges[0]
    for place, (before, after) in enumerate(pairwise(cumulated)):
        if rank <= after and after > before:
            share = (rank - before) / (after - before)
            return edges[place] + share * (edges[place + 1] - edges[place])
    return edges[-1]


def _explicit(content: Mapping[str, Any]) -> list[Bucket]:
    bounds, counts = content.get("b", ()), content.get("c", ())
    if not counts:
        return []
    if not bounds:  # how many there were is all that it says
        return []
    lowest = min(0.0, bounds[0])
    edges = [lowest, *bounds, max(bounds[-1] * _WIDEST_OPEN, bounds[-1])]
    return [
        Bucket(lower, upper, count)
        for (lower, upper), count in zip(pairwise(edges), counts, strict=True)
        if count > 0
    ]


def _exponential(content: Mapping[str, Any]) -> list[Bucket]:
    """Bucket i is `(base**i, base**(i+1)]` with base = 2**(2**-scale), as OTLP defines it."""
    base = _power(-int(content["s"]))
    zeros = float(content.get("z", 0))
    threshold = float(content.get("t", 0.0))
    threshold = threshold if 0.0 < threshold < math.inf else 0.0
    found = [Bucket(-threshold, threshold, zeros)] if zeros else []
    for offset, counts, sign in (("o", "p", 1), ("q", "n", -1)):
        for place, count in enumerate(content.get(counts, ()), int(content.get(offset, 0))):
            if count > 0:
                edges = sign * _power(place * base), sign * _power((place + 1) * base)
                found.append(Bucket(min(edges), max(edges), count))
    return found


def _power(exponent: float) -> float:
    power: float = 2.0 ** min(max(exponent, -1022.0), 1023.0)
    return power
