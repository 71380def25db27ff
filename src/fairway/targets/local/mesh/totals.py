"""Running totals of what each version answered, from counters that may start over. Pure.

Used by `measuring.py`. Envoy's counters begin at nothing when it starts again, and with a cluster
that comes back; a program's when its process does. A total takes only what was added since the last
look, so it never falls. It is plain data that a control plane can keep (`to_json`) and that its
successor goes on with (`from_json`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from fairway.plan.latency import added, quantile
from fairway.targets.contract import Traffic

Json = dict[str, Any]
Histogram = Mapping[int, int]
Scraped = Mapping[str, tuple[int, int]]
"""A metric's two counters by `<metric>@<port of the replica>`."""

FINE = 5_000.0
"""Microseconds: below, Envoy's whole milliseconds are too coarse to compare two versions."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What an Envoy has counted for one version since it started."""

    requests: int = 0
    errors: int = 0
    latency: Histogram = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Logged:
    """What a piece of the access log adds for one version: latencies, and who got no answer."""

    latency: Histogram = field(default_factory=dict)
    unanswered: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the Envoy of a service.

    `epoch` names its process; `fine` says whether latencies are to be those of the log (None: there
    is nothing yet to tell by). `position` is where the next look goes on in the log.
    """

    epoch: str
    counters: Mapping[str, Counters]
    logged: Mapping[str, Logged] = field(default_factory=dict)
    scraped: Mapping[str, Scraped] = field(default_factory=dict)
    position: int = 0
    fine: bool | None = None


@dataclass(frozen=True, slots=True)
class VersionTotals:
    """What a version answered, and the counters that were seen last."""

    traffic: Traffic = field(default_factory=Traffic)
    seen: Counters = field(default_factory=Counters)
    scraped: Scraped = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceTotals:
    """All versions of a service, and where to go on. `position` None: nothing was read yet.

    `fine` says whether the last latencies were those of the log; None before the first.
    """

    epoch: str = ""
    position: int | None = None
    fine: bool | None = None
    versions: Mapping[str, VersionTotals] = field(default_factory=dict)

    @property
    def traffic(self) -> dict[str, Traffic]:
        """The running totals by version."""
        return {name: version.traffic for name, version in self.versions.items()}


def advanced(totals: ServiceTotals, look: Look) -> ServiceTotals:
    """The totals after one more look; versions that are not there any more are forgotten."""
    before = {name: totals.versions.get(name, VersionTotals()) for name in look.counters}
    if look.epoch != totals.epoch:
        before = {name: replace(v, seen=Counters()) for name, v in before.items()}
    versions = {
        name: _advanced(version, look, name, _latency(totals, version, look, name))
        for name, version in before.items()
    }
    return ServiceTotals(look.epoch, look.position, _source(totals, look), versions)


def is_fine(latencies: Iterable[Histogram]) -> bool | None:
    """Whether answers come so fast that latencies have to come from the log: for all versions or
    for none, or they would differ by where they come from. None before the first answer.
    """
    medians = [quantile(latency, 0.5) for latency in latencies]
    known = [median for median in medians if median is not None]
    return any(median < FINE for median in known) if known else None


def _latency(totals: ServiceTotals, version: VersionTotals, look: Look, name: str) -> Histogram:
    """What a look adds: from the log, or from the histogram. When the source changes, nothing: the
    two are written at different moments, and what one has told would be told again by the other.
    """
    if None not in {look.fine, totals.fine} and look.fine != totals.fine:
        return {}
    if look.fine is False:
        return _histogram_since(version.seen.latency, look.counters[name].latency)
    return look.logged.get(name, Logged()).latency


def _source(totals: ServiceTotals, look: Look) -> bool | None:
    """Where the latencies were taken from by this look, else before."""
    if look.fine is not None:
        return look.fine
    return True if any(logged.latency for logged in look.logged.values()) else totals.fine


def _advanced(version: VersionTotals, look: Look, name: str, latency: Histogram) -> VersionTotals:
    now, before = look.counters[name], version.seen
    logged, scraped = look.logged.get(name, Logged()), look.scraped.get(name, {})
    old = version.traffic
    traffic = Traffic(
        requests=old.requests + _since(before.requests, now.requests) + logged.unanswered,
        errors=old.errors + _since(before.errors, now.errors) + logged.unanswered,
        latency=added(old.latency, latency),
        ratios=_ratios(old.ratios, version.scraped, scraped),
    )
    return VersionTotals(traffic, now, {**version.scraped, **scraped})


def _since(before: int, now: int) -> int:
    """What a counter has counted since; a smaller one has started over."""
    return now - before if now >= before else now


def _histogram_since(before: Histogram, now: Histogram) -> Histogram:
    if any(now.get(bucket, 0) < count for bucket, count in before.items()):
        return now
    new = {bucket: count - before.get(bucket, 0) for bucket, count in now.items()}
    return {bucket: count for bucket, count in new.items() if count}


def _ratios(
    old: Mapping[str, tuple[int, int]], before: Scraped, now: Scraped
) -> dict[str, tuple[int, int]]:
    ratios = dict(old)
    for key, (hits, total) in now.items():
        metric = key.rpartition("@")[0]
        seen_hits, seen_total = before.get(key, (0, 0))
        sum_hits, sum_total = ratios.get(metric, (0, 0))
        if total < seen_total or hits < seen_hits:  # the process is another one
            seen_hits, seen_total = 0, 0
        ratios[metric] = (sum_hits + hits - seen_hits, sum_total + total - seen_total)
    return ratios


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of all services that were looked at."""

    services: Mapping[str, ServiceTotals] = field(default_factory=dict)

    def of(self, service: str) -> ServiceTotals:
        """The totals of a service; none before the first look."""
        return self.services.get(service, ServiceTotals())

    def with_service(self, service: str, totals: ServiceTotals) -> Totals:
        """The same with those of one service replaced."""
        return Totals({**self.services, service: totals})

    def to_json(self) -> Json:
        """As JSON, to be kept."""
        return {name: _service_to_json(service) for name, service in self.services.items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Json]) -> Self:
        """What `to_json` gave."""
        return cls({name: _service_from_json(service) for name, service in content.items()})


