"""A real `fairway server` as a process, and a client of its API."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from tests.waiting import PATIENCE

FAIRWAY = (sys.executable, "-m", "fairway.cli.main")
ENV = "/api/v1/apps/shop/environments/prod"


def shop(note: str = "", **environment: Any) -> dict[str, Any]:
    """An app of one simulated service; another `note` is another version of it."""
    return {
        "app": "shop",
        "services": {"orbit": {"run": f"serve {note}"}},
        "environments": {"prod": {"target": "memory", **environment}},
    }


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def client(self, token: str) -> httpx2.Client:
        headers = {"authorization": f"Bearer {token}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(folder: Path, database: str, name: str = "server") -> Iterator[Server]:
    """A server on a free port; its files are in `folder`."""
    output, log = folder / f"{name}.out", folder / f"{name}.log"
    command = [*FAIRWAY, "server", "--listen", "127.0.0.1:0", "--data", str(folder), "--json"]
    with output.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(
            [*command, "--database", database], stdout=out, stderr=err, env=_environment()
        )
    try:
        yield Server(process, _url(process, output, log), log)
    finally:
        process.kill()
        process.wait(PATIENCE)


def first_token(folder: Path) -> str:
    """The token of the first admin, as the server left it."""
    return (folder / "first-token").read_text().strip()


def ended(client: httpx2.Client, deployment: str) -> dict[str, Any]:
    """A deployment, once it is over."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found: dict[str, Any] = client.get(f"{ENV}/deployments/{deployment}").json()
        if found.get("ended_at") is not None:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def _url(process: subprocess.Popen[bytes], output: Path, log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while not output.read_text().endswith("\n"):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    url: str = json.loads(output.read_text())["url"]
    return url


def _environment() -> Mapping[str, str]:
    return {**os.environ, "NO_COLOR": "1"}
