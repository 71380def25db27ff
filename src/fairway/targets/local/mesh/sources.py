"""What measurements are read from: Envoy's statistics, its access log, a program's metrics. Pure.

Used by `measuring.py`, which fetches these texts. Envoy's documentation of the first:
https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--stats
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fairway.plan.latency import bucket_of
from fairway.targets.local.mesh.totals import Counters, Histogram, Logged
from fairway.targets.mesh.render.access_log import Direction

Json = dict[str, Any]

_COMPLETED, _FAILED, _TIME = "upstream_rq_completed", "upstream_rq_5xx", "upstream_rq_time"
_UNANSWERED = b'"status":0,'

_SAMPLE = re.compile(
    r"(?P<name>[A-Za-z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>[^\s{}]+)(?:\s+-?\d+)?\s*"
)
_LABEL = re.compile(r'\s*(?P<name>[A-Za-z_]\w*)\s*=\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*,?')


@dataclass(frozen=True, slots=True)
class Source:
    """Where to read: the direction whose log lines count, and each name's cluster."""

    direction: Direction
    clusters: Mapping[str, str]


def statistics_filter(source: Source) -> str:
    """The regular expression for what is needed of an Envoy's statistics."""
    clusters = "|".join(re.escape(cluster) for cluster in source.clusters.values())
    return rf"^cluster\.({clusters})\.({_COMPLETED}|{_FAILED}|{_TIME})$"


def counters(statistics: Json, source: Source) -> dict[str, Counters]:
    """The counters of each cluster, from `/stats?format=json&histogram_buckets=detailed`.

    Nothing was counted yet for one that is not in there.
    """
    numbers: dict[str, int] = {}
    histograms: dict[str, Histogram] = {}
    for entry in statistics["stats"]:
        if "name" in entry:
            numbers[entry["name"]] = entry["value"]
        for histogram in entry.get("histograms", {}).get("details", ()):
            histograms[histogram["name"]] = _buckets(histogram["totals"])
    return {
        name: Counters(
            numbers.get(f"cluster.{cluster}.{_COMPLETED}", 0),
            numbers.get(f"cluster.{cluster}.{_FAILED}", 0),
            histograms.get(f"cluster.{cluster}.{_TIME}", {}),
        )
        for name, cluster in source.clusters.items()
    }


def _buckets(totals: Iterable[Mapping[str, float]]) -> dict[int, int]:
    """Envoy's buckets as ours. It cuts off what exceeds whole milliseconds: half of one is added
    on average.
    """
    buckets: Counter[int] = Counter()
    for bucket in totals:
        middle = bucket["lower_bound"] + max(bucket["width"], 1.0) / 2
        buckets[bucket_of(middle * 1_000)] += int(bucket["count"])
    return dict(buckets)


def logged(lines: bytes, source: Source, *, latencies: bool) -> dict[str, Logged]:
    """What whole lines of an access log add, by name; latencies only where they are wanted."""
    direction = f'"direction":"{source.direction}"'.encode()
    names = {cluster: name for name, cluster in source.clusters.items()}
    unanswered: Counter[str] = Counter()
    histograms: dict[str, Counter[int]] = {name: Counter() for name in source.clusters}
    for line in lines.splitlines():
        if direction not in line or not (latencies or _UNANSWERED in line):
            continue
        entry = _entry(line)
        name = names.get(entry.get("cluster", ""))
        if name is None:
            continue
        if entry["status"] == 0:
            unanswered[name] += 1
        elif latencies and entry["upstream_us"] is not None:
            histograms[name][bucket_of(entry["upstream_us"])] += 1
    return {name: Logged(histograms[name], unanswered[name]) for name in source.clusters}


def _entry(line: bytes) -> Json:
    """A line that was cut by a full disk counts for nothing."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def counter_sum(exposition: str, selector: str) -> int:
    """The sum of all series of a counter in Prometheus' text format.

    `selector` is a name, or a name with labels that a series must have: `orders{status="bad"}`.
    https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
    """
    name, _, wanted = selector.partition("{")
    labels = _labels(wanted.rstrip("} "))
    total = 0.0
    for line in exposition.splitlines():
        if not line.startswith(name.strip()):
            continue
        sample = _SAMPLE.fullmatch(line)
        if sample is None or sample["name"] != name.strip():
            continue
        if labels.items() <= _labels(sample["labels"] or "").items():
            total += _number(sample["value"])
    return round(total)


def _labels(text: str) -> dict[str, str]:
    return {label["name"]: label["value"] for label in _LABEL.finditer(text)}


def _number(text: str) -> float:
    """A counter is finite; anything else counts for nothing."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value < float("inf") else 0.0
