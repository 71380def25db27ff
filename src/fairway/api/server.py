"""Serves the API inside the asyncio loop that already runs the control plane.

`up` and `fairway server` import this module (slow: uvicorn) once there is something to
serve, and enter `serve`. The socket is bound first, so that the address is known. Signals stay with
the caller: uvicorn would otherwise take Ctrl-C for itself.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from fairway.api.problems import Asgi
from fairway.errors import InvalidInput, Unavailable

_SHUTDOWN_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Tls:
    """The PEM files of a server's certificate chain and its key."""

    certificate: Path
    key: Path


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the process's signal handlers alone."""
        yield


@asynccontextmanager
async def serve(
    app: Asgi, address: tuple[str, int] = ("127.0.0.1", 0), tls: Tls | None = None
) -> AsyncIterator[str]:
    """Serve the API, perhaps with the console; yields the base URL. Ends open streams at the end.

    Port 0 takes a free one. Raises Unavailable when the port is taken, InvalidInput for a
    certificate that cannot be used.
    """
    listener = _listen(*address)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    _load(config, tls)
    server = _Server(config)
    running = asyncio.create_task(server.serve([listener]))
    try:
        yield f"{'https' if tls else 'http'}://{_shown(*listener.getsockname()[:2])}"
    finally:
        server.should_exit = True
        await running
        listener.close()


def _load(config: uvicorn.Config, tls: Tls | None) -> None:
    """Read the certificate now: uvicorn would end the process over a bad one."""
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(
            "certificate-unusable",
            f"the certificate or its key cannot be used: {error}",
            where=str(tls.certificate) if tls else "",
            remedy="name a PEM file with the whole chain, and the key that belongs to it",
        ) from error


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # from here on a connection waits in the backlog instead of failing
    except OSError as error:
        listener.close()
        raise Unavailable(
            "port-taken",
            f"nothing can listen on {_shown(host, port)}: {error.strerror or error}",
            remedy="stop the program that listens there, or choose another address",
        ) from error
    return listener
