"""The routes of what services and Envoys told: traces, logs, metrics, traffic, objectives.

Times that are asked for are Unix seconds; without any, a route answers for what was last. Filters
on attributes are written `attribute=name=value`, as often as there are filters.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from fairway.api.events import STREAM, HowToFollow, Message, Quiet
from fairway.api.offer import ControlHere, OfferHere
from fairway.api.problems import fails
from fairway.api.roles import Viewer
from fairway.errors import InvalidInput
from fairway.telemetry.port import (
    LogLevel,
    LogPage,
    LogQuery,
    LogSource,
    MetricAnswer,
    MetricQuery,
    MetricSummary,
    SloStatus,
    Telemetry,
    TelemetryStatus,
    Trace,
    TraceOutcome,
    TracePage,
    TraceQuery,
    Traffic,
    TrafficQuery,
)

router = APIRouter(tags=["telemetry"], responses=fails(503))
Time = Annotated[float, Field(ge=0, le=2**40, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=2**32, allow_inf_nan=False)]
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Pair = Annotated[str, Field(max_length=2000, pattern=r"^[^=\x00]+=[^\x00]*$")]
Run = Annotated[int, Field(ge=1, le=2**31)]
Step = Annotated[float, Field(ge=1, le=2**32, allow_inf_nan=False)]
TraceId = Annotated[str, Path(alias="trace_id", pattern=r"^[0-9a-fA-F]{1,32}$")]
MetricName = Annotated[str, Path(alias="name", max_length=300)]
HOUR = 3600.0
_FOLLOW_SECONDS = 0.3
"""Between looks for new log records."""
_STEPS = 60
_MOST_STEPS = 2000


class Filters(BaseModel):
    """What all of them can be filtered by."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    since: Time | None = None
    until: Time | None = None
    run: Run | None = None
    attribute: list[Pair] = Field([], max_length=20)

    @property
    def attributes(self) -> dict[str, str]:
        """By name; the last of several counts."""
        pairs = (pair.partition("=") for pair in self.attribute)
        return {name: value for name, _, value in pairs}


class TraceFilters(Filters):
    """Which traces are asked for."""

    service: Name | None = None
    version: Name | None = None
    outcome: TraceOutcome | None = None
    min_duration: Seconds | None = None
    max_duration: Seconds | None = None
    name: Name = ""
    limit: int = Field(50, ge=1, le=500)
    cursor: Name | None = None

    def query(self) -> TraceQuery:
        """As the telemetry is asked."""
        return TraceQuery(**self.model_dump(exclude={"attribute"}), attributes=self.attributes)


class LogFilters(Filters):
    """Which log records are asked for."""

    service: list[Name] = Field([], max_length=50)
    version: Name | None = None
    level: LogLevel = "debug"
    text: Name = ""
    trace_id: str = Field("", pattern=r"^[0-9a-fA-F]{0,32}$")
    correlation_id: Name = ""
    access: bool = False
    source: LogSource | None = None
    after: int | None = Field(None, ge=0, le=2**53)
    before: int | None = Field(None, ge=0, le=2**53)
    limit: int = Field(200, ge=1, le=5000)

    def query(self) -> LogQuery:
        """As the telemetry is asked."""
        plain = self.model_dump(exclude={"attribute", "service", "quiet"})
        return LogQuery(**plain, services=tuple(self.service), attributes=self.attributes)


class FollowedFilters(LogFilters):
    """The same, with what `HowToFollow` takes: a model of a query knows all of it."""

    quiet: Quiet = None


class SeriesFilters(Filters):
    """A stretch of time in steps; absent: the last hour in sixty."""

    step: Step | None = None
    service: Name | None = None

    def stretch(self, now: float) -> tuple[float, float, float]:
        """Since, until and step; InvalidInput when there would be too many steps."""
        until = now if self.until is None else self.until
        since = until - HOUR if self.since is None else self.since
        step = self.step or max((until - since) / _STEPS, 1.0)
        if since >= until or (until - since) / step > _MOST_STEPS:
            raise InvalidInput(
                "invalid-stretch",
                f"from {since:.0f} to {until:.0f} in steps of {step:g} s cannot be answered",
                where="since, until, step",
                remedy=f"ask for at most {_MOST_STEPS} steps, from earlier to later",
            )
        return since, until, step


