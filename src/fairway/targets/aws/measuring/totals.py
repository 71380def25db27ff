"""Running totals of one version: as agents write them, summed, and as `Traffic`. Pure.

    {"requests": 12, "errors": 1, "latency": {"5000": 10, "10000": 2}, "ratios": {"good": [3, 4]}}

`latency` counts answers by the upper bound of a bucket in microseconds; the counts are those of
each bucket alone. A load balancer tells percentiles only: `from_percentiles` spreads the requests
of a minute over them, each at the upper end of its part, so that nothing looks faster than it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from fairway.plan.latency import added, bucket_of
from fairway.targets.contract import Traffic

PERCENTILES = (50, 75, 90, 95, 99, 100)
"""What a load balancer is asked for; 100 is the maximum."""


def traffic_of(text: str) -> Traffic:
    """What an agent wrote; nothing of a row that says nothing."""
    if not text:
        return Traffic()
    found = json.loads(text)
    latency: dict[int, int] = {}
    for bound, count in found.get("latency", {}).items():
        latency = added(latency, {bucket_of(float(bound)): int(count)})
    return Traffic(
        int(found.get("requests", 0)),
        int(found.get("errors", 0)),
        latency,
        {name: (int(hit), int(of)) for name, (hit, of) in found.get("ratios", {}).items()},
    )


def to_text(traffic: Traffic) -> str:
    """The same in the target's own rows, by the numbers of our buckets."""
    return json.dumps({
        "requests": traffic.requests,
        "errors": traffic.errors,
        "buckets": {str(bucket): count for bucket, count in traffic.latency.items()},
        "ratios": {name: list(pair) for name, pair in traffic.ratios.items()},
    })  # fmt: skip


def from_text(text: str) -> Traffic:
    """What `to_text` made."""
    if not text:
        return Traffic()
    found = json.loads(text)
    return Traffic(
        found["requests"],
        found["errors"],
        {int(bucket): count for bucket, count in found["buckets"].items()},
        {name: (hit, of) for name, (hit, of) in found["ratios"].items()},
    )


def summed(parts: Iterable[Traffic]) -> Traffic:
    """All together."""
    requests, errors = 0, 0
    latency: dict[int, int] = {}
    ratios: dict[str, tuple[int, int]] = {}
    for part in parts:
        requests, errors = requests + part.requests, errors + part.errors
        latency = added(latency, part.latency)
        for name, (hit, of) in part.ratios.items():
            before = ratios.get(name, (0, 0))
            ratios[name] = (before[0] + hit, before[1] + of)
    return Traffic(requests, errors, latency, ratios)


def from_percentiles(requests: int, seconds: Mapping[int, float]) -> dict[int, int]:
    """Latencies by bucket of so many requests, whose percentiles are known in seconds."""
    latency: dict[int, int] = {}
    counted = 0
    for percent in sorted(seconds):
        until = requests if percent == max(seconds) else requests * percent // 100
        if until > counted:
            bucket = bucket_of(seconds[percent] * 1e6)
            latency = added(latency, {bucket: until - counted})
        counted = max(counted, until)
    return latency
