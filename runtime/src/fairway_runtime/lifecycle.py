"""Started, serving, draining: what readiness answers, and how a replica goes gracefully.

`asgi.py` reports requests and lifespan events. Draining: readiness turns false first, then (after
an optional delay in which load balancers notice) the server stops accepting, and what is under way
gets a bounded time to finish before the wrapped app shuts down.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Literal

State = Literal["starting", "ready", "draining"]


class Lifecycle:
    """The state of this replica. Used on the event loop's thread only."""

    def __init__(self, drain_timeout: float, drain_delay: float = 0.0) -> None:
        self._drain_timeout = drain_timeout
        self._drain_delay = drain_delay
        self._lifespan_seen = False
        self._started = False
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.in_flight = 0

    @property
    def state(self) -> State:
        """Where this replica is. A server without lifespan events starts ready."""
        if self._draining:
            return "draining"
        return "ready" if self._started or not self._lifespan_seen else "starting"

    def starting(self) -> None:
        """The server announced a lifespan: not ready until start-up is complete."""
        self._lifespan_seen = True

    def started(self) -> None:
        """Start-up is complete."""
        self._started = True

    def request_began(self) -> None:
        """A request or WebSocket is under way."""
        if not self.in_flight:
            self._idle.clear()
        self.in_flight += 1

    def request_ended(self) -> None:
        """It is done."""
        self.in_flight -= 1
        if not self.in_flight:
            self._idle.set()

    def begin_draining(self) -> None:
        """Readiness is false from now on."""
        self._draining = True

    async def drain(self) -> bool:
        """Wait until nothing is under way; False when that took longer than the bound."""
        self.begin_draining()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain_timeout):
                await self._idle.wait()
        return self.in_flight == 0

    def watch_termination(self) -> None:
        """On SIGTERM turn readiness false, wait the delay, then let the server's handler run.

        Only with a delay: without one there is nothing to gain over the server's own handling.
        """
        if not self._drain_delay or threading.current_thread() is not threading.main_thread():
            return
        former = signal.getsignal(signal.SIGTERM)
        if callable(former):
            loop = asyncio.get_running_loop()
            signal.signal(signal.SIGTERM, self._delayed(former, loop))

    def _delayed(
        self,
        former: Callable[[int, FrameType | None], object],
        loop: asyncio.AbstractEventLoop,
    ) -> Callable[[int, FrameType | None], None]:
        def on_signal(number: int, frame: FrameType | None) -> None:
            self.begin_draining()
            loop.call_soon_threadsafe(loop.call_later, self._drain_delay, former, number, frame)

        return on_signal
