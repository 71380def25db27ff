"""The local target with real processes and real Envoys, for the conformance suite and its own e2e.

Two services, `axon` and `orbit`, answer with the text that their folder holds, so that a version is
known by its answers. A text that names a fault is a version that has it: `ill` never gets healthy,
`errors` fails half of its requests, `late` takes its time to answer.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from tests.waiting import eventually

from fairway.control.plane import LocalControlPlane
from fairway.model.app import App
from fairway.plan.release import Release
from fairway.plan.releases import content_digest, release_content
from fairway.targets.local.blueprint import Blueprint
from fairway.targets.local.desired import Desired, DesiredFile, ReleasedApp
from fairway.targets.local.layout import open_state
from fairway.targets.local.specs import source_folder
from fairway.targets.local.system import LocalSystem
from fairway.targets.local.target import LocalTarget

_FLUSHED = 0.6
"""Until an Envoy has written every line of its access log, in seconds."""
_POLICY_SETS = 3
"""Releases 1 to 3 have policies of their own."""

PROGRAM = '''
"""Answers with the text of its folder; counts on nothing but an event loop."""
import asyncio, itertools, os, signal
from pathlib import Path

TEXT = Path("text").read_text()
NAME, RELEASE = os.environ["FAIRWAY_SERVICE"], os.environ["FAIRWAY_RELEASE"]
GRAVE = Path(os.environ["GRAVE"]) / f"{NAME}.{RELEASE}"
COUNT = itertools.count()
busy = 0

def reply(path):
    if path == "/health":
        return 503 if TEXT == "ill" else 200
    return 500 if TEXT == "errors" and next(COUNT) % 2 else 200

async def ask_axon():
    """The answer of axon, as orbit gets it through its own sidecar."""
    where = os.environ["AXON_URL"].removeprefix("http://")
    reader, writer = await asyncio.open_connection(*where.split(":"))
    writer.write(b"GET /axon/orbit HTTP/1.1\\r\\nhost: axon\\r\\nconnection: close\\r\\n\\r\\n")
    found = await reader.read()
    writer.close()
    return found.rpartition(b"\\r\\n\\r\\n")[2].decode()

async def serve(reader, writer):
    global busy
    try:
        while line := await reader.readline():
            path, size = line.split()[1].decode(), 0
            while (header := await reader.readline()) not in (b"\\r\\n", b""):
                name, _, value = header.partition(b":")
                size = int(value) if name.lower() == b"content-length" else size
            await reader.readexactly(size)
            busy += 1
            await asyncio.sleep(3.0 if TEXT == "late" and path != "/health" else 0.001)
            via = f" via {await ask_axon()}" if path == "/orbit/axon" else ""
            answer = f"{RELEASE} {TEXT}{via}".encode()
            head = f"HTTP/1.1 {reply(path)} X\\r\\ncontent-length: {len(answer)}\\r\\n\\r\\n"
            writer.write(head.encode() + answer)
            await writer.drain()
            busy -= 1
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if "PORT" in os.environ:
        await asyncio.start_server(serve, "127.0.0.1", int(os.environ["PORT"]))
    await stop.wait()
    while busy:
        await asyncio.sleep(0.01)

if GRAVE.exists():
    GRAVE.unlink()
    raise SystemExit("it was killed, and does not come back at once")
asyncio.run(main())
'''


Changes = Mapping[str, dict[str, Any] | None]
"""Keys that differ by service; None: the service is not there."""
NOTHING: Changes = {}


def declared(folder: Path, changes: Changes = NOTHING) -> dict[str, Any]:
    """The app with some keys of its services changed."""
    both = {
        "axon": {"intents": {"ask": "GET /axon/{x}"}, "public": "/axon"},
        "orbit": {
            "intents": {"ask": "GET /orbit/{x}"},
            "public": "/orbit",
            "calls": {"axon": ["ask"]},
        },
    }
    common = {
        "run": f"{sys.executable} program.py",
        "health": {"path": "/health", "interval": "200ms", "start_timeout": "8s"},
        "env": {"GRAVE": str(folder / "graves")},
        "stop": {"grace": "15s"},
    }
    return {
        "app": "shop",
        "services": {
            name: {"build": f"services/{name}", **common, **own, **(changes.get(name) or {})}
            for name, own in both.items()
            if changes.get(name, {}) is not None
        },
    }


class LocalRig:
    """A control plane in this process, at first with nothing to run."""

    copies = True

    def __init__(self, folder: Path, *, empty: bool = True, changes: Changes = NOTHING) -> None:
        self.folder = folder
        self.state = open_state(folder, stamp="test").state
        (folder / "graves").mkdir(exist_ok=True)
        self.write("one", "one")
        self.app = App.model_validate(declared(folder, changes))
        if empty:
            nothing = Desired((ReleasedApp(0, self.app.model_dump(mode="json")),), {})
            DesiredFile(self.state.desired).write(nothing)
        self.plane: LocalControlPlane | None = None

    @property
    def target(self) -> LocalTarget:
        assert self.plane is not None, "start comes first"
        return self.plane.target

    @property
    def system(self) -> LocalSystem:
        assert self.plane is not None, "start comes first"
        return self.plane._system

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.system.ports.gateway}"

    async def start(self, *, watch: bool = False) -> None:
        blueprint = Blueprint(self.app, self.state, dict(os.environ), None)
        self.plane = LocalControlPlane(blueprint, watch=watch)
        await self.plane.start()
        while (newest := (await self.plane.policy_sets())[0]).version < _POLICY_SETS:
            text = (await self.plane.policy_set(newest.version)).policies
            await self.plane.create_policy_set(f"{text}\n// {newest.version}", author="ada")

    async def kill_a_replica(self, service: str, version: str) -> None:
        """End one process of a version; it comes back at the second attempt only."""
        (self.folder / "graves" / f"{service}.{version}").touch()
        before = self.healthy(service, version)
        os.kill(self.pids(service, version)[0], signal.SIGKILL)
        await eventually(lambda: self.healthy(service, version) < before)

    def healthy(self, service: str, version: str) -> int:
        return self.system.healthy(service, version)

    def pids(self, service: str, version: str) -> list[int]:
        assert self.system.supervisor is not None, "start comes first"
        found = self.system.supervisor.status()
        return [
            each.pid
            for each in found
            if (each.service, each.version) == (service, version) and each.pid is not None
        ]

    async def restart(self) -> None:
        """End the control plane without its services, and start another."""
        assert self.plane is not None, "start comes first"
        await self.plane.abandon()
        await self.start()

    async def close(self) -> None:
        if self.plane is not None:
            await self.plane.stop()

    def write(self, axon: str, orbit: str) -> None:
        """Edit the working tree."""
        for name, text in (("axon", axon), ("orbit", orbit)):
            source = self.folder / "services" / name
            source.mkdir(parents=True, exist_ok=True)
            (source / "program.py").write_text(PROGRAM)
            (source / "text").write_text(text)

    def release(
        self, number: int, *, axon: str = "one", orbit: str = "one", changes: Changes = NOTHING
    ) -> Release:
        """A release of the working tree with these texts; `changes` are keys by service."""
        self.write(axon, orbit)
        app = App.model_validate(declared(self.folder, changes))
        store = Blueprint(app, self.state, {}, None).snapshots
        artifacts = {
            name: store.put(source_folder(service, self.folder))
            for name, service in app.services.items()
        }
        content = release_content(app, artifacts, {}, number, f"sha256:policies-{number}")
        return Release(number, content_digest(content), content, "ada", 1_800_000_000.0)

    async def ask(self, service: str, times: int) -> list[str]:
        """So many requests through the gateway; returns the answers."""
        limits = httpx2.Limits(max_connections=8)
        async with httpx2.AsyncClient(base_url=self.gateway, timeout=10, limits=limits) as http:
            answers = await asyncio.gather(*(http.get(f"/{service}/{n}") for n in range(times)))
        await asyncio.sleep(_FLUSHED)
        return [f"{answer.status_code} {answer.text}" for answer in answers]
