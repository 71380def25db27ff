"""What the tests of the local supervisor share: a system in a temporary folder, and waiting."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
from tests.waiting import PATIENCE, eventually

from fairway.model.services import Service
from fairway.targets.local.environment import Variables
from fairway.targets.local.group import Endpoint
from fairway.targets.local.layout import StateDir, open_state
from fairway.targets.local.ledger import Ledger, ProcessRecord
from fairway.targets.local.ports import Ports
from fairway.targets.local.process_table import INSTANCE_VARIABLE
from fairway.targets.local.processes import Exit, Processes
from fairway.targets.local.replica import State
from fairway.targets.local.specs import ServiceSpec, Surroundings, service_spec
from fairway.targets.local.supervisor import Supervisor

SERVER = f"{sys.executable} -m http.server --bind 127.0.0.1 $PORT"
"""A program that has never heard of Fairway."""


class Traffic:
    """Stands where the mesh stands: knows where to send requests, and remembers each move."""

    def __init__(self) -> None:
        self.moves: list[tuple[str, tuple[int, ...]]] = []
        self.ports: dict[str, tuple[int, ...]] = {}

    async def __call__(self, service: str, endpoints: tuple[Endpoint, ...]) -> None:
        ports = tuple(endpoint.port for endpoint in endpoints)
        self.moves.append((service, ports))
        self.ports[service] = ports


class Place:
    """A state folder with everything that a supervisor needs."""

    def __init__(self, app_dir: Path) -> None:
        self.app_dir = app_dir
        self.state: StateDir = open_state(app_dir, stamp="test").state
        self.processes = Processes(Ledger(self.state.ledger), self.state.instance)
        self.ports = Ports(self.state.ports, self.state.instance)
        self.traffic = Traffic()
        self.drain = 0.0

    def spec(self, name: str, version: str = "r1", **declared: object) -> ServiceSpec:
        service = Service.model_validate(declared)
        return service_spec(name, service, Surroundings(self.app_dir, _variables, version))

    def supervisor(self, *specs: ServiceSpec) -> Supervisor:
        return Supervisor(
            specs,
            self.state,
            self.processes,
            self.ports,
            on_endpoints_changed=self.traffic,
            jitter=lambda: 0.0,
            drain=self.drain,
        )

    @asynccontextmanager
    async def running(
        self, *specs: ServiceSpec, left: Sequence[ProcessRecord] = ()
    ) -> AsyncIterator[Supervisor]:
        supervisor = self.supervisor(*specs)
        try:
            await supervisor.start(left)
            yield supervisor
        finally:
            await supervisor.stop()

    def alive(self) -> list[psutil.Process]:
        """Every process that comes from here, whatever a ledger says."""
        return processes_of(self.state)


def _variables(index: int, port: int | None) -> Variables:
    own = {"FAIRWAY_REPLICA": str(index)}
    return Variables(own | ({"PORT": str(port)} if port else {}), dict(os.environ))


def processes_of(state: StateDir) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(INSTANCE_VARIABLE) == state.instance and (
                process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def pids(supervisor: Supervisor, service: str) -> list[int]:
    return [s.pid for s in supervisor.status() if s.service == service and s.pid is not None]


def states(supervisor: Supervisor, service: str) -> list[State]:
    return [status.state for status in supervisor.status() if status.service == service]


async def end_of(place: Place, record: ProcessRecord) -> Exit:
    await eventually(lambda: place.processes.poll(record) is not None)
    ended = place.processes.poll(record)
    assert ended is not None
    return ended


async def get(port: int, path: str = "/") -> tuple[int, str]:
    def ask() -> tuple[int, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()

    return await asyncio.to_thread(ask)


async def get_eventually(port: int, path: str = "/") -> tuple[int, str]:
    """Likewise, from a server that is just coming back."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await get(port, path)
        except OSError:
            assert time.monotonic() < deadline, "it never answered"
            await asyncio.sleep(0.02)
