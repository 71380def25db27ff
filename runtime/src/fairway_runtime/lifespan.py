"""The lifespan of the wrapped app, with readiness, draining and background work around it.

Works for apps that speak the protocol and for those that raise on it, as servers do.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fairway_runtime.asgitypes import App, Message, Receive, Scope, Send
from fairway_runtime.lifecycle import Lifecycle
from fairway_runtime.logs import get_logger
from fairway_runtime.metrics import Metrics

LAG_PERIOD = 0.25
_LAG_WINDOW = 20

_log = get_logger(__name__)


class Lifespan:
    """One run of the lifespan protocol."""

    def __init__(
        self, app: App, lifecycle: Lifecycle, metrics: Metrics, close: Callable[[], None]
    ) -> None:
        self._app = app
        self._lifecycle = lifecycle
        self._metrics = metrics
        self._close = close
        self._asked = False
        self._answered = False

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the scope until shutdown is complete."""
        self._lifecycle.starting()
        async with measured_loop_lag(self._metrics):
            await self._run(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_and_drain() -> Message:
            message = await receive()
            self._asked = True
            if message["type"] == "lifespan.shutdown":
                await self._drain()
            return message

        async def send_and_note(message: Message) -> None:
            self._answered = True
            if message["type"] == "lifespan.startup.complete":
                self._ready()
            elif message["type"].startswith("lifespan.shutdown"):
                await self._finish()
            await send(message)

        try:
            await self._app(scope, receive_and_drain, send_and_note)
        except Exception:  # before any answer: the app does not know this scope; servers go on too
            if self._answered:
                raise
        if not self._answered:
            await self._run_alone(receive, send)

    async def _run_alone(self, receive: Receive, send: Send) -> None:
        if not self._asked:
            await receive()
        self._ready()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._drain()
        await self._finish()
        await send({"type": "lifespan.shutdown.complete"})

    async def _finish(self) -> None:
        # Before the server hears that all is done, because then it may end the process; in a
        # thread, because exporters wait for the network.
        await asyncio.to_thread(self._close)

    def _ready(self) -> None:
        self._lifecycle.started()
        self._lifecycle.watch_termination()

    async def _drain(self) -> None:
        if not await self._lifecycle.drain():
            _log.warning("shutting down with requests under way", count=self._lifecycle.in_flight)


@contextlib.asynccontextmanager
async def measured_loop_lag(metrics: Metrics) -> AsyncIterator[None]:
    """Keep `metrics.loop_lag` at the worst lateness of a timer in the last five seconds."""
    task = asyncio.create_task(_measure(metrics))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _measure(metrics: Metrics) -> None:
    clock = asyncio.get_running_loop().time
    recent: list[float] = []
    while True:
        before = clock()
        await asyncio.sleep(LAG_PERIOD)
        recent = [*recent[1 - _LAG_WINDOW :], max(0.0, clock() - before - LAG_PERIOD)]
        metrics.loop_lag = max(recent)
