"""Percentiles of CloudWatch, which moto does not compute: `p95` of single values."""

from __future__ import annotations

import math
from typing import Any

from moto.cloudwatch import models as cloudwatch


def install() -> None:
    """Add them to moto's statistics."""
    statistics: Any = cloudwatch.Statistics
    known = statistics.get_statistics_for_type

    def get_statistics_for_type(self: Any, stat: str) -> Any:
        if not stat.startswith("p"):
            return known(self, stat)
        values = sorted(self.metric_single_values_list)
        place = max(0, math.ceil(float(stat[1:]) / 100 * len(values)) - 1)
        return values[place] if values else None

    statistics.get_statistics_for_type = get_statistics_for_type
