"""The whole of Fairway on this machine, driven as the API drives it: a control plane, real Envoys,
real processes, and the delivery that its `directory()` offers.

Two services, `axon` and `orbit` (which calls axon), answer with their name, version, text and
colour, so that an answer says which versions it has been through. A text that names a fault is a
version that has it: `errors` fails half of its requests, `slow` takes longer for each, `ill` never
gets healthy. One rig serves a whole test module: starting is what takes long.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from tests.waiting import PATIENCE

from fairway.control.plane import LocalControlPlane
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Actor, Delivery, Wish
from fairway.governance.files import policies_text
from fairway.model.app import App
from fairway.targets.local.blueprint import Blueprint
from fairway.targets.local.layout import open_state

ADA = Actor("ada", "admin")

PROGRAM = '''
"""Answers with what it is; an event loop and nothing else, to cost little."""
import asyncio, os, random, signal, sys
from pathlib import Path

TEXT = Path("text").read_text()
NAME, RELEASE = os.environ["FAIRWAY_SERVICE"], os.environ["FAIRWAY_RELEASE"]
WHO = f"{NAME}:{RELEASE}:{TEXT}:{os.environ.get('COLOUR', '')}"
STATUSES = (200, 500) if TEXT == "errors" else (200,)
busy = set()

async def ask_axon():
    where = os.environ["AXON_URL"].removeprefix("http://")
    reader, writer = await asyncio.open_connection(*where.split(":"))
    writer.write(b"GET /axon/orbit HTTP/1.1\\r\\nhost: axon\\r\\nconnection: close\\r\\n\\r\\n")
    found = await reader.read()
    writer.close()
    status, body = found.split()[1].decode(), found.rpartition(b"\\r\\n\\r\\n")[2].decode()
    return body if status == "200" else status

async def answer(path):
    if path == "/health":
        return (503 if TEXT == "ill" else 200), "health"
    if TEXT == "slow":
        await asyncio.sleep(0.4)
    if path.endswith("/wait"):
        await asyncio.sleep(1.5)
    return random.choice(STATUSES), f"{WHO} {await ask_axon()}" if path == "/orbit/axon" else WHO

class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.received = transport, b""

    def data_received(self, data):
        self.received += data
        while b"\\r\\n\\r\\n" in self.received:
            head, _, self.received = self.received.partition(b"\\r\\n\\r\\n")
            task = asyncio.ensure_future(self.reply(head.split()[1].decode()))
            busy.add(task)
            task.add_done_callback(busy.discard)

    async def reply(self, path):
        status, body = await answer(path)
        head = f"HTTP/1.1 {status} X\\r\\ncontent-length: {len(body)}\\r\\n\\r\\n"
        self.transport.write((head + body).encode())

async def main():
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if TEXT == "ill":
        print("no table named orders", file=sys.stderr, flush=True)
    await loop.create_server(Server, "127.0.0.1", int(os.environ["PORT"]))
    await stop.wait()
    while busy:
        await asyncio.sleep(0.01)

asyncio.run(main())
'''

CANARY = {"canary": {"steps": [20, 50], "bake": "600ms"}}
ROLLING = {"rolling": {"surge": 1, "bake": "300ms"}}
STOP_FIRST = {"rolling": {"surge": 0, "unavailable": 1, "bake": "300ms"}}
BLUE_GREEN = {"blue_green": {"bake": "1s"}}


@dataclass(frozen=True)
class Change:
    """What a release is: the texts of its services, and what its app file and policies say.

    `services` are keys that differ, by service; `environment` is merged over that of the rig, `app`
    over the rest. `forbidden` is a Cedar statement more than follows from the calls.
    """

    axon: str = "one"
    orbit: str = "one"
    strategy: Mapping[str, Any] = field(default_factory=lambda: CANARY)
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    app: Mapping[str, Any] = field(default_factory=dict)
    forbidden: str = ""


def declared(change: Change) -> App:
    """The app file of a change."""
    own: dict[str, dict[str, Any]] = {
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
        "scale": {"min": 2},
        "stop": {"grace": "15s"},
    }
    services = {
        name: {"build": f"services/{name}", **common, **keys, **change.services.get(name, {})}
        for name, keys in own.items()
    }
    local = {
        "strategy": change.strategy,
        "analysis": {"minimum": 10, "warm_up": "0s"},
        **change.environment,
    }
    return App.model_validate(
        {"app": "shop", "services": services, "environments": {"local": local}, **change.app}
    )


class DeliveryRig:
    """A control plane in this process, at first with the working tree."""

    def __init__(
        self,
        folder: Path,
        first: Change,
        plane: Callable[[Blueprint], LocalControlPlane] = LocalControlPlane,
    ) -> None:
        self.folder = folder
        self.state = open_state(folder, stamp="test").state
        self.write(first)
        blueprint = Blueprint(declared(first), self.state, dict(os.environ), None)
        self.plane = plane(blueprint)

    async def start(self) -> None:
        await self.plane.start()
        directory = await self.plane.directory()
        self.delivery: Delivery = await directory.delivery("shop", "local")

    async def close(self) -> None:
        await self.plane.stop()

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.plane._system.ports.gateway}"

    def write(self, change: Change) -> None:
        """Edit the working tree."""
        for name, text in (("axon", change.axon), ("orbit", change.orbit)):
            source = self.folder / "services" / name
            source.mkdir(parents=True, exist_ok=True)
            (source / "program.py").write_text(PROGRAM)
            (source / "text").write_text(text)

    def wish(self, change: Change, **options: Any) -> Wish:
        """What `fairway deploy` would ask for in this folder."""
        self.write(change)
        app = declared(change)
        snapshots = self.plane._system.snapshots
        artifacts = {name: snapshots.put(self.folder / "services" / name) for name in app.services}
        return Wish(
            app=app.model_dump(mode="json", by_alias=True, exclude_none=True),
            artifacts=artifacts,
            policies=policies_text(app, None) + change.forbidden,
            **options,
        )

    async def begin(self, change: Change, **options: Any) -> Deployment:
        """Instead of what may be under way: a test that fails leaves the rig to the next one."""
        wish = self.wish(change, **{"when_busy": "supersede", **options})
        return await self.delivery.deploy(wish, ADA)

    async def deploy(self, change: Change, **options: Any) -> Deployment:
        """A whole deployment: as it ended."""
        return await self.ended(await self.begin(change, **options))

    async def to_release(self, number: int, **options: Any) -> Deployment:
        """A whole rollback."""
        wish = Wish(release=number, **options)
        return await self.ended(await self.delivery.deploy(wish, ADA))

    async def ended(self, begun: Deployment) -> Deployment:
        return await self.when(begun, lambda deployment: deployment.over)

    async def when(self, begun: Deployment, condition: Callable[[Deployment], bool]) -> Deployment:
        """The deployment as soon as it is so; fails when it ends otherwise."""
        deadline = time.monotonic() + PATIENCE
        while not condition(found := await self.delivery.deployment(begun.id)):
            assert not found.over, f"it has ended: {found.reason}"
            assert time.monotonic() < deadline, f"it hangs: {await self.seen(found)}"
            await asyncio.sleep(0.02)
        return found

    async def seen(self, deployment: Deployment) -> str:
        """Where a deployment stands, for messages."""
        watching = await self.delivery.watching(deployment.id)
        return f"{deployment.status} {deployment.effect} {watching}"

    def pids(self, service: str, version: str) -> list[int]:
        """The processes of a version."""
        assert self.plane._system.supervisor is not None, "start comes first"
        return [
            each.pid
            for each in self.plane._system.supervisor.status()
            if (each.service, each.version) == (service, version) and each.pid is not None
        ]

    def kill(self, service: str, version: str) -> None:
        """SIGKILL one replica of a version."""
        os.kill(self.pids(service, version)[0], signal.SIGKILL)

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """One request through the gateway; `x_user="1"` is a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx2.AsyncClient(base_url=self.gateway, timeout=10) as http:
            return await http.get(path, headers=named)


@asynccontextmanager
async def delivery_rig(folder: Path, first: Change | None = None) -> AsyncIterator[DeliveryRig]:
    """A rig on which one release was deployed."""
    change = first or Change()
    rig = DeliveryRig(folder, change)
    try:
        await rig.start()
        assert (await rig.deploy(change)).status == "succeeded"
        yield rig
    finally:
        await rig.close()


def served_by(body: str) -> list[str]:
    """The versions that an answer has been through, the first hop first: `["r3", "r3"]`."""
    return [part.split(":")[1] for part in body.split(" ") if ":" in part]
