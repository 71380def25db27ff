"""Telemetry in memory: what it was given is what it answers. Implements `Telemetry`."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairway.errors import NotFound
from fairway.telemetry.port import (
    LogPage,
    LogQuery,
    LogRecord,
    MetricAnswer,
    MetricQuery,
    MetricSummary,
    Run,
    SloStatus,
    TelemetryStatus,
    Trace,
    TracePage,
    TraceQuery,
    Traffic,
    TrafficQuery,
)


@dataclass
class MemoryTelemetry:
    """Answers regardless of times; `flows` are kept apart by version."""

    flows: tuple[Traffic, ...] = ()
    records: tuple[LogRecord, ...] = ()
    kept: tuple[Trace, ...] = ()
    answers: dict[str, MetricAnswer] = field(default_factory=dict)
    objectives: tuple[SloStatus, ...] = ()

    async def status(self) -> TelemetryStatus:
        return TelemetryStatus(
            True, "127.0.0.1:4318", "127.0.0.1:4317", {}, {}, 0, 0, 0, None, (Run(1, 0.0),)
        )

    async def traces(self, query: TraceQuery) -> TracePage:
        found = (one.summary for one in self.kept)
        return TracePage(tuple(one for one in found if query.service in (None, one.service)), ())

    async def trace(self, trace_id: str) -> Trace:
        for one in self.kept:
            if one.summary.trace_id.startswith(trace_id):
                return one
        raise NotFound("no-such-trace", f"there is no trace {trace_id}")

    async def logs(self, query: LogQuery) -> LogPage:
        services = query.services
        found = [one for one in self.records if not services or one.service in services]
        if query.level == "error":
            found = [one for one in found if one.level == "error"]
        return LogPage(tuple(found[-query.limit :]), max((one.id for one in found), default=0))

    async def metrics(self, service: str | None = None) -> tuple[MetricSummary, ...]:
        return tuple(answer.summary for _, answer in sorted(self.answers.items()))

    async def metric(self, query: MetricQuery) -> MetricAnswer:
        if query.name not in self.answers:
            raise NotFound("no-such-metric", f"there is no metric {query.name}")
        return self.answers[query.name]

    async def traffic(self, query: TrafficQuery) -> tuple[Traffic, ...]:
        wanted = [one for one in self.flows if query.service in (None, one.service)]
        if "version" in query.by:
            return tuple(wanted)
        merged: dict[tuple[str, str], Traffic] = {}
        for one in wanted:
            before = merged.get((one.caller, one.service))
            merged[one.caller, one.service] = one if before is None else _sum(before, one)
        return tuple(merged.values())

    async def slos(self) -> tuple[SloStatus, ...]:
        return self.objectives


def _sum(one: Traffic, other: Traffic) -> Traffic:
    return Traffic(
        one.caller, one.service, "", one.intent, one.at, one.requests + other.requests,
        one.errors + other.errors, one.denied + other.denied, one.rate + other.rate,
        one.p50, max(one.p95 or 0, other.p95 or 0), one.p99,
    )  # fmt: skip


def flow(
    caller: str,
    service: str,
    rate: float = 1.0,
    *,
    version: str = "",
    errors: int = 0,
    denied: int = 0,
    p95: float | None = 0.02,
) -> Traffic:
    """Requests of a minute."""
    requests = round(rate * 60)
    return Traffic(caller, service, version, "", 0.0, requests, errors, denied, rate, p95, p95, p95)
