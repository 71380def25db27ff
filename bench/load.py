"""A small, fair load generator: raw HTTP/1.1 over connections that are kept alive.

Used by the sections through `measure`, which runs it in a process of its own (`python -m
bench.load`, a `Load` as JSON on standard input, a `Reading` on standard output), so that the
generator's work weighs the same on both sides of a comparison. Every request is prepared before
the clock starts: what is measured is only what the other side needs to answer.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from fairway.cli.calling.wire import is_whole, status_of


@dataclass(frozen=True, slots=True)
class Load:
    """`requests` (each sent once, in turn) over `concurrency` connections; warm-up first."""

    port: int
    requests: Sequence[str]
    concurrency: int = 1
    warmup: int = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """What was seen after the warm-up: latencies in seconds, throughput in requests a second."""

    p50: float
    p99: float
    throughput: float
    statuses: dict[str, int]

    @property
    def flawless(self) -> bool:
        """Whether every answer was a 200."""
        return set(self.statuses) == {"200"}


def measure(load: Load) -> Reading:
    """Run a load in its own process; raises `CalledProcessError` if it could not be run."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asdict(load)),
        capture_output=True,
        text=True,
        check=True,
    )
    return Reading(**json.loads(done.stdout))


@dataclass(slots=True)
class _Run:
    """What all connections of one load share."""

    waiting: deque[bytes]
    warmup: int
    done: asyncio.Future[None]
    under_way: int = 0
    answered: int = 0
    started: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def record(self, status: str, latency: float) -> None:
        self.answered += 1
        if self.answered == self.warmup:
            self.started = time.perf_counter()
        elif self.answered > self.warmup:
            self.latencies.append(latency)
            self.statuses[status] += 1


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last was answered, until none is waiting."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.run.under_way += 1
        self.send()

    def send(self) -> None:
        if not self.run.waiting:
            self.transport.close()
            return
        request = self.run.waiting.popleft()
        self.sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if is_whole(self.buffer):
            latency = time.perf_counter() - self.sent_at
            self.run.record(status_of(self.buffer), latency)
            self.buffer = b""
            self.send()

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.buffer or self.run.waiting:
            self.run.statuses["connection lost"] += 1
        self.run.under_way -= 1
        if self.run.under_way == 0 and not self.run.done.done():
            self.run.done.set_result(None)


async def _generate(load: Load) -> Reading:
    loop = asyncio.get_running_loop()
    waiting = deque(request.encode("ascii") for request in load.requests)
    run = _Run(waiting, load.warmup, loop.create_future())
    for _ in range(load.concurrency):
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", load.port)
    await run.done
    elapsed = time.perf_counter() - run.started
    return _reading(run, elapsed)


def _reading(run: _Run, elapsed: float) -> Reading:
    cuts = statistics.quantiles(run.latencies, n=100)
    return Reading(cuts[49], cuts[98], len(run.latencies) / elapsed, dict(run.statuses))


def main() -> None:
    """Read a load, generate it, print the reading."""
    load = Load(**json.load(sys.stdin))
    print(json.dumps(asdict(asyncio.run(_generate(load)))))


if __name__ == "__main__":
    main()
