"""The telemetry of an environment, answered from the files that the receiver writes.

Used by the control plane (API, console, command line), in another process than the writer's. Every
question opens what it needs and reads on a thread, so that none holds up the event loop.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

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
from fairway.telemetry.store import (
    log_reading,
    metric_reading,
    trace_listing,
    trace_reading,
    traffic_reading,
)
from fairway.telemetry.store.files import Files
from fairway.telemetry.store.objective_reading import Objectives

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
        return await asyncio.to_thread(self._status)

    async def traces(self, query: TraceQuery) -> TracePage:
        """Matching traces, the newest first."""
        return await asyncio.to_thread(trace_listing.listed, self._files, query)

    async def trace(self, trace_id: str) -> Trace:
        """One trace; a unique prefix of its id will do. NotFound when there is none."""
        return await asyncio.to_thread(trace_reading.whole, self._files, trace_id)

    async def logs(self, query: LogQuery) -> LogPage:
        """Matching log records, the oldest first."""
        return await asyncio.to_thread(log_reading.listed, self._files, query)

    async def metrics(self, service: str | None = None) -> tuple[MetricSummary, ...]:
        """All metrics that are stored, by name."""
        return await asyncio.to_thread(metric_reading.listed, self._files, service)

    async def metric(self, query: MetricQuery) -> MetricAnswer:
        """One metric over time; NotFound when none has that name."""
        return await asyncio.to_thread(metric_reading.over_time, self._files, query)

    async def traffic(self, query: TrafficQuery) -> tuple[Traffic, ...]:
        """Requests by edge."""
        now = self._clock()
        return await asyncio.to_thread(traffic_reading.by_edge, self._files, query, now)

    async def slos(self) -> tuple[SloStatus, ...]:
        """Every objective of the app file, by name."""
        return await asyncio.to_thread(self._slos)

    def _slos(self) -> tuple[SloStatus, ...]:
        config = _config(self._folder / "receiver.json")
        return self._objectives.statuses(config.slos if config else (), self._clock())

    def _status(self) -> TelemetryStatus:
        now = self._clock()
        said = _read(self._folder / "status.json")
        running = now - float(said.get("at", 0.0)) < _ALIVE
        config = _config(self._folder / "receiver.json")
        return TelemetryStatus(
            running=running,
            http=str(said.get("http", config.http if config else "")),
            grpc=str(said.get("grpc", config.grpc if config else "")),
            received=said.get("received", {}),
            shed=said.get("shed", {}),
            forwarded=int(said.get("forwarded", 0)),
            forward_failed=int(said.get("forward_failed", 0)),
            stored_bytes=self._files.size(),
            oldest_at=self._files.oldest_at(),
            runs=traffic_reading.runs(self._files, now),
            problem=str(said.get("problem", "")) if running else "",
        )


def _read(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text())
        if isinstance(found, dict):
            return found
    return {}


def _config(path: Path) -> ReceiverConfig | None:
    with suppress(OSError):
        return ReceiverConfig.from_json(path.read_text())
    return None
