"""The telemetry of an environment, answered from the files that the receiver writes.

Used by the control plane (API, console, command line), in another process than the writer's. Every
question opens what it needs and reads on a thread, so that none holds up the event loop.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from fairway.errors import InvalidInput, Unavailable
from fairway.telemetry.config import ReceiverConfig
from fairway.telemetry.port import (
    LogPage,
    LogQuery,
    MetricAnswer,
    MetricQuery,
    MetricSummary,
    SloStatus,
    TelemetryStatus,
    Trace,
    TracePage,
    TraceQuery,
    Traffic,
    TrafficQuery,
)
from fairway.telemetry.receiver_status import ReceiverStatus
from fairway.telemetry.store import (
    log_reading,
    metric_reading,
    trace_listing,
    trace_reading,
    traffic_reading,
)
from fairway.telemetry.store.files import Files
from fairway.telemetry.store.objective_reading import Objectives

_P = ParamSpec("_P")
_T = TypeVar("_T")
_ALIVE = 5.0
"""Seconds after which a status that is not renewed means that the receiver is gone."""


class StoredTelemetry:
    """`Telemetry` from the store in a folder. `clock` gives Unix time."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder, self._clock = folder, clock
        self._files = Files(folder)
        self._objectives = Objectives(self._files)

    async def status(self) -> TelemetryStatus:
        """How receiver and store are."""
        return await _answered(self._status)

    async def traces(self, query: TraceQuery) -> TracePage:
        """Matching traces, the newest first."""
        return await _answered(trace_listing.listed, self._files, query)

    async def trace(self, trace_id: str) -> Trace:
        """One trace; a unique prefix of its id will do. NotFound when there is none."""
        return await _answered(trace_reading.whole, self._files, trace_id)

    async def logs(self, query: LogQuery) -> LogPage:
        """Matching log records, the oldest first."""
        return await _answered(log_reading.listed, self._files, query)

    async def metrics(self, service: str | None = None) -> tuple[MetricSummary, ...]:
        """All metrics that are stored, by name."""
        return await _answered(metric_reading.listed, self._files, service)

    async def metric(self, query: MetricQuery) -> MetricAnswer:
        """One metric over time; NotFound when none has that name."""
        return await _answered(metric_reading.over_time, self._files, query)

    async def traffic(self, query: TrafficQuery) -> tuple[Traffic, ...]:
        """Requests by edge."""
        now = self._clock()
        return await _answered(traffic_reading.by_edge, self._files, query, now)

    async def slos(self) -> tuple[SloStatus, ...]:
        """Every objective of the app file, by name."""
        return await _answered(self._slos)

    def _slos(self) -> tuple[SloStatus, ...]:
        config = _config(self._folder / "receiver.json")
        return self._objectives.statuses(config.slos if config else (), self._clock())

    def _status(self) -> TelemetryStatus:
        now = self._clock()
        said = ReceiverStatus.read(self._folder / "status.json")
        config = _config(self._folder / "receiver.json")
        running = said is not None and said.running and now - said.at < _ALIVE
        return TelemetryStatus(
            running=running,
            http=said.http if said else str(config.http) if config else "",
            grpc=said.grpc if said else str(config.grpc) if config else "",
            received=said.received if said else {},
            shed=said.shed if said else {},
            forwarded=said.forwarded if said else 0,
            forward_failed=said.forward_failed if said else 0,
            stored_bytes=self._files.size(),
            oldest_at=self._files.oldest_at(),
            runs=traffic_reading.runs(self._files, now, running=running),
            problem=said.problem if said else "",
        )


async def _answered(answer: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Ask on a thread; what SQLite has against it is ours."""
    try:
        return await asyncio.to_thread(answer, *args, **kwargs)
    except sqlite3.Error as error:
        raise Unavailable(
            "telemetry-unreadable",
            f"the stored telemetry cannot be read: {error}",
            remedy="ask again; if it stays so, fairway down and a deleted folder telemetry/ help",
        ) from error


def _config(path: Path) -> ReceiverConfig | None:
    with suppress(OSError, InvalidInput):
        return ReceiverConfig.from_json(path.read_text())
    return None
