"""How axon-orbit comes, survives its control plane, and goes: nothing is ever left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx2
import psutil
import pytest
from tests.driver import TOOLS, Driver
from tests.steady_load import steady_load
from tests.waiting import PATIENCE, eventually, until

pytestmark = [pytest.mark.envoy, pytest.mark.slow, pytest.mark.xdist_group("system")]

ORDER = {"prompt": "Is anyone there?"}


def test_calls_survive_the_control_plane_and_the_next_up_adopts(fresh_axon_orbit: Driver) -> None:
    system = fresh_axon_orbit
    system.up()
    before, status = system.pids(), system.status()
    kill(status["control_pid"])
    with httpx2.Client(base_url=status["gateway_url"]) as gateway:
        assert {gateway.post("/dispatch", json=ORDER).status_code for _ in range(20)} == {200}
    refused = system.fairway("policy", "activate", "1", check=False)
    assert refused.returncode == 5, "said to be in force where nobody would hear of it"
    system.up()
    assert system.pids() == before
    assert system.status()["gateway_url"] == status["gateway_url"]
    with system.gateway() as gateway:
        assert gateway.post("/dispatch", json=ORDER).status_code == 200
    assert_gone_after(system, system.down)


def test_ctrl_c_leaves_nothing(fresh_axon_orbit: Driver) -> None:
    system = fresh_axon_orbit
    foreground = subprocess.Popen(
        [TOOLS / "fairway", "up"],
        cwd=system.folder,
        env=system.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def interrupt() -> None:
        foreground.send_signal(signal.SIGINT)
        assert foreground.wait(PATIENCE) in (0, 130)

    try:
        until(lambda: is_running(system), every=0.5)
        assert_gone_after(system, interrupt)
    finally:
        foreground.kill()


def test_down_clears_what_a_killed_control_plane_left(fresh_axon_orbit: Driver) -> None:
    system = fresh_axon_orbit
    system.up()

    def kill_then_down() -> None:
        kill(system.status()["control_pid"])
        system.down()

    assert_gone_after(system, kill_then_down)


async def test_down_closes_the_door_before_services_stop(fresh_axon_orbit: Driver) -> None:
    """Whoever asks meanwhile is not let in, which no error budget pays for; nobody gets a 503."""
    system = fresh_axon_orbit
    system.up()
    url = f"{system.status()['gateway_url']}/health"
    async with steady_load(url, 60) as load:
        await eventually(lambda: len(load.answers) > 30)
        await asyncio.to_thread(system.down)
    assert {status for _, status, _ in load.answers} == {200, 0}


def is_running(system: Driver) -> bool:
    done = system.fairway("status", "--json", check=False)
    return done.returncode == 0 and system.status()["phase"] == "running"


def kill(pid: int) -> None:
    """SIGKILL, and wait until it is really gone."""
    process = psutil.Process(pid)
    os.kill(pid, signal.SIGKILL)
    process.wait(PATIENCE)


def assert_gone_after(system: Driver, stop: Callable[[], None]) -> None:
    """No process, no port and no lock of a running system is left once `stop` returned."""
    pids, ports = set(system.pids().values()), listening(system)
    assert pids
    assert ports
    stop()
    assert not {pid for pid in pids if runs(pid)}
    assert not {port for port in ports if is_open(port)}
    # The control plane lets go of everything first and is itself gone a moment later.
    until(lambda: not processes_of(system.folder))
    assert system.fairway("status", check=False).returncode != 0


def runs(pid: int) -> bool:
    """Whether a process does anything. One that ended, but that PID 1 never asks for, does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def listening(system: Driver) -> set[int]:
    """Every TCP port that a process of the system listens on."""
    return {
        connection.laddr.port
        for pid in system.pids().values()
        for connection in psutil.Process(pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def processes_of(folder: Path) -> list[str]:
    """Processes that work in the app's folder, or were started with a path in it."""
    found = []
    for process in psutil.process_iter(["cwd", "cmdline"]):
        words = [process.info["cwd"] or "", *(process.info["cmdline"] or [])]
        if any(str(folder) in word for word in words):
            found.append(" ".join(words))
    return found
