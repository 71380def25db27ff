"""Running totals of what one task answered, from Envoy's statistics. Pure.

    {"requests": 12, "errors": 1, "latency": {"1500": 10, "2500": 2}}

Envoy counts whole milliseconds, so a bucket is named by its middle, in microseconds. Totals never
fall: a counter that has become smaller has started over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Totals:
    """Requests, 5xx answers, and answers by latency in microseconds."""

    requests: int = 0
    errors: int = 0
    latency: Mapping[int, int] = field(default_factory=dict)

    def text(self) -> str:
        """As the target reads it."""
        latency = {str(middle): count for middle, count in sorted(self.latency.items())}
        return json.dumps({"requests": self.requests, "errors": self.errors, "latency": latency})

    def plus(self, other: Totals) -> Totals:
        """Both together."""
        latency = dict(self.latency)
        for middle, count in other.latency.items():
            latency[middle] = latency.get(middle, 0) + count
        return Totals(self.requests + other.requests, self.errors + other.errors, latency)

    def since(self, before: Totals) -> Totals:
        """What was counted after `before`; all of it if it has started over."""
        if self.requests < before.requests:
            return self
        latency = {m: n - before.latency.get(m, 0) for m, n in self.latency.items()}
        return Totals(
            self.requests - before.requests,
            max(0, self.errors - before.errors),
            {middle: count for middle, count in latency.items() if count > 0},
        )


def statistics_filter(prefix: str) -> str:
    """The regular expression for what is needed of Envoy's statistics."""
    return rf"^{_escaped(prefix)}\.(upstream|downstream)_rq_(completed|5xx|time)$"


def counted(statistics: Json, prefix: str) -> Totals:
    """The counters under a prefix, from `/stats?format=json&histogram_buckets=detailed`."""
    numbers: dict[str, int] = {}
    latency: dict[int, int] = {}
    for entry in statistics.get("stats", ()):
        if "name" in entry:
            numbers[entry["name"]] = int(entry["value"])
        for histogram in entry.get("histograms", {}).get("details", ()):
            if histogram["name"].startswith(f"{prefix}."):
                latency = _buckets(histogram["totals"])
    return Totals(_sum(numbers, prefix, "completed"), _sum(numbers, prefix, "5xx"), latency)


def _sum(numbers: Mapping[str, int], prefix: str, what: str) -> int:
    sides = ("upstream", "downstream")
    return sum(numbers.get(f"{prefix}.{side}_rq_{what}", 0) for side in sides)


def _buckets(totals: Any) -> dict[int, int]:
    latency: dict[int, int] = {}
    for bucket in totals:
        middle = round((bucket["lower_bound"] + max(bucket["width"], 1.0) / 2) * 1_000)
        latency[middle] = latency.get(middle, 0) + int(bucket["count"])
    return latency


def _escaped(prefix: str) -> str:
    return prefix.replace(".", r"\.")
