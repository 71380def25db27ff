"""Drives a real Fairway the way a user does: a copy of an example, and the command line.

Used by the system tests and by the bench. Nothing here reaches into the platform's code: what the
command line does not print is read from the processes themselves.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
TOOLS = Path(sys.executable).parent
"""Where `fairway`, `uvicorn` and the other commands of this environment are."""


def copy_of(source: Path, destination: Path) -> Path:
    """A copy of an app's folder without any state, so that runs never meet each other."""
    left_out = shutil.ignore_patterns(".fairway", ".venv", "__pycache__", ".coverage")
    return Path(shutil.copytree(source, destination, ignore=left_out))


def clean_environment(**variables: str) -> dict[str, str]:
    """This environment with the tools first on PATH, and without what would steer Fairway."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FAIRWAY_", "OTEL_", "CI"))}
    return kept | {"PATH": f"{TOOLS}{os.pathsep}{kept['PATH']}", "NO_COLOR": "1"} | variables


@dataclass(frozen=True, slots=True)
class Driver:
    """One app folder, and everything one can ask of it from outside."""

    folder: Path
    environment: dict[str, str] = field(default_factory=clean_environment)
    target: str = "local"

    def fairway(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run one command; with `check`, a failure shows what the command said."""
        done = subprocess.run(
            [TOOLS / "fairway", *arguments],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check and done.returncode != 0:
            command = " ".join(arguments)
            raise AssertionError(
                f"fairway {command} -> {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def json(self, *arguments: str, check: bool = True) -> Any:
        """What a command reports with `--json`."""
        return json.loads(self.fairway(*arguments, "--json", check=check).stdout)

    def up(self) -> None:
        """Start in the background; returns when everything is healthy."""
        self.fairway("up", "-d", "--env", self.target)

    def down(self) -> None:
        """Stop everything."""
        self.fairway("down", "--env", self.target)

    def status(self) -> dict[str, Any]:
        """`fairway status --json`."""
        status: dict[str, Any] = self.json("status", "--env", self.target)
        return status

    @property
    def state(self) -> Path:
        """The state folder of the environment."""
        return self.folder / ".fairway" / self.target

    def pids(self) -> dict[str, int]:
        """The process of every replica and every Envoy, by name."""
        status = self.status()
        replicas = {
            f"{service['name']}.{replica['index']}": replica["pid"]
            for service in status["services"]
            for replica in service["replicas"]
        }
        return replicas | {f"envoy {envoy['name']}": envoy["pid"] for envoy in status["envoys"]}

    def variables(self, service: str, replica: int = 0) -> dict[str, str]:
        """The environment that a replica really runs with."""
        return psutil.Process(self.pids()[f"{service}.{replica}"]).environ()

    def gateway(self) -> httpx2.Client:
        """A client of the gateway, without any identity."""
        return httpx2.Client(base_url=self.status()["gateway_url"], timeout=10)

    def logged(self, correlation_id: str) -> list[dict[str, Any]]:
        """What every program and every Envoy wrote about one request."""
        lines = self.fairway("logs", "--correlation", correlation_id, "--json").stdout
        return [json.loads(line) for line in lines.splitlines()]


@contextmanager
def running(driver: Driver) -> Iterator[Driver]:
    """A started system, taken down at the end whatever happened."""
    try:
        driver.up()
        yield driver
    finally:
        driver.fairway("down", "--env", driver.target, check=False)