def _service_to_json(service: ServiceTotals) -> Json:
    versions = {name: _version_to_json(version) for name, version in service.versions.items()}
    return {
        "epoch": service.epoch,
        "position": service.position,
        "fine": service.fine,
        "versions": versions,
    }


def _version_to_json(version: VersionTotals) -> Json:
    traffic, seen = version.traffic, version.seen
    return {
        "requests": traffic.requests,
        "errors": traffic.errors,
        "latency": _bounds_to_json(traffic.latency),
        "ratios": {name: list(pair) for name, pair in traffic.ratios.items()},
        "seen": {
            "requests": seen.requests,
            "errors": seen.errors,
            "latency": _bounds_to_json(seen.latency),
            "scraped": {name: list(pair) for name, pair in version.scraped.items()},
        },
    }


def _service_from_json(content: Json) -> ServiceTotals:
    versions = {name: _version_from_json(version) for name, version in content["versions"].items()}
    return ServiceTotals(content["epoch"], content["position"], content["fine"], versions)


def _version_from_json(content: Json) -> VersionTotals:
    seen = content["seen"]
    return VersionTotals(
        Traffic(
            content["requests"],
            content["errors"],
            _bounds_from_json(content["latency"]),
            _pairs(content["ratios"]),
        ),
        Counters(seen["requests"], seen["errors"], _bounds_from_json(seen["latency"])),
        _pairs(seen["scraped"]),
    )


def _bounds_to_json(histogram: Histogram) -> dict[str, int]:
    """JSON has no numbers as keys."""
    return {str(bucket): count for bucket, count in histogram.items()}


def _bounds_from_json(content: Mapping[str, int]) -> dict[int, int]:
    return {int(bucket): count for bucket, count in content.items()}


def _pairs(content: Mapping[str, list[int]]) -> dict[str, tuple[int, int]]:
    return {name: (hits, total) for name, (hits, total) in content.items()}
