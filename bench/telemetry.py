"""The telemetry receiver: how much it takes while somebody looks, how fast it answers, its memory.

Five million spans go to a real receiver process by OTLP/HTTP, as fast as it takes them, on the same
cores as the sender and somebody who looks at the list of traces twice a second, as the console
does. Then the questions are asked of what is stored. `FAIRWAY_BENCH_SPANS` makes it fewer.

The peers are other stores of traces for one machine: Jaeger and the .NET Aspire dashboard. Neither
can be had from a package registry, so their documented limits stand beside. What another database
under the same receiver would do is in docs/decisions/0019-telemetry-store.md.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
from tests.receiver_rig import Rig, receiver

from bench.report import Figure
from bench.span_load import Sent, begin, ended
from bench.spans import LONG, SPANS
from fairway.telemetry.config import Retention
from fairway.telemetry.port import TracePage, TraceQuery
from fairway.telemetry.store.reading import StoredTelemetry

COUNT = int(os.environ.get("FAIRWAY_BENCH_SPANS", "5000000"))
RATE_LIMIT, LATENCY_LIMIT, MEMORY_LIMIT = 20_000.0, 100.0, 400.0
"""Spans a second, milliseconds, megabytes."""
ASPIRE_LIMIT = 10_000
"""Traces (and log records) that the Aspire dashboard keeps, in memory:
https://aspire.dev/dashboard/configuration/ (Dashboard:TelemetryLimits). Jaeger's in-memory store
has no limit unless `max_traces` is set, and loses everything when it ends:
https://www.jaegertracing.io/docs/2.22/storage/memory/."""
_QUESTIONS = 100
_LOOKS_EVERY = 0.5
_SIZE = 8 * 2**30
"""Bytes that the store may take: all five million spans stay whole."""


def measure_telemetry() -> list[Figure]:
    """Ingestion, then questions."""
    with tempfile.TemporaryDirectory() as name, receiver(Path(name)) as rig:
        rig.write_config(retention=Retention(size=_SIZE))
        rig.start()
        rig.up()
        console = _Console(rig)
        console.start()
        sent = ended(begin(rig.config.http.port, max(1, COUNT // SPANS)))
        console.stop()
        _stored(rig, sent.spans)
        return [*_ingestion(sent, console), *_answers(rig, sent.spans)]


class _Console(threading.Thread):
    """Looks at the list of traces twice a second, and at the receiver's memory."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(name="console")
        assert rig.process is not None
        self._rig, self._receiver = rig, psutil.Process(rig.process.pid)
        self._over = threading.Event()
        self.latencies: list[float] = []
        self.memory = 0.0

    def run(self) -> None:
        while not self._over.wait(_LOOKS_EVERY):
            begun = time.perf_counter()
            asyncio.run(_list(self._rig.store))
            self.latencies.append(time.perf_counter() - begun)
            self.memory = max(self.memory, self._receiver.memory_info().rss / 1e6)

    def stop(self) -> None:
        self._over.set()
        self.join()


def _ingestion(sent: Sent, console: _Console) -> list[Figure]:
    return [
        Figure(
            "telemetry", f"ingest of {sent.spans:,} spans while the list is looked at", sent.rate,
            "spans/s", limit=RATE_LIMIT, at_least=True,
        ),
        Figure("telemetry", "list of traces meanwhile, p95", _p95(console.latencies), "ms"),
        Figure("telemetry", "receiver's memory, most", console.memory, "MB", limit=MEMORY_LIMIT),
        Figure("telemetry", "requests refused with 429, and sent again", sent.refused, ""),
    ]  # fmt: skip


def _answers(rig: Rig, spans: int) -> list[Figure]:
    store = rig.store
    long = asyncio.run(_long_traces(store))
    chance = random.Random(1)
    million = f"over {spans / 1e6:.1f} million spans, p95"
    questions: dict[str, Callable[[], Awaitable[object]]] = {
        f"list of traces {million}": lambda: _list(store),
        f"list of failed traces {million}": lambda: store.traces(TraceQuery(outcome="error")),
        f"list by an attribute (1 of 500) {million}": lambda: store.traces(
            TraceQuery(attributes={"customer": f"customer-{chance.randrange(500)}"})
        ),
        f"a trace of {LONG} spans {million}": lambda: store.trace(chance.choice(long)),
    }
    figures = [
        Figure("telemetry", words, asyncio.run(_asked(question)), "ms", limit=LATENCY_LIMIT)
        for words, question in questions.items()
    ]
    kept = asyncio.run(_kept(store))
    return [
        *figures,
        Figure(
            "telemetry", "traces kept", kept, "", peer=ASPIRE_LIMIT, peer_name="Aspire (documented)"
        ),
    ]


async def _kept(store: StoredTelemetry) -> int:
    """Every trace that can be listed, counted page by page."""
    kept, cursor = 0, None
    while True:
        page = await store.traces(TraceQuery(limit=10_000, cursor=cursor))
        kept, cursor = kept + len(page.traces), page.cursor
        if cursor is None:
            return kept


async def _list(store: StoredTelemetry) -> TracePage:
    return await store.traces(TraceQuery())


async def _long_traces(store: StoredTelemetry) -> list[str]:
    """Traces of two hundred spans from all over the store: some of every page of long ones."""
    found: list[str] = []
    cursor = None
    for _ in range(200):
        page = await store.traces(TraceQuery(limit=500, cursor=cursor))
        found += [trace.trace_id for trace in page.traces if trace.spans >= LONG]
        cursor = page.cursor
        if cursor is None:
            break
    return found


async def _asked(question: Callable[[], Awaitable[object]]) -> float:
    latencies = []
    for _ in range(_QUESTIONS):
        begun = time.perf_counter()
        await question()
        latencies.append(time.perf_counter() - begun)
    return _p95(latencies)


def _stored(rig: Rig, spans: int) -> None:
    """Wait until the last span can be seen."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = rig.status()
        if status is not None and status.received.get("spans", 0) >= spans and not status.queued:
            time.sleep(1.0)
            return
        time.sleep(0.2)
    raise RuntimeError("the receiver did not store everything")


def _p95(latencies: list[float]) -> float:
    """In milliseconds; nearest rank."""
    if not latencies:
        return math.nan
    return sorted(latencies)[max(0, math.ceil(0.95 * len(latencies)) - 1)] * 1000
