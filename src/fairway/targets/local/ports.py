"""Loopback ports: chosen once, written down, and kept across restarts while they stay free.

The supervisor asks for replicas, the mesh for its listeners. Ports come from below the range that
kernels use for outgoing connections, so that a connection never takes a port between two starts.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Collection, Iterator
from pathlib import Path

from fairway.errors import Conflict, Unavailable
from fairway.targets.local.layout import write_private

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 18_000, 29_999
"""Linux takes 32768 and up for outgoing connections, macOS 49152 and up."""


class Ports:
    """The port book of one state folder; `instance` spreads the ports of different apps.

    Keys are free text that names a purpose (`orbit.0`, `orbit.inbound`); `reserved` holds ports
    that are declared in the app file and therefore never given to anyone else.
    """

    def __init__(self, path: Path, instance: str, reserved: Collection[int] = ()) -> None:
        self._path = path
        self._instance = instance
        self._reserved = frozenset(reserved)
        self._assigned = _read(path)

    def assign(self, key: str, *, keep: bool = False) -> int:
        """The port for `key`: the one it had if that is still free, else another.

        `keep` says that a process to be adopted listens on it, so it need not be free.
        """
        known = self._assigned.get(key)
        if known is not None and known not in self._reserved and (keep or is_free(known)):
            return known
        port = next((p for p in self._candidates(key) if is_free(p)), None)
        if port is None:
            raise Unavailable(
                "no-free-port",
                f"no loopback port between {LOWEST} and {HIGHEST} is free for {key}",
                remedy="stop programs that listen there",
            )
        self._remember(key, port)
        return port

    def claim(self, key: str, port: int, *, where: str = "", keep: bool = False) -> int:
        """Take a port that is declared in the app file; Conflict names who holds it."""
        kept = keep and self._assigned.get(key) == port
        if not kept and not is_free(port):
            raise Conflict(
                "port-taken",
                f"port {port}, declared for {key}, is held by {holder_of(port)}",
                where=where,
                remedy="stop that program, or declare another port (or none: one is assigned)",
            )
        self._remember(key, port)
        return port

    def release(self, key: str) -> None:
        """Forget a port that is not needed any more."""
        if self._assigned.pop(key, None) is not None:
            self._write()

    def release_all(self, prefix: str) -> None:
        """Forget every port whose key begins so."""
        for key in [key for key in self._assigned if key.startswith(prefix)]:
            self.release(key)

    def _candidates(self, key: str) -> Iterator[int]:
        taken = self._reserved | set(self._assigned.values())
        seed = hashlib.sha256(f"{self._instance}/{key}".encode()).digest()
        span = HIGHEST - LOWEST + 1
        first = int.from_bytes(seed[:4], "big") % span
        ports = (LOWEST + (first + step) % span for step in range(span))
        return (port for port in ports if port not in taken)

    def _remember(self, key: str, port: int) -> None:
        if self._assigned.get(key) != port:
            self._assigned[key] = port
            self._write()

    def _write(self) -> None:
        write_private(self._path, json.dumps(self._assigned, indent=1, sort_keys=True).encode())


def _read(path: Path) -> dict[str, int]:
    try:
        book = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):  # a lost book costs new ports, nothing else
        return {}
    return {str(k): int(v) for k, v in book.items()} if isinstance(book, dict) else {}


def is_free(port: int) -> bool:
    """Whether a program could listen on this loopback port now."""
    return _can_bind(port) and not _answers(port)


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Connections of the previous owner in TIME_WAIT must not count: servers set this too.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _answers(port: int) -> bool:
    """On macOS a bind succeeds beside a listener on all addresses: ask whether one answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((LOOPBACK, port)) == 0


def holder_of(port: int) -> str:
    """The program that listens on a port, for people: `python (process 4711)`."""
    import psutil  # noqa: PLC0415 - 35 ms that only this error message needs

    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listens and connection.pid is not None:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:  # macOS lets only root see the sockets of others
        pass
    return "another program"
