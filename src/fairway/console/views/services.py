"""Services as the console shows them: what runs, joined with what was measured. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fairway.console.views.topology import EdgeView
from fairway.control.port import ReplicaStatus, ServiceStatus, SystemStatus
from fairway.telemetry.port import LogRecord, MetricAnswer, Traffic

MOST_ERRORS = 99
Instance = tuple[str, str]
"""A service and one of its replicas, as metrics name it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What processes use: processor cores, bytes of memory; histories with the newest last."""

    cores: float | None = None
    memory: float | None = None
    cores_before: tuple[float | None, ...] = ()
    memory_before: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured lately, by service; None where nothing is stored."""

    traffic: Mapping[str, Traffic] | None = None
    errors: Mapping[str, int] | None = None
    usage: Mapping[str, Usage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One service with everything that a row of the table says."""

    status: ServiceStatus
    traffic: Traffic | None
    usage: Usage
    errors: int | None

    @property
    def name(self) -> str:
        """Its name."""
        return self.status.name

    @property
    def healthy(self) -> int:
        """How many replicas are as they should be."""
        return sum(1 for each in self.status.replicas if each.state in ("healthy", "done"))

    @property
    def restarts(self) -> int:
        """Of all replicas."""
        return sum(each.restarts for each in self.status.replicas)

    @property
    def versions(self) -> tuple[tuple[str, int], ...]:
        """Each version that runs, with its number of replicas."""
        counted = Counter(each.version or "working tree" for each in self.status.replicas)
        return tuple(sorted(counted.items()))

    @property
    def uptime(self) -> float | None:
        """Of the replica that has run for the longest time, in seconds."""
        return max((each.uptime for each in self.status.replicas if each.pid), default=None)

    @property
    def failing(self) -> float | None:
        """The share of errors."""
        flow = self.traffic
        return flow.errors / flow.requests if flow and flow.requests else None

    @property
    def errors_words(self) -> str:
        """How many error lines there are, as far as they were counted."""
        many = self.errors or 0
        return f"{MOST_ERRORS}+" if many > MOST_ERRORS else str(many)

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it."""
        return not self.status.replicas

    @property
    def problems(self) -> tuple[ReplicaStatus, ...]:
        """Replicas that say what is wrong with them."""
        return tuple(each for each in self.status.replicas if each.detail)


def service_views(system: SystemStatus, measured: Measured) -> tuple[ServiceView, ...]:
    """Every service, by name."""
    return tuple(
        ServiceView(
            status,
            None if measured.traffic is None else measured.traffic.get(status.name),
            measured.usage.get(status.name, Usage()),
            None if measured.errors is None else measured.errors.get(status.name, 0),
        )
        for status in sorted(system.services, key=lambda each: each.name)
    )


def by_service(flows: Iterable[Traffic]) -> Mapping[str, Traffic]:
    """Traffic that was asked for without callers."""
    return {flow.service: flow for flow in flows}


def error_counts(records: Iterable[LogRecord]) -> Mapping[str, int]:
    """How many error lines each service wrote."""
    return Counter(record.service for record in records)


def usages(cores: MetricAnswer | None, memory: MetricAnswer | None) -> Mapping[str, Usage]:
    """Sums over the instances of each service."""
    used, taken = _history(cores), _history(memory)
    return {
        service: Usage(
            _last(used.get(service, ())),
            _last(taken.get(service, ())),
            used.get(service, ()),
            taken.get(service, ()),
        )
        for service in sorted({*used, *taken})
    }


def _history(answer: MetricAnswer | None) -> Mapping[str, tuple[float | None, ...]]:
    totals: dict[str, dict[float, float | None]] = {}
    for series in answer.series if answer else ():
        steps = totals.setdefault(series.labels.get("service", ""), {})
        for point in series.points:
            before = steps.get(point.at)
            steps[point.at] = before if point.value is None else (before or 0.0) + point.value
    return {
        name: tuple(value for _, value in sorted(steps.items())) for name, steps in totals.items()
    }


def _last(values: Sequence[float | None]) -> float | None:
    """The newest that is known: the present step has often not been measured yet."""
    return next((value for value in reversed(values) if value is not None), None)


def connected(edges: Sequence[EdgeView], name: str) -> tuple[tuple[EdgeView, ...], ...]:
    """Who reaches a service, and whom it reaches."""
    arriving = tuple(edge for edge in edges if edge.target == name)
    leaving = tuple(edge for edge in edges if edge.source == name)
    return arriving, leaving
