"""A constant-rate load: requests begin when they are due, whether or not earlier ones have ended.

`fairway load` and the demonstrations measure with it what users would have seen. It is open-loop: a
latency counts from when the request was due, so that a service which stands still is not asked
less, and looks as slow as it was (Tene, "How NOT to Measure Latency", 2015). Requests go over
connections that are kept alive, as many as are needed. One process sends several hundred a second
with a small share of a core: there is nothing between asyncio's transports and the bytes.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field

from fairway.cli.calling.wire import is_whole, status_of, stays_open
from fairway.plan.latency import bucket_of, quantile

FAILURES = ("connect", "reset", "timeout", "5xx", "4xx")
"""Kinds of failure: no connection; it broke before the answer was there; none in time; statuses."""
_MOST_CONNECTIONS = 512
_SWEEP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Load:
    """One `request` (bytes as they go over the wire), `rate` times a second for `seconds`."""

    port: int
    request: bytes
    rate: float
    seconds: float
    timeout: float = 10.0
    host: str = "127.0.0.1"

    @property
    def count(self) -> int:
        """How many requests that is."""
        return round(self.rate * self.seconds)


@dataclass(slots=True)
class Tally:
    """What was seen so far. `elapsed` is in seconds; latencies of answers by `latency` bucket."""

    due: int = 0
    answered: int = 0
    elapsed: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """Requests that failed, of any kind."""
        return self.failures.total()

    @property
    def rate(self) -> float:
        """Requests a second that were really begun."""
        return self.due / self.elapsed if self.elapsed else 0.0

    def latency(self, share: float) -> float | None:
        """The seconds that `share` of the answers did not take longer than, None without any."""
        found = quantile(self.latencies, share)
        return None if found is None else found / 1e6

    def answer(self, status: str, seconds: float) -> None:
        """Count an answer."""
        self.answered += 1
        self.statuses[status] += 1
        self.latencies[bucket_of(seconds * 1e6)] += 1
        if status >= "400":
            self.failures[f"{status[0]}xx"] += 1


class LoadRun:
    """One run of a load; `tally` may be looked at while it goes on."""

    def __init__(self, load: Load) -> None:
        self.tally = Tally()
        self._load = load
        self._ending = asyncio.Event()
        self._idle: list[_Connection] = []
        self._connections: set[_Connection] = set()
        self._waiting: deque[float] = deque()
        self._connecting: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Begin no more requests."""
        self._ending.set()

    async def run(self) -> Tally:
        """Send everything; returns when the last answer is there, or will not come."""
        self._loop = asyncio.get_running_loop()
        sweeping = asyncio.create_task(self._sweep())
        started = self._loop.time()
        try:
            await self._pace(started)
            while self._under_way:
                await asyncio.sleep(_SWEEP_SECONDS)
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
            for connection in self._connections:
                connection.close()
        return self.tally

    @property
    def _under_way(self) -> bool:
        busy = any(connection.due is not None for connection in self._connections)
        return busy or bool(self._waiting)

    async def _pace(self, started: float) -> None:
        for number in range(self._load.count):
            due = started + number / self._load.rate
            if (early := due - self._loop.time()) > 0:
                await asyncio.sleep(early)
            if self._ending.is_set():
                break
            self._begin(due)
            self.tally.elapsed = self._loop.time() - started
        left = started + self._load.seconds - self._loop.time()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, left)):
                await self._ending.wait()
        self.tally.elapsed = self._loop.time() - started

    def _begin(self, due: float) -> None:
        self.tally.due += 1
        if self._idle:
            self._idle.pop().send(self._load.request, due)
            return
        self._waiting.append(due)
        if len(self._connections) + len(self._connecting) < _MOST_CONNECTIONS:
            task = asyncio.create_task(self._connect())
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self) -> None:
        load = self._load
        try:
            async with asyncio.timeout(load.timeout):
                await self._loop.create_connection(lambda: _Connection(self), load.host, load.port)
        except (OSError, TimeoutError):
            if self._waiting:
                self._waiting.popleft()
                self.tally.failures["connect"] += 1

    async def _sweep(self) -> None:
        """Give up what has waited too long."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            oldest = self._loop.time() - self._load.timeout
            while self._waiting and self._waiting[0] < oldest:
                self._waiting.popleft()
                self.tally.failures["timeout"] += 1
            for connection in tuple(self._connections):
                if connection.due is not None and connection.due < oldest:
                    connection.give_up()
                    self.tally.failures["timeout"] += 1

    # What connections tell

    def opened(self, connection: _Connection) -> None:
        """A connection is there: the request that has waited longest goes first."""
        self._connections.add(connection)
        self.free(connection)

    def free(self, connection: _Connection) -> None:
        """A connection may take another request."""
        if self._waiting:
            connection.send(self._load.request, self._waiting.popleft())
        else:
            self._idle.append(connection)

    def answered(self, status: str, due: float) -> None:
        """An answer is there."""
        self.tally.answer(status, self._loop.time() - due)

    def lost(self, connection: _Connection) -> None:
        """A connection is gone; with a request under way that has failed."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if connection.due is not None:
            self.tally.failures["reset"] += 1
        if self._waiting and not self._idle:
            task = asyncio.create_task(self._connect())
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)


class _Connection(asyncio.Protocol):
    """One connection; `due` is when the request on it was due, None while there is none."""

    def __init__(self, run: LoadRun) -> None:
        self.due: float | None = None
        self._run = run
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._run.opened(self)

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self.due is None or not is_whole(self._answer):
            return
        answer, due = self._answer, self.due
        self._answer, self.due = b"", None
        self._run.answered(status_of(answer), due)
        if stays_open(answer):
            self._run.free(self)
        else:
            self._transport.close()

    def give_up(self) -> None:
        self.due = None
        self._transport.abort()

    def close(self) -> None:
        self.due = None
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the base class's shape
        self._run.lost(self)