class MetricFilters(SeriesFilters):
    """Which points of a metric are asked for; `by` names what to keep apart."""

    by: list[Name] = Field([], max_length=10)


class TrafficFilters(SeriesFilters):
    """Which requests are asked for; without `step` there is one entry for each edge."""

    caller: Name | None = None
    version: Name | None = None
    intent: Name | None = None
    by: list[Literal["caller", "version", "intent"]] = Field(["caller", "version"], max_length=3)

    def query(self, now: float) -> TrafficQuery:
        """As the telemetry is asked."""
        since, until, step = self.stretch(now)
        plain = self.model_dump(include={"service", "caller", "version", "intent", "run"})
        wanted = step if self.step is not None else None
        return TrafficQuery(since, until, **plain, by=tuple(self.by), step=wanted)


@router.get("/telemetry")
async def telemetry(control: ControlHere, by: Viewer) -> TelemetryStatus:
    """How receiver and store are."""
    return await control.telemetry().status()


@router.get("/traces")
async def traces(
    control: ControlHere,
    by: Viewer,
    filters: Annotated[TraceFilters, Query()],
) -> TracePage:
    """Matching traces, the newest first, and how their durations are distributed."""
    return await control.telemetry().traces(filters.query())


@router.get("/traces/{trace_id}", responses=fails(404))
async def trace(trace_id: TraceId, control: ControlHere, by: Viewer) -> Trace:
    """One trace with all its spans; a unique prefix of its id will do."""
    return await control.telemetry().trace(trace_id.lower())


@router.get("/logs")
async def logs(
    control: ControlHere,
    by: Viewer,
    filters: Annotated[LogFilters, Query()],
) -> LogPage:
    """Matching log records, the oldest first: the newest ones, or those after or before an id."""
    return await control.telemetry().logs(filters.query())


@router.get("/logs/follow", response_class=StreamingResponse, responses=STREAM)
async def follow_logs(
    control: ControlHere,
    by: Viewer,
    filters: Annotated[FollowedFilters, Query()],
    follow: HowToFollow,
) -> StreamingResponse:
    """Log records as they come in, as server-sent events."""
    found = replace(filters.query(), after=follow.start)
    return follow.stream(_as_they_come(control.telemetry(), found))


@router.get("/metrics")
async def metrics(
    control: ControlHere,
    by: Viewer,
    service: Annotated[Name | None, Query()] = None,
) -> tuple[MetricSummary, ...]:
    """All metrics that are stored, by name."""
    return await control.telemetry().metrics(service)


@router.get("/metrics/{name:path}", responses=fails(404))
async def metric(
    name: MetricName,
    offer: OfferHere,
    control: ControlHere,
    by: Viewer,
    filters: Annotated[MetricFilters, Query()],
) -> MetricAnswer:
    """One metric over time, with exemplars."""
    since, until, step = filters.stretch(offer.clock())
    query = MetricQuery(
        name, since, until, step, filters.service, filters.attributes, tuple(filters.by),
        filters.run,
    )  # fmt: skip
    return await control.telemetry().metric(query)


@router.get("/traffic")
async def traffic(
    offer: OfferHere,
    control: ControlHere,
    by: Viewer,
    filters: Annotated[TrafficFilters, Query()],
) -> tuple[Traffic, ...]:
    """Requests by who asked whom: all of them, as the receiving side tells."""
    return await control.telemetry().traffic(filters.query(offer.clock()))


@router.get("/slos")
async def slos(control: ControlHere, by: Viewer) -> tuple[SloStatus, ...]:
    """Every objective of the app file: what is left of its budget, and how fast it burns."""
    return await control.telemetry().slos()


async def _as_they_come(telemetry: Telemetry, query: LogQuery) -> AsyncIterator[Message]:
    """From now on, or from `after` on; what is read once is not read again."""
    if query.after is None:
        query = replace(query, after=(await telemetry.logs(replace(query, limit=1))).last)
    while True:
        page = await telemetry.logs(query)
        for record in page.records:
            yield Message(record.id, "record", asdict(record))
        query = replace(query, after=page.records[-1].id if page.records else page.last)
        await asyncio.sleep(_FOLLOW_SECONDS)
