"""A real receiver process for tests, with what is sent to it and read back from its store."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.waiting import PATIENCE

from fairway.telemetry.config import HTTP_SOCKET, Address, ReceiverConfig
from fairway.telemetry.receiver_status import ReceiverStatus
from fairway.telemetry.store.reading import StoredTelemetry

LOOPBACK = "127.0.0.1"
PROTOBUF = {"content-type": "application/x-protobuf"}


def free_port() -> int:
    with socket.socket() as found:
        found.bind((LOOPBACK, 0))
        port: int = found.getsockname()[1]
        return port


def exported(spans: int = 1, trace_id: bytes = b"\x01" * 16, service: str = "orbit") -> bytes:
    """A serialised request with some spans of one trace, just ended."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    attribute = resource.resource.attributes.add(key="service.name")
    attribute.value.string_value = service
    now = time.time_ns()
    resource.scope_spans.add().spans.extend(
        Span(
            trace_id=trace_id,
            span_id=number.to_bytes(8, "big"),
            name=f"step {number}",
            start_time_unix_nano=now - 2_000_000,
            end_time_unix_nano=now,
        )
        for number in range(1, spans + 1)
    )
    return request.SerializeToString()


@dataclass
class Rig:
    """A receiver's folders and, once it was started, its process."""

    folder: Path
    config: ReceiverConfig
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.config.http}"

    @property
    def grpc(self) -> str:
        return str(self.config.grpc)

    @property
    def store(self) -> StoredTelemetry:
        return StoredTelemetry(self.config.store, time.time)

    def status(self) -> ReceiverStatus | None:
        return ReceiverStatus.read(self.config.status)

    def write_config(self, **changes: object) -> None:
        self.config = replace(self.config, **changes)  # type: ignore[arg-type]
        fresh = self.folder / "receiver.json.new"
        fresh.write_text(self.config.to_json())
        fresh.replace(self.folder / "receiver.json")

    def log(self, name: str, text: str) -> Path:
        path = self.config.logs / name
        with path.open("a") as file:
            file.write(text)
        return path

    def start(
        self, variables: Mapping[str, str] | None = None, handed: tuple[int, ...] = ()
    ) -> None:
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "fairway.telemetry.receiver"),
                    str(self.folder / "receiver.json"),
                ],
                env={**os.environ, **(variables or {})},
                stdout=output,
                stderr=output,
                pass_fds=handed,
            )

    def up(self) -> None:
        """Wait until it listens on both ports."""
        deadline = time.monotonic() + 30
        while not self._running():
            assert time.monotonic() < deadline, "it does not come up"
            time.sleep(0.02)

    def _running(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output
        found = self.status()
        return found is not None and found.running and found.pid == self.process.pid

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; returns how it ended."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()


@contextmanager
def receiver(folder: Path, **changes: object) -> Iterator[Rig]:
    """A receiver that is not started yet; it is gone afterwards."""
    for name in ("store", "logs"):
        (folder / name).mkdir()
    config = ReceiverConfig(
        "shop",
        "local",
        Address(LOOPBACK, free_port()),
        Address(LOOPBACK, free_port()),
        folder / "store",
        folder / "logs",
        folder / "ledger.json",
        run=1,
        started_at=time.time() - 60,
    )
    rig = Rig(folder, config)
    rig.write_config(**changes)
    try:
        yield rig
    finally:
        if rig.process is not None:
            rig.stop(signal.SIGKILL)


@contextmanager
def bound_first(rig: Rig) -> Iterator[tuple[dict[str, str], int]]:
    """A listening socket for the receiver to inherit: the variable, and the descriptor."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, rig.config.http.port))
        listener.listen(16)
        yield {HTTP_SOCKET: str(listener.fileno())}, listener.fileno()
