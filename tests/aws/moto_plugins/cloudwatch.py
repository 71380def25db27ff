"""CloudWatch: composite alarms.

Added: PutCompositeAlarm; what moto keeps of a metric alarm is enough, its rule included.
"""

from __future__ import annotations

from moto.cloudwatch.responses import CloudWatchResponse as Response


def install() -> None:
    Response.put_composite_alarm = Response.put_metric_alarm
