"""Counters of this process: RED per intent (rate, errors, duration) and USE of the process.

`asgi.py` and `client.py` count, `/metrics` and the OTLP export (`telemetry.py`) read. Counting is
plain in-memory arithmetic on the event loop's thread: under a microsecond, no lock. Names follow
OpenTelemetry's conventions in Prometheus spelling; durations are in seconds.
"""

from __future__ import annotations

import os
import resource
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

BOUNDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
MAX_SERIES = 1_000
"""Series per metric; what comes after is counted under `other`, so that nothing from outside can
fill the memory."""

Labels = tuple[tuple[str, str], ...]
Kind = Literal["histogram", "counter", "gauge"]


class Histogram:
    """Counts of observations by upper bound (the last one has none), and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(BOUNDS, value)] += 1
        self.total += value


class Sample(NamedTuple):
    """One series of a metric as it is now; exactly one of `value` and `histogram` matters."""

    labels: Labels
    value: float = 0.0
    histogram: Histogram | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with all its series."""

    name: str
    kind: Kind
    help: str
    samples: tuple[Sample, ...]


class Metrics:
    """What this process has counted since it started."""

    def __init__(self) -> None:
        self.started = time.time()
        self.in_flight = 0
        self.loop_lag = 0.0
        self._served: dict[tuple[str, int], Histogram] = {}
        self._called: dict[tuple[str, str, str], Histogram] = {}
        self._decisions = {True: 0, False: 0}
        self._refusals: dict[int, int] = {}

    def served(self, intent: str, status: int, seconds: float) -> None:
        """A request was answered."""
        key = (intent, status // 100)
        found = self._served.get(key)
        if found is None:
            if len(self._served) >= MAX_SERIES:
                key = ("other", status // 100)
            found = self._served.setdefault(key, Histogram())
        found.observe(seconds)

    def called(self, callee: str, intent: str, outcome: str, seconds: float) -> None:
        """An attempt of a call to another service ended: `2xx` … `5xx`, `error`, `open`."""
        key = (callee, intent, outcome)
        found = self._called.get(key)
        if found is None:
            if len(self._called) >= MAX_SERIES:
                key = (callee, "other", outcome)
            found = self._called.setdefault(key, Histogram())
        found.observe(seconds)

    def decided(self, allowed: bool) -> None:
        """A policy decision was made."""
        self._decisions[allowed] += 1

    def refused(self, status: int) -> None:
        """A request was refused before its handler ran."""
        self._refusals[status] = self._refusals.get(status, 0) + 1

    def families(self) -> Iterator[Family]:
        """Everything as it is now."""
        yield Family(
            "http_server_request_duration_seconds",
            "histogram",
            "Time to answer a request, by intent and status class.",
            tuple(
                Sample((("intent", intent), ("status", f"{status}xx")), histogram=found)
                for (intent, status), found in sorted(self._served.items())
            ),
        )
        yield Family(
            "http_client_request_duration_seconds",
            "histogram",
            "Time of an attempt to call another service, by outcome.",
            tuple(
                Sample(
                    (("callee", callee), ("intent", intent), ("outcome", outcome)),
                    histogram=found,
                )
                for (callee, intent, outcome), found in sorted(self._called.items())
            ),
        )
        yield Family(
            "fairway_decisions_total",
            "counter",
            "Policy decisions by verdict.",
            tuple(
                Sample((("verdict", "allow" if allowed else "deny"),), count)
                for allowed, count in self._decisions.items()
            ),
        )
        yield Family(
            "fairway_refusals_total",
            "counter",
            "Requests refused before their handler ran.",
            tuple(
                Sample((("status", str(status)),), count)
                for status, count in sorted(self._refusals.items())
            ),
        )
        yield _gauge(
            "http_server_active_requests", "Requests being served now.", float(self.in_flight)
        )
        yield _gauge(
            "process_event_loop_lag_seconds",
            "How late the event loop ran a timer, the worst of the last period.",
            self.loop_lag,
        )
        yield from _process(self.started)


shared = Metrics()
"""One per process, as its processor and memory are: the ASGI wrapper and the client both count."""


def _gauge(name: str, text: str, value: float) -> Family:
    return Family(name, "gauge", text, (Sample((), value),))


def _process(started: float) -> Iterator[Family]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    yield Family("process_cpu_seconds_total", "counter", "Processor time used.", (Sample((), cpu),))
    yield _gauge("process_resident_memory_bytes", "Resident memory.", _resident(usage.ru_maxrss))
    yield _gauge("process_open_fds", "Open file descriptors.", float(_open_files()))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield _gauge("process_max_fds", "How many file descriptors may be open.", float(soft))
    yield _gauge("process_start_time_seconds", "When the process started, in Unix time.", started)


def _resident(peak: int) -> float:
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except FileNotFoundError:
        # Not Linux: without a dependency only the peak is known, which macOS gives in bytes.
        return float(peak)
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def _open_files() -> int:
    # On Linux a link to /proc/self/fd; macOS has it too.
    return sum(1 for _ in Path("/dev/fd").iterdir())


def prometheus_text(families: Iterable[Family]) -> str:
    """The text exposition format 0.0.4."""
    lines: list[str] = []
    for family in families:
        lines += (f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}")
        for sample in family.samples:
            lines += _sample_lines(family.name, sample)
    return "\n".join(lines) + "\n"


def _sample_lines(name: str, sample: Sample) -> Iterator[str]:
    if sample.histogram is None:
        yield f"{name}{_labels(sample.labels)} {sample.value!r}"
        return
    cumulative = 0
    bounds = [f"{bound!r}" for bound in BOUNDS] + ["+Inf"]
    for bound, count in zip(bounds, sample.histogram.counts, strict=True):
        cumulative += count
        yield f"{name}_bucket{_labels((*sample.labels, ('le', bound)))} {cumulative}"
    yield f"{name}_sum{_labels(sample.labels)} {sample.histogram.total!r}"
    yield f"{name}_count{_labels(sample.labels)} {cumulative}"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
