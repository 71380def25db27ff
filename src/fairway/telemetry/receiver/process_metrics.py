"""What the running processes use, as OTLP metrics: the U and S of the USE method, errors are RED's.

Used by `pipeline.py` every few seconds. Whoever runs is read from the ledger of processes; each is
the leader of a session, whose members are counted in. Names follow OpenTelemetry's conventions for
`process.*`; `fairway.process` tells a service's own process from the Envoy beside it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    Metric,
    NumberDataPoint,
)

_NANO: Final = 1_000_000_000
_GAUGES: Final = {
    "process.cpu.utilization": ("1", "processor cores in use"),
    "process.memory.usage": ("By", "resident memory"),
    "process.thread.count": ("{thread}", "threads"),
    "process.open_file_descriptor.count": ("{file_descriptor}", "open files and sockets"),
    "process.uptime": ("s", "time since it was started"),
}
_CPU_TIME: Final = "process.cpu.time"


@dataclass(frozen=True, slots=True)
class Listed:
    """A process of the ledger."""

    kind: str
    service: str
    version: str
    instance: str
    pid: int
    started_at: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and all of its session use. `cpu` is seconds of processor time so far."""

    cpu: float
    memory: int
    threads: int
    files: int


class ProcessMetrics:
    """Looks at the processes of one ledger; remembers the look before, for rates."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._before: dict[int, tuple[float, float]] = {}

    def request(self, now: float) -> bytes:
        """A serialised ExportMetricsServiceRequest; empty when nothing runs."""
        request = ExportMetricsServiceRequest()
        members = _sessions()
        seen: dict[int, tuple[float, float]] = {}
        for listed in _listed(self._ledger):
            usage = _usage(members.get(listed.pid, ()))
            if usage is None:
                continue
            seen[listed.pid] = (now, usage.cpu)
            _add(request, listed, usage, self._cores(listed.pid, usage.cpu, now), now)
        self._before = seen
        return request.SerializeToString()

    def _cores(self, pid: int, cpu: float, now: float) -> float | None:
        at, before = self._before.get(pid, (now, cpu))
        return max(0.0, cpu - before) / (now - at) if now > at else None


def _listed(ledger: Path) -> list[Listed]:
    """Nothing when there is no ledger, or one that cannot be read."""
    try:
        return [_record(entry) for entry in json.loads(ledger.read_bytes())["records"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _record(entry: Mapping[str, Any]) -> Listed:
    log = str(entry["log"]).rpartition("/")[2]
    return Listed(
        str(entry["kind"]),
        str(entry["name"]),
        str(entry["version"]) if entry["kind"] == "service" else "",
        log.partition(".log")[0],
        int(entry["pid"]),
        float(entry["started_at"]),
    )


def _sessions() -> dict[int, list[int]]:
    """Every process by the leader of its session."""
    found: dict[int, list[int]] = {}
    for pid in psutil.pids():
        with contextlib.suppress(OSError):  # gone meanwhile, or not for us to ask about
            found.setdefault(os.getsid(pid), []).append(pid)
    return found


def _usage(pids: Iterable[int]) -> Usage | None:
    """The sum over some processes; None when none of them runs."""
    cpu, memory, threads, files, running = 0.0, 0, 0, 0, 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            with process.oneshot():
                times = process.cpu_times()
                memory += process.memory_info().rss
                threads += process.num_threads()
                files += process.num_fds()
                cpu += times.user + times.system
                running += 1
    return Usage(cpu, memory, threads, files) if running else None


def _add(
    request: ExportMetricsServiceRequest,
    listed: Listed,
    usage: Usage,
    cores: float | None,
    now: float,
) -> None:
    resource = request.resource_metrics.add()
    resource.resource.attributes.extend(
        _text(name, value)
        for name, value in {
            "service.name": listed.service,
            "service.version": listed.version,
            "service.instance.id": listed.instance,
        }.items()
        if value
    )
    scope = resource.scope_metrics.add()
    scope.scope.name = "fairway.processes"
    values: dict[str, float | None] = {
        "process.cpu.utilization": cores,
        "process.memory.usage": usage.memory,
        "process.thread.count": usage.threads,
        "process.open_file_descriptor.count": usage.files,
        "process.uptime": now - listed.started_at,
    }
    scope.metrics.extend(
        _gauge(name, value, listed, now) for name, value in values.items() if value is not None
    )
    scope.metrics.append(_cpu_time(usage.cpu, listed, now))


def _gauge(name: str, value: float, listed: Listed, now: float) -> Metric:
    unit, description = _GAUGES[name]
    metric = Metric(name=name, unit=unit, description=description)
    metric.gauge.data_points.append(_point(value, listed, now))
    return metric


def _cpu_time(value: float, listed: Listed, now: float) -> Metric:
    metric = Metric(name=_CPU_TIME, unit="s", description="processor time used")
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
    metric.sum.data_points.append(_point(value, listed, now))
    return metric


def _point(value: float, listed: Listed, now: float) -> NumberDataPoint:
    return NumberDataPoint(
        time_unix_nano=int(now * _NANO),
        start_time_unix_nano=int(listed.started_at * _NANO),
        as_double=float(value),
        attributes=[_text("fairway.process", listed.kind)],
    )


def _text(name: str, value: str) -> KeyValue:
    return KeyValue(key=name, value=AnyValue(string_value=value))
