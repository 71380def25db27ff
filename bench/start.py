"""How long until the first call is answered: `fairway up` against honcho with the same programs.

Both start two bare programs and are asked, again and again, until front has an answer from back.
Fairway starts three Envoys, an authority with certificates and a control plane in that time.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from tests.driver import TOOLS, Driver, clean_environment, copy_of

from bench.report import Figure

APP = Path(__file__).parent / "apps" / "start"
ROUNDS = 5
LIMIT = 2.5
PATIENCE = 60.0
"""Seconds."""


def measure_start() -> list[Figure]:
    """Medians of interleaved runs, each from nothing: no state, no certificates."""
    ours, peers = [], []
    for _ in range(ROUNDS):
        peers.append(start_with_honcho())
        ours.append(start_with_fairway())
    return [
        Figure(
            "start",
            "up to the first allowed call",
            statistics.median(ours),
            "s",
            statistics.median(peers),
            "honcho",
            LIMIT,
        )
    ]


def start_with_fairway() -> float:
    """Seconds from `fairway up` to the first answer through the gateway."""
    with tempfile.TemporaryDirectory() as folder:
        driver = Driver(copy_of(APP, Path(folder) / "app"), clean_environment())
        gateway = free_port()
        environment = f"environments: {{local: {{gateway: {{port: {gateway}}}}}}}\n"
        with (driver.folder / "fairway.yaml").open("a") as app_file:
            app_file.write(environment)
        with program([str(TOOLS / "fairway"), "up"], driver.folder, driver.environment):
            return first_answer(gateway)


def start_with_honcho() -> float:
    """Seconds from `honcho start` to the first answer of front."""
    with tempfile.TemporaryDirectory() as folder:
        app = copy_of(APP, Path(folder) / "app")
        front, back = free_port(), free_port()
        ports = {"FRONT_PORT": str(front), "BACK_PORT": str(back)}
        url = {"BACK_URL": f"http://127.0.0.1:{back}"}
        with program([str(TOOLS / "honcho"), "start"], app, clean_environment() | ports | url):
            return first_answer(front)


@contextmanager
def program(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """A program in the foreground, logging to a file, ended by Ctrl-C and waited for."""
    with (folder / "program.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGINT)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()


def first_answer(port: int) -> float:
    """Seconds from now until front answers 200; the program was started a moment ago."""
    started = time.perf_counter()
    while not answers(port, "GET", "/ask"):
        if time.perf_counter() - started > PATIENCE:
            raise TimeoutError(f"no answer on port {port} within {PATIENCE:.0f} s")
        time.sleep(0.01)
    return time.perf_counter() - started


def answers(port: int, method: str, path: str, body: bytes = b"") -> bool:
    """Whether a call comes back with a 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body or None)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
