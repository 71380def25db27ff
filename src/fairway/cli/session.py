"""The life of a control plane in this process: start, serve API and console, wait, stop.

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
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from types import SimpleNamespace
from typing import Any

from fairway.cli.desk import user
from fairway.cli.progress import Progress
from fairway.control.port import ControlPlane, SystemStatus
from fairway.delivery.port import Actor
from fairway.errors import Unavailable
from fairway.targets.local.layout import StateDir, write_private

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

CONSOLE_PORT = 7070
"""Where API and console listen if nobody else does: bookmarks go on working."""
Ready = Callable[[SystemStatus, str, str], None]
"""Called once with the status, the API's URL and a console login link when all is healthy."""


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
            async with _announced(control, state) as (url, link):
                ready(await control.status(), url, link)
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
async def _announced(control: ControlPlane, state: StateDir) -> AsyncIterator[tuple[str, str]]:
    """Serve API and console and say in `control.json` where; yields the URL and a login link."""
    # Imported here, in a thread: FastAPI takes half a second, and the services are already up.
    slow = await asyncio.to_thread(_import_site)
    token, me = secrets.token_urlsafe(32), user()
    directory = await control.directory()
    site = slow.create_site(slow.local_offer(control, token, me, time.time, directory))
    async with _served(slow.serve, site) as url:
        found = {"pid": os.getpid(), "url": url, "token": token, "started_at": time.time()}
        write_private(state.control, json.dumps(found).encode())
        site.warm()
        try:
            yield url, url + site.login_path(Actor(me, "admin"))
        finally:
            state.control.unlink(missing_ok=True)


@asynccontextmanager
async def _served(serve: Any, site: Any) -> AsyncIterator[str]:
    """On the usual port, or on any other while that one is taken."""
    async with AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(serve(site, ("127.0.0.1", CONSOLE_PORT)))
        except Unavailable:
            url = await stack.enter_async_context(serve(site))
        yield url


def _import_site() -> SimpleNamespace:
    from fairway.api.offer import local_offer
    from fairway.api.server import serve
    from fairway.console.site import create_site

    return SimpleNamespace(local_offer=local_offer, serve=serve, create_site=create_site)
