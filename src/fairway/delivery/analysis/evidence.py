"""What was measured of a candidate and of the stable version beside it, ready to be judged.

The engine has the target's running totals at each look; `Evidence.with_look` turns them into
strata: stretches of time with one weight, in which both versions saw the same mixture of requests.
Comparing within strata, never across them, keeps a busy hour or a larger weight from looking like
a worse release. A step begins with a cold stratum (its warm-up) and goes on with warm ones.

Evidence is kept durably as JSON between looks. Pure: times are arguments, in Unix seconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

from fairway.plan.latency import added
from fairway.targets.contract import Traffic

Json = dict[str, Any]

LONGEST = 300.0
"""Seconds after which a stratum is closed although nothing changed: traffic drifts."""


class Latencies:
    """A histogram sorted once, so that tails and quantiles of it cost a binary search."""

    __slots__ = ("_buckets", "_up_to", "total")

    def __init__(self, histogram: Mapping[int, int]) -> None:
        self._buckets = sorted(histogram)
        self._up_to = [0, *accumulate(histogram[bucket] for bucket in self._buckets)]
        self.total = self._up_to[-1]

    def up_to(self, bucket: int) -> int:
        """How many answers were in this bucket or a faster one."""
        return self._up_to[bisect_right(self._buckets, bucket)]

    def slower_than(self, bucket: int) -> int:
        """How many answers were slower than this bucket's upper bound."""
        return self.total - self.up_to(bucket)

    def quantile(self, share: float) -> int | None:
        """The first bucket that `share` of the answers do not exceed; None without answers."""
        if not self.total:
            return None
        return self._buckets[bisect_left(self._up_to, share * self.total, 1) - 1]

    @property
    def range(self) -> tuple[int, int]:
        """The fastest and the slowest bucket with answers."""
        return self._buckets[0], self._buckets[-1]


def shared_quantile(parts: Sequence[Latencies], share: float) -> int | None:
    """The quantile's bucket of several histograms together, without adding them up."""
    filled = [part for part in parts if part.total]
    if not filled:
        return None
    wanted = share * sum(part.total for part in filled)
    lowest, highest = min(p.range[0] for p in filled), max(p.range[1] for p in filled)
    while lowest < highest:
        middle = (lowest + highest) // 2
        if sum([part.up_to(middle) for part in filled]) >= wanted:
            highest = middle
        else:
            lowest = middle + 1
    return lowest


@dataclass(frozen=True)
class Stratum:
    """A stretch of time with one `weight` (the candidate's percent of new requests).

    `warm` is false during the warm-up of a step, whose latencies say nothing about the release.
    No slots: what is derived from the histograms is kept, because a closed stratum never changes.
    """

    weight: int
    warm: bool
    since: float
    until: float
    candidate: Traffic = field(default_factory=Traffic)
    stable: Traffic = field(default_factory=Traffic)

    @cached_property
    def candidate_latencies(self) -> Latencies:
        """How fast the candidate answered."""
        return Latencies(self.candidate.latency)

    @cached_property
    def stable_latencies(self) -> Latencies:
        """How fast the stable version answered."""
        return Latencies(self.stable.latency)

    def extended(self, until: float, candidate: Traffic, stable: Traffic) -> Stratum:
        """With what came since."""
        return replace(
            self,
            until=until,
            candidate=together(self.candidate, candidate),
            stable=together(self.stable, stable),
        )


@dataclass(frozen=True, slots=True)
class Look:
    """Running totals of both versions at one moment, at a weight that is in force since `since`."""

    at: float
    weight: int
    since: float
    candidate: Traffic
    stable: Traffic


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one service's two versions; `candidate` and `stable` are their names."""

    service: str
    candidate: str
    stable: str
    strata: tuple[Stratum, ...] = ()
    last: Look | None = None

    @property
    def seconds(self) -> float:
        """For how long both have been watched."""
        return self.strata[-1].until - self.strata[0].since if self.strata else 0.0

    def with_look(
        self, at: float, weight: int, candidate: Traffic, stable: Traffic, warm_up: float
    ) -> Evidence:
        """With the running totals at `at`, under the `weight` that is in force.

        The first look only sets the baseline. Looks may come at any times, and after a restart;
        one that is not later than the last changes nothing. What came between two looks with
        different weights is judged as if all of it had the larger one, which blames the candidate
        less, and as cold.
        """
        last = self.last
        if last is None:
            return replace(self, last=Look(at, weight, at, candidate, stable))
        if at <= last.at:
            return self
        since = last.since if weight == last.weight else at
        warm = weight == last.weight and last.at - since >= warm_up
        fresh = Stratum(max(weight, last.weight), warm, last.at, at).extended(
            at, since_baseline(candidate, last.candidate), since_baseline(stable, last.stable)
        )
        look = Look(at, weight, since, candidate, stable)
        return replace(self, strata=_joined(self.strata, fresh), last=look)

    def to_json(self) -> Json:
        """Plain values, for durable storage."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Json) -> Evidence:
        """What `to_json` made, also after JSON has turned bucket numbers into texts."""
        return cls(
            data["service"],
            data["candidate"],
            data["stable"],
            tuple(Stratum(**_with_traffic(stratum)) for stratum in data["strata"]),
            Look(**_with_traffic(data["last"])) if data["last"] else None,
        )


def since_baseline(now: Traffic, before: Traffic) -> Traffic:
    """What came after a baseline of running totals, never negative.

    A total that fell (a counter was reset somewhere in the sum) counts as nothing new: taking the
    whole smaller total for new would count the other sources' past twice.
    """
    requests = max(0, now.requests - before.requests)
    return Traffic(
        requests,
        min(requests, max(0, now.errors - before.errors)),
        {
            bucket: count - before.latency.get(bucket, 0)
            for bucket, count in now.latency.items()
            if count > before.latency.get(bucket, 0)
        },
        {name: _grown(pair, before.ratios.get(name, (0, 0))) for name, pair in now.ratios.items()},
    )


def together(one: Traffic, other: Traffic) -> Traffic:
    """Both added up."""
    return Traffic(
        one.requests + other.requests,
        one.errors + other.errors,
        added(one.latency, other.latency),
        {
            name: _summed(one.ratios.get(name, (0, 0)), other.ratios.get(name, (0, 0)))
            for name in {*one.ratios, *other.ratios}
        },
    )


def _joined(strata: tuple[Stratum, ...], fresh: Stratum) -> tuple[Stratum, ...]:
    """Into the last stratum where it is of the same kind and not too old, else as a new one.

    Older evidence allows longer strata, so their number grows only with the logarithm of the time.
    """
    if not strata:
        return (fresh,)
    last, longest = strata[-1], max(LONGEST, (fresh.since - strata[0].since) / 8)
    same = (last.weight, last.warm) == (fresh.weight, fresh.warm)
    if same and fresh.until - last.since <= longest:
        return (*strata[:-1], last.extended(fresh.until, fresh.candidate, fresh.stable))
    return (*strata, fresh)


def _grown(now: tuple[int, int], before: tuple[int, int]) -> tuple[int, int]:
    total = max(0, now[1] - before[1])
    return min(total, max(0, now[0] - before[0])), total


def _summed(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def _with_traffic(data: Json) -> Json:
    return {**data, "candidate": _traffic(data["candidate"]), "stable": _traffic(data["stable"])}


def _traffic(data: Json) -> Traffic:
    return Traffic(
        data["requests"],
        data["errors"],
        {int(bucket): count for bucket, count in data["latency"].items()},
        {name: (hits, total) for name, (hits, total) in data["ratios"].items()},
    )
