"""The life of a control plane in this process: start, serve the API, wait, stop.

`up` runs it in the foreground, `control-plane` in the background. Guarantees: `control.json` exists
exactly while the API answers; the first Ctrl-C (SIGINT, SIGTERM or SIGHUP) stops gracefully, the
second skips the grace periods; however it ends, what was started is taken down again.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from fairway.cli.desk import user
from fairway.cli.progress import Progress
from fairway.control.port import ControlPlane, SystemStatus
from fairway.targets.local.layout import StateDir, write_private

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Ready = Callable[[SystemStatus, str], None]
"""Called once with the status and the API's URL when everything is healthy."""


async def live(control: ControlPlane, state: StateDir, progress: Progress, ready: Ready) -> None:
    """Start, serve until someone asks for the end, stop.

    Raises what `ControlPlane.start` raises, and KeyboardInterrupt when interrupted while starting
    (then everything was taken down again); interrupted later, it ends well.
    """
    watching = asyncio.create_task(_watch(control, progress))
    try:
        with _interrupts() as interrupts:
            await _start(control, interrupts)
            progress.settle()
            async with _announced(control, state) as url:
                ready(await control.status(), url)
                await _first(control.wait_stopped(), interrupts.get())
                await _stop(control, interrupts)
    finally:
        await _finish(watching)
        progress.settle()


async def _start(control: ControlPlane, interrupts: asyncio.Queue[int]) -> None:
    starting = asyncio.create_task(control.start())
    interrupted = asyncio.create_task(interrupts.get())
    await asyncio.wait({starting, interrupted}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        interrupted.cancel()
        await starting
        return
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting
    await _stop(control, interrupts)
    raise KeyboardInterrupt


async def _stop(control: ControlPlane, interrupts: asyncio.Queue[int]) -> None:
    stopping = asyncio.create_task(control.stop())
    hurrying = asyncio.create_task(interrupts.get())
    await asyncio.wait({stopping, hurrying}, return_when=asyncio.FIRST_COMPLETED)
    if hurrying.done():
        await control.hurry()
    hurrying.cancel()
    await stopping


async def _watch(control: ControlPlane, progress: Progress) -> None:
    async for event in control.events(0):
        progress.show(event)


async def _finish(watching: asyncio.Task[None]) -> None:
    """Let the last events be shown; a system that never ran ends no event stream by itself."""
    await asyncio.wait({watching}, timeout=0.5)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


@contextmanager
def _interrupts() -> Iterator[asyncio.Queue[int]]:
    """A queue of the signals that ask for the end, while inside."""
    received: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, received.put_nowait, number)
    try:
        yield received
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _announced(control: ControlPlane, state: StateDir) -> AsyncIterator[str]:
    """Serve the API and say in `control.json` where; yields the URL."""
    # Imported here, in a thread: FastAPI takes half a second, and the services are already up.
    serve, local_offer = await asyncio.to_thread(_import_api)
    token = secrets.token_urlsafe(32)
    directory = await control.directory()
    async with serve(local_offer(control, token, user(), time.time, directory)) as url:
        found = {"pid": os.getpid(), "url": url, "token": token, "started_at": time.time()}
        write_private(state.control, json.dumps(found).encode())
        try:
            yield url
        finally:
            state.control.unlink(missing_ok=True)


def _import_api() -> tuple[Any, Any]:
    from fairway.api.offer import local_offer
    from fairway.api.server import serve

    return serve, local_offer
