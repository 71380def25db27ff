"""Serves the API inside the asyncio loop that already runs the control plane.

`up` imports this module (slow: uvicorn and FastAPI) once services run, and enters `serve`. The
socket is bound first, to the loopback address and a free port, so that the address is known.
Signals stay with the caller: uvicorn would otherwise take Ctrl-C for itself.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from fairway.api.app import create_app
from fairway.control.port import ControlPlane
from fairway.errors import Unavailable

_SHUTDOWN_SECONDS = 2


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the process's signal handlers alone."""
        yield


@asynccontextmanager
async def serve(control: ControlPlane, token: str, port: int = 0) -> AsyncIterator[str]:
    """Serve `control` on loopback; yields the base URL. Ends open streams on the way out.

    Raises Unavailable when the port is taken.
    """
    listener = _listen(port)
    config = uvicorn.Config(
        create_app(control, token),
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listener.close()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()  # from here on a connection waits in the backlog instead of failing
    except OSError as error:
        listener.close()
        raise Unavailable(
            "port-taken",
            f"the control plane's port {port} is taken",
            remedy="stop the program that listens there, or choose another port",
        ) from error
    return listener
