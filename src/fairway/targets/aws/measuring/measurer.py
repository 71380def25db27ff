"""Running totals of what the versions of services answered, over all tasks and regions.

In the mesh the agent beside each Envoy reports its task's totals; the row of a task that is gone
stays, and after a day it is folded into one row of the version, so that totals never fall. For a
service outside the mesh the load balancer's target group is asked: minutes that will not change
any more are folded into a row likewise, and those after them are counted as they are just now.
Methods block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fairway.targets.aws.balancing import Balancer
from fairway.targets.aws.clients import telling
from fairway.targets.aws.measuring.reports import FOLDED_AT_ONCE, OWN, Report, Reports
from fairway.targets.aws.measuring.totals import (
    PERCENTILES,
    from_percentiles,
    from_text,
    summed,
    to_text,
    traffic_of,
)
from fairway.targets.aws.place import Place
from fairway.targets.aws.standing.state import Key, Standing, StandingVersion
from fairway.targets.contract import Measured, Traffic

_GONE = f"{OWN}gone"
_BALANCER = f"{OWN}load-balancer"
_SILENT = 86_400.0
"""After how many seconds without a report a task is gone for good."""
_MINUTE = 60
_LATE = 5 * _MINUTE
"""For how long CloudWatch may still correct a minute, in seconds."""
_MANY = 12 * 3600
"""How much of the past is asked for at once, in seconds."""

_COUNTS = {
    "requests": ("RequestCount", "Sum"),
    "errors": ("HTTPCode_Target_5XX_Count", "Sum"),
    "unreached": ("TargetConnectionErrorCount", "Sum"),
}


class Measurer:
    """Sums the totals of versions."""

    def __init__(self, place: Place, balancer: Balancer) -> None:
        self._place = place
        self._reports = Reports(place)
        self._balancer = balancer

    def of(self, standing: Standing, services: Iterable[str], regions: Sequence[str]) -> Measured:
        """By service and version; a version that nobody has asked yet has zeros."""
        wanted = [name for name in services if name in standing.services]
        outside = [name for name in wanted if name in standing.outside_mesh]
        inside = [(s, v.name) for s in wanted if s not in outside for v in standing.services[s]]
        parts: dict[Key, list[Traffic]] = {}
        for region in regions:
            for key, traffic in (*self._inside(region, inside), *self._outside(
                region, standing, outside
            )):  # fmt: skip
                parts.setdefault(key, []).append(traffic)
        return {
            name: {v.name: summed(parts.get((name, v.name), ())) for v in standing.services[name]}
            for name in wanted
        }

    def _inside(self, region: str, keys: Sequence[Key]) -> Iterator[tuple[Key, Traffic]]:
        for key, rows in self._reports.of(region, keys).items():
            yield key, summed(_traffic(row) for row in rows)
            self._fold(region, key, rows)

    def _fold(self, region: str, key: Key, rows: Sequence[Report]) -> None:
        """What silent tasks have counted goes to the row of those that are gone.

        Of very many a part at a time: what is added up and what is forgotten are the same rows.
        """
        now = self._place.clock()
        silent = [row for row in rows if not row.task.startswith(OWN) and now - row.at > _SILENT]
        silent = silent[:FOLDED_AT_ONCE]
        if not silent:
            return
        gone = next((row for row in rows if row.task == _GONE), Report(_GONE, 0.0, ""))
        total = summed([from_text(gone.totals), *(_traffic(row) for row in silent)])
        fresh = Report(_GONE, now, to_text(total), revision=gone.revision + 1)
        self._reports.keep(region, key, fresh, silent)

    def _outside(
        self, region: str, standing: Standing, services: Sequence[str]
    ) -> Iterator[tuple[Key, Traffic]]:
        if not services:
            return
        groups = self._balancer.groups(region, services)
        versions = [(name, v) for name in services for v in standing.services[name]]
        rows = self._reports.of(region, [(name, v.name) for name, v in versions])
        for name, version in versions:
            key = (name, version.name)
            group = groups.get((name, version.slot))
            if group is not None:
                yield key, self._balanced(region, key, version, group, rows[key])

    def _balanced(
        self,
        region: str,
        key: Key,
        version: StandingVersion,
        group: Mapping[str, str],
        rows: Sequence[Report],
    ) -> Traffic:
        """What was folded, and all minutes since; those that are certain are folded."""
        first = version.since // _MINUTE * _MINUTE
        kept = next(
            (r for r in rows if r.task == _BALANCER), Report(_BALANCER, 0.0, "", until=first)
        )
        now = self._place.clock()
        minutes = self._minutes(region, group, kept.until, now)
        total = summed([from_text(kept.totals), *minutes.values()])
        until = (now - _LATE) // _MINUTE * _MINUTE
        certain = [traffic for minute, traffic in minutes.items() if minute < until]
        if certain or until - kept.until > _MANY:
            folded = summed([from_text(kept.totals), *certain])
            fresh = Report(_BALANCER, now, to_text(folded), until=until, revision=kept.revision + 1)
            self._reports.keep(region, key, fresh)
        return total

    def _minutes(
        self, region: str, group: Mapping[str, str], since: float, until: float
    ) -> dict[float, Traffic]:
        """What a target group answered in each minute."""
        found: dict[float, dict[str, float]] = {}
        at = since
        while at < until:
            end = min(at + _MANY, until + _MINUTE)
            for name, minute, value in self._asked(region, group, at, end):
                found.setdefault(minute, {})[name] = value
            at += _MANY
        return {minute: _minute(values) for minute, values in found.items()}

    def _asked(
        self, region: str, group: Mapping[str, str], since: float, until: float
    ) -> Iterator[tuple[str, float, float]]:
        client = self._place.clients.of("cloudwatch", region)
        with telling("measure a target group", where=group["TargetGroup"]):
            pages = client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=list(_queries(group)),
                StartTime=datetime.fromtimestamp(since, UTC),
                EndTime=datetime.fromtimestamp(until, UTC),
            )
            for page in pages:
                for result in page["MetricDataResults"]:
                    for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                        yield result["Id"], at.timestamp() // _MINUTE * _MINUTE, float(value)


def _traffic(row: Report) -> Traffic:
    return from_text(row.totals) if row.task.startswith(OWN) else traffic_of(row.totals)


def _queries(group: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    percentiles = {f"p{each}": ("TargetResponseTime", _statistic(each)) for each in PERCENTILES}
    for name, (metric, statistic) in {**_COUNTS, **percentiles}.items():
        yield {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/ApplicationELB",
                    "MetricName": metric,
                    "Dimensions": [{"Name": n, "Value": v} for n, v in group.items()],
                },
                "Period": _MINUTE,
                "Stat": statistic,
            },
        }


def _statistic(percent: int) -> str:
    return "Maximum" if percent == PERCENTILES[-1] else f"p{percent}"


def _minute(values: Mapping[str, float]) -> Traffic:
    requests = int(values.get("requests", 0))
    known = {each: values[f"p{each}"] for each in PERCENTILES if f"p{each}" in values}
    latency = from_percentiles(requests, known) if known else {}
    errors = int(values.get("errors", 0) + values.get("unreached", 0))
    return Traffic(requests, errors, latency)
