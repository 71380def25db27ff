"""What Fairway itself keeps resident while axon-orbit runs: the control plane and each Envoy."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import httpx2
import psutil
from tests.driver import EXAMPLES, Driver, copy_of, running

from bench.report import Figure

MEGABYTE = 1_000_000
CONTROL_PLANE_LIMIT = 150.0
ENVOY_LIMIT = 80.0
RECEIVER_LIMIT = 400.0
"""Megabytes."""
CALLS = 500
SETTLE = 3.0
"""Seconds between the last call and the reading."""


def measure_memory() -> list[Figure]:
    """Resident memory after some traffic: nothing that only a first call needs is missing."""
    with tempfile.TemporaryDirectory() as folder:
        driver = Driver(copy_of(EXAMPLES / "axon-orbit", Path(folder) / "app"))
        driver.fairway("secrets", "set", "AXON_MODEL_KEY", stdin="for the bench\n")
        with running(driver):
            use(driver)
            status = driver.status()
            control = Figure(
                "memory",
                "control plane",
                resident(status["control_pid"]),
                "MB",
                limit=CONTROL_PLANE_LIMIT,
            )
            envoys = (envoy(each) for each in status["envoys"])
            return [control, receiver(driver), *envoys]


def receiver(driver: Driver) -> Figure:
    """What receives and keeps telemetry."""
    records = json.loads((driver.state / "ledger.json").read_bytes())["records"]
    pid = next(each["pid"] for each in records if each["kind"] == "telemetry")
    return Figure("memory", "telemetry receiver", resident(pid), "MB", limit=RECEIVER_LIMIT)


def envoy(status: dict[str, object]) -> Figure:
    """One sidecar, or the gateway."""
    pid = status["pid"]
    assert isinstance(pid, int)
    return Figure("memory", f"Envoy {status['name']}", resident(pid), "MB", limit=ENVOY_LIMIT)


def use(driver: Driver) -> None:
    """Some traffic, then rest."""
    with driver.gateway() as gateway:
        for _ in range(CALLS):
            answer: httpx2.Response = gateway.post("/dispatch", json={"prompt": "how much?"})
            answer.raise_for_status()
    time.sleep(SETTLE)


def resident(pid: int) -> float:
    """Resident memory of one process, in megabytes."""
    return psutil.Process(pid).memory_info().rss / MEGABYTE
