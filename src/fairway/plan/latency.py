"""Latency as counts in logarithmic buckets: the shape that all measurements and analyses share.

Bucket `i` holds latencies in (GROWTH**(i-1), GROWTH**i] microseconds, so a quantile is known to
about 2 % wherever it lies, and histograms of several sources add up bucket by bucket. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

GROWTH = 1.02
"""The ratio of neighbouring bounds: 2 % is finer than any difference worth a rollback."""
_LOG_GROWTH = math.log(GROWTH)


def bucket_of(microseconds: float) -> int:
    """The bucket of a latency; everything up to one microsecond is in bucket 0."""
    if microseconds <= 1.0:
        return 0
    return math.ceil(math.log(microseconds) / _LOG_GROWTH - 1e-9)


def upper_bound(bucket: int) -> float:
    """The largest latency of a bucket, in microseconds."""
    return GROWTH**bucket


def added(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    """Both histograms together."""
    total = dict(one)
    for bucket, count in other.items():
        total[bucket] = total.get(bucket, 0) + count
    return total


def quantile(histogram: Mapping[int, int], share: float) -> float | None:
    """The latency that `share` (0 to 1) of the requests do not exceed, in microseconds.

    None without requests.
    """
    total = sum(histogram.values())
    if total == 0:
        return None
    wanted, seen = share * total, 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= wanted:
            return upper_bound(bucket)
    return upper_bound(max(histogram))
