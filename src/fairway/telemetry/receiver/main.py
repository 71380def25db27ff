"""The receiver as a whole: reads its configuration, listens, and ends in good order on SIGTERM.

Called by `__main__.py`. Once a second it writes `status.json` and looks whether its configuration
has changed. On SIGTERM or SIGINT it takes nothing more, stores what it has accepted and what the
log files hold, and ends: stop the services first, then it has everything they said.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import grpc

from fairway.errors import FairwayError, NotFound, Unavailable
from fairway.telemetry.config import HTTP_SOCKET, Address, ReceiverConfig
from fairway.telemetry.receiver.files import replace_file
from fairway.telemetry.receiver.forwarding import Forwarder, forward_headers
from fairway.telemetry.receiver.grpc_server import grpc_server
from fairway.telemetry.receiver.http import HttpServer
from fairway.telemetry.receiver.pipeline import Pipeline
from fairway.telemetry.receiver.reception import Counts, Reception, Room
from fairway.telemetry.receiver_status import ReceiverStatus

_STATUS_SECONDS: Final = 1.0
_GRPC_GRACE: Final = 1.0
_BACKLOG: Final = 1024


def run(path: Path) -> None:
    """Receive until told to end. Raises InvalidInput, NotFound; Unavailable for a taken port."""
    file = ConfigFile(path)
    config = file.read()
    listener = _listener(config.http)
    receiver = Receiver(config, file)
    asyncio.run(receiver.serve(listener))


class ConfigFile:
    """The configuration on disk, and whether it is another one than before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None

    def read(self) -> ReceiverConfig:
        """What it says now."""
        try:
            self._seen = self._stamp()
            return ReceiverConfig.from_json(self._path.read_bytes())
        except FileNotFoundError as error:
            raise NotFound(
                "receiver-config-missing",
                "the receiver's configuration does not exist",
                where=str(self._path),
                remedy="start with fairway up, which writes it",
            ) from error

    def changed(self) -> ReceiverConfig | None:
        """What it says now, if it was replaced since; None also when that cannot be read."""
        with suppress(FairwayError, OSError):
            if self._stamp() != self._seen:
                return self.read()
        return None

    def _stamp(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_ino


class Receiver:
    """Everything that runs in the process."""

    def __init__(self, config: ReceiverConfig, file: ConfigFile) -> None:
        self._config = config
        self._file = file
        self._started_at = time.time()
        self._counts = Counts()
        self._reception = Reception(Room(), self._counts)
        self._pipeline = Pipeline(config, self._reception, time.time)
        self._forwarder: Forwarder | None = None
        self._forward(config.forward)

    async def serve(self, listener: socket.socket) -> None:
        """Receive until SIGTERM or SIGINT."""
        http = HttpServer(self._reception)
        ended = _signals(http)
        self._pipeline.start()
        rpc: grpc.Server | None = None
        try:
            rpc = grpc_server(self._reception, self._config.grpc)
            serving = asyncio.create_task(http.serve([listener]))
            while not serving.done():
                self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_STATUS_SECONDS):
                        await ended.wait()
                if ended.is_set():
                    await serving
        finally:
            await asyncio.to_thread(self._end, rpc)

    def _look(self) -> None:
        """What is done once a second."""
        changed = self._file.changed()
        if changed is not None:
            self._pipeline.told(changed)
            self._forward(changed.forward)
        self._write_status(running=True)

    def _forward(self, endpoint: str | None) -> None:
        """Forward to that endpoint from now on."""
        before = self._forwarder
        if (before.endpoint if before else None) == endpoint:
            return
        self._forwarder = Forwarder(endpoint, self._counts, forward_headers()) if endpoint else None
        self._reception.forward = self._forwarder
        if before is not None:
            before.end(patience=0)

    def _end(self, rpc: grpc.Server | None) -> None:
        if rpc is not None:
            rpc.stop(_GRPC_GRACE).wait()
        self._pipeline.end()
        if self._forwarder is not None:
            self._forwarder.end()
        self._write_status(running=False)

    def _write_status(self, *, running: bool) -> None:
        counts = self._counts
        status = ReceiverStatus(
            running=running,
            pid=os.getpid(),
            at=time.time(),
            started_at=self._started_at,
            http=f"http://{self._config.http}",
            grpc=str(self._config.grpc),
            received=counts.by_kind("received"),
            shed=counts.by_kind("shed"),
            rejected=counts.total("rejected"),
            damaged=counts.total("damaged"),
            lost=counts.total("lost"),
            queued=self._reception.room.held,
            forwarded=counts.total("forwarded"),
            forward_failed=counts.total("forward_failed"),
            problem=self._pipeline.problem,
        )
        with suppress(OSError):  # a full disk: the store says so itself
            replace_file(self._config.status, status.to_json().encode())


def _signals(http: HttpServer) -> asyncio.Event:
    """Set when the process is asked to end; the HTTP server hears of it too."""
    ended = asyncio.Event()

    def end() -> None:
        http.should_exit = True
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    return ended


def _listener(address: Address) -> socket.socket:
    """The inherited socket, if it is that address's; else one of our own."""
    inherited = _inherited(os.environ.pop(HTTP_SOCKET, ""))
    if inherited is not None:
        if inherited.getsockname()[1] == address.port:
            return inherited
        inherited.close()
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            "port-taken",
            f"nothing can listen on {address}: {error.strerror or error}",
            remedy="stop the program that listens there",
        ) from error
    listener.listen(_BACKLOG)
    return listener


def _inherited(descriptor: str) -> socket.socket | None:
    """The listening socket behind a number; None when there is none behind it."""
    try:
        found = socket.socket(fileno=int(descriptor))
    except (ValueError, OSError):
        return None
    try:
        listens = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    except OSError:
        listens = False
    if listens:
        return found
    found.detach()  # whatever it is, it is not ours to close
    return None
