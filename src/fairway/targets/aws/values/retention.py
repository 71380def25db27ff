"""For how long CloudWatch keeps logs: one of the periods that it offers. Pure.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""

from __future__ import annotations

from math import ceil

PERIODS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip
"""Days."""


def log_days(seconds: float) -> int:
    """The shortest period that is not shorter than was asked for; the longest there is."""
    days = ceil(seconds / 86400)
    return next((period for period in PERIODS if period >= days), PERIODS[-1])
