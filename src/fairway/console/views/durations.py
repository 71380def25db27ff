"""The distribution of durations as bars, each of which leads to the traces that are in it.

The trace list draws it. Heights grow with the square root of the count, so that the few slow ones,
which are looked for, can be seen beside the thousands of others. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fairway.telemetry.port import DurationBucket


@dataclass(frozen=True, slots=True)
class DurationBar:
    """Traces that took more than `lower` and up to `upper` seconds (None: any more).

    `x` and `width` are shares of the drawing's width, `height` and `failed` of its height; `failed`
    is the part of the bar that stands for errors.
    """

    lower: float
    upper: float | None
    count: int
    errors: int
    x: float
    width: float
    height: float
    failed: float


def duration_bars(buckets: Sequence[DurationBucket]) -> tuple[DurationBar, ...]:
    """One bar per bucket between the first and the last that holds something."""
    ordered = sorted(buckets, key=lambda bucket: bucket.upper)
    lowers = [0.0, *(bucket.upper for bucket in ordered)]
    found = list(zip(lowers, ordered, strict=False))
    filled = [index for index, (_, bucket) in enumerate(found) if bucket.count]
    if not filled:
        return ()
    shown = found[filled[0] : filled[-1] + 1]
    most = max(bucket.count for _, bucket in shown)
    width = 1 / len(shown)
    return tuple(
        _bar(lower, bucket, index * width, width, most)
        for index, (lower, bucket) in enumerate(shown)
    )


def _bar(lower: float, bucket: DurationBucket, x: float, width: float, most: int) -> DurationBar:
    height = math.sqrt(bucket.count / most)
    return DurationBar(
        lower=lower,
        upper=bucket.upper if math.isfinite(bucket.upper) else None,
        count=bucket.count,
        errors=bucket.errors,
        x=x,
        width=width,
        height=height,
        failed=height * bucket.errors / bucket.count if bucket.count else 0.0,
    )
