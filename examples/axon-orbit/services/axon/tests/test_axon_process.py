"""axon as a process of its own: metrics, a rotated secret, and a quiet end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

SERVICE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Axon:
    """A started axon, its address, and the file that its key is read from."""

    process: subprocess.Popen[str]
    http: httpx2.Client
    key_file: Path

    def key_id(self) -> str:
        key: str = self.http.get("/health").json()["key_id"]
        return key


@pytest.fixture
def axon(tmp_path: Path) -> Iterator[Axon]:
    key_file = tmp_path / "AXON_MODEL_KEY"
    key_file.write_text("the first key")
    key_file.chmod(0o600)
    port = free_port()
    variables = {"FAIRWAY_METRICS": "1", "FAIRWAY_SECRETS_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "axon.main:app", "--port", str(port)],
        cwd=SERVICE,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as http:
            until(lambda: process.poll() is not None or answers(http))
            yield Axon(process, http, key_file)
    finally:
        process.kill()
        process.wait()


def test_requests_are_counted(axon: Axon) -> None:
    axon.http.post("/reason", json={"prompt": "how many?"})
    metrics = axon.http.get("/metrics").text
    assert "http_server_request_duration" in metrics


def test_a_rotated_key_is_used_by_the_same_process(axon: Axon) -> None:
    before = axon.key_id()
    axon.key_file.write_text("the second key")
    until(lambda: axon.key_id() != before)
    assert axon.process.poll() is None


def test_it_ends_when_asked_and_has_logged_in_json(axon: Axon) -> None:
    axon.http.post("/reason", json={"prompt": "what was logged?"})
    axon.process.terminate()
    said, _ = axon.process.communicate(timeout=10)
    assert axon.process.returncode in (0, -15)
    assert '"logged"' in said
    assert "the first key" not in said


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def answers(http: httpx2.Client) -> bool:
    try:
        return http.get("/health").status_code == 200
    except httpx2.TransportError:
        return False


def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
