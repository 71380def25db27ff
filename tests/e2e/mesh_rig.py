"""A real mesh for tests: real Envoys around programs that run inside the test's event loop.

    async with rig(tmp_path, APP) as world:
        await world.call("orbit", "axon", "POST", "/reason")

Programs are ASGI apps that remember what they saw; the control plane is the real `Mesh` with the
supervisor's real `Processes`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from fairway.model.app import App
from fairway.targets.contract import Routing, Split
from fairway.targets.local.identity.authority import Authority
from fairway.targets.local.layout import private_dir
from fairway.targets.local.ledger import Ledger
from fairway.targets.local.mesh.binary import envoy_binary
from fairway.targets.local.mesh.envoys import Mesh, MeshPlaces
from fairway.targets.local.mesh.launching import SupervisedLauncher
from fairway.targets.local.ports import Ports
from fairway.targets.local.processes import Processes
from fairway.targets.mesh.build import RouteKey, mesh_view
from fairway.targets.mesh.view import GATEWAY, LegacyShare, MeshView, PortPlan, Version

REFUSED = (ssl.SSLError, httpx2.TransportError)
"""What a client meets that TLS refuses: TLS 1.3 tells it after its handshake, at the first read."""

PUBLIC_AUTHORITIES = "public-authorities.pem"
"""Stands for the bundle of the machine; a test that needs one makes it."""

APP: dict[str, Any] = {
    "app": "shop",
    "services": {
        "axon": {
            "run": "serve",
            "health": {"path": "/health", "interval": "200ms"},
            "intents": {"reason": "POST /reason", "read": "GET /items/{id}"},
        },
        "orbit": {
            "run": "serve",
            "health": {"path": "/health", "interval": "200ms"},
            "public": "/",
            "intents": {"dispatch": "POST /dispatch"},
            "calls": {"axon": ["reason", "read"]},
        },
        "rogue": {
            "run": "serve",
            "intents": {"idle": "GET /idle"},
            "calls": {"orbit": ["dispatch"]},
        },
    },
    "clients": {"web": {"calls": {"orbit": ["dispatch"]}}},
}


class DeclaredCalls:
    """An access table that permits exactly what the app declares, and the gateway where public."""

    def __init__(self, app: App, without: frozenset[tuple[str, str, str]] = frozenset()) -> None:
        self._app = app
        self._without = without

    def principals(self, service: str, intent: str) -> frozenset[str]:
        everyone = {**self._app.services, **self._app.clients}
        callers = {
            name
            for name, caller in everyone.items()
            if service in caller.calls and intent in caller.calls[service].intents
        }
        public = {GATEWAY} if self._app.services[service].public else set()
        return frozenset(
            name for name in callers | public if (name, service, intent) not in self._without
        )


@dataclass
class Seen:
    """One request as the program saw it."""

    method: str
    path: str
    headers: dict[str, str]
    http_version: str


@dataclass
class Program:
    """One replica: an ASGI app that answers JSON, streams, fails on demand, echoes WebSockets."""

    name: str
    port: int
    seen: list[Seen] = field(default_factory=list)
    fail_next: int = 0
    always_fail: bool = False
    healthy: bool = True
    delay: float = 0.0
    metrics: str | None = None
    calls: str | None = None
    passes_on: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    _server: uvicorn.Server | None = None
    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        config = uvicorn.Config(
            self, host=self.host, port=self.port, log_level="error", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            await self._task
            self._server = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._websocket(receive, send)
            return
        path = scope["path"]
        if path == "/health":
            await _answer(send, 200 if self.healthy else 503, b"{}")
            return
        if path == "/metrics":
            await _answer(send, 404 if self.metrics is None else 200, (self.metrics or "").encode())
            return
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        raw = scope["raw_path"].decode()
        self.seen.append(Seen(scope["method"], raw, headers, scope["http_version"]))
        await asyncio.sleep(self.delay)
        if self.always_fail or self.fail_next > 0:
            self.fail_next -= 1
            await _answer(send, 500, b"failed")
        elif path.startswith("/stream"):
            await self._stream(send)
        elif self.calls is not None:
            await _answer(send, 200, f"{self.name}>{await self._called(headers)}".encode())
        else:
            await _answer(send, 200, self.name.encode())

    async def _called(self, headers: dict[str, str]) -> str:
        """What the next service answers, given only the headers that this program passes on."""
        passed_on = {name: headers[name] for name in self.passes_on if name in headers}
        async with httpx2.AsyncClient(verify=False) as client:
            return (await client.post(f"{self.calls}", headers=passed_on)).text

    async def _stream(self, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(40):
            chunk = f"{number}\n".encode()
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": b"end\n"})

    async def _websocket(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": f"{self.name}:{message['text']}"})


async def _answer(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Rig:
    """A running mesh and its surroundings."""

    app: App
    root: Path
    ports: PortPlan
    book: Ports
    processes: Processes
    authority: Authority
    mesh: Mesh
    http: httpx2.AsyncClient
    programs: dict[str, list[Program]]
    access: Any
    versions: dict[str, tuple[Version, ...]]
    clock: Clock
    routing: Routing | None = None
    legacy: dict[RouteKey, LegacyShare] = field(default_factory=dict)

    def view(self) -> MeshView:
        return mesh_view(
            self.app, self.ports, self.versions, self.access, "local", self.routing, self.legacy
        )

    async def apply(self, **changes: tuple[Version, ...]) -> None:
        """Change the versions of some services and roll that out."""
        self.versions = {**self.versions, **changes}
        await self.mesh.apply(self.view())

    async def release(self, *services: str, egress: bool = True) -> dict[str, Program]:
        """Start a version r8 of some services beside their r1, without new requests yet."""
        started = {}
        for name in services:
            program = started[name] = await self.program(name)
            program.name = f"{name}-r8"
            if egress:
                self.ports = with_egress(self.ports, self.book, name, "r8")
            self.versions[name] = (*self.versions[name], Version("r8", 0, (program.port,)))
        await self.shift(0, services)
        return started

    async def shift(
        self, percent: int, services: Sequence[str], *, sticky: str = "cookie", mirror: int = 0
    ) -> None:
        """Give the candidates their share."""
        split = Split({"r1": 100 - percent, "r8": percent}, candidate="r8")
        self.routing = Routing(dict.fromkeys(services, split), "r8", sticky, mirror)
        await self.apply()

    async def program(self, name: str) -> Program:
        """One more running replica, that no version names yet."""
        port = self.book.assign(f"{name}.{len(self.programs)}.{os.urandom(3).hex()}")
        program = Program(name, port)
        await program.start()
        self.programs.setdefault(name, []).append(program)
        return program

    def egress(self, caller: str, callee: str, version: str = "r1") -> str:
        return f"http://127.0.0.1:{self.ports.egress_to_port(caller, callee, version)}"

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.ports.gateway}"

    async def call(
        self, caller: str, callee: str, method: str, path: str, **more: Any
    ) -> httpx2.Response:
        """A request as `caller` makes it: to `$CALLEE_URL`."""
        return await self.http.request(method, self.egress(caller, callee) + path, **more)

    def inbound(self, callee: str) -> str:
        return f"https://127.0.0.1:{self.ports.inbound[callee]}"

    def tls_as(self, name: str, authority: Authority | None = None) -> ssl.SSLContext:
        """What a client of that name presents to an inbound listener."""
        (authority or self.authority).leaf(name, self.clock())
        folder = (authority or self.authority).identities / name
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.root / "identity" / GATEWAY / "authorities.pem")
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        return context

    def access_log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.access.log"


@dataclass
class Clock:
    """The real time, moved by hand."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def port_plan(app: App, book: Ports) -> PortPlan:
    return PortPlan(
        inbound={n: book.assign(f"{n}.inbound") for n, s in app.services.items() if s.serves},
        egress={n: book.assign(f"{n}.egress") for n in app.services},
        egress_to={
            (n, callee): book.assign(f"{n}.to.{callee}")
            for n, service in app.services.items()
            for callee in service.calls
        },
        gateway=book.assign("gateway"),
    )


def with_egress(plan: PortPlan, book: Ports, service: str, version: str) -> PortPlan:
    """The same ports, and listeners of its own for one version."""
    to = {
        (service, callee, version): book.assign(f"{service}@{version}.to.{callee}")
        for name, callee in plan.egress_to
        if name == service
    }
    port = book.assign(f"{service}@{version}.egress")
    return replace(
        plan,
        egress_of={**plan.egress_of, (service, version): port},
        egress_to_of={**plan.egress_to_of, **to},
    )


def new_mesh(
    root: Path, authority: Authority, clock: Clock, processes: Processes, survivors: Any = ()
) -> Mesh:
    places = MeshPlaces(
        root / "mesh", root / "logs", private_dir(root / "s"), root / PUBLIC_AUTHORITIES
    )
    launcher = SupervisedLauncher(processes, survivors)
    return Mesh(places, envoy_binary(os.environ), launcher, authority, clock)


@contextlib.asynccontextmanager
async def rig(
    root: Path,
    declared: Mapping[str, Any] = APP,
    *,
    replicas: Mapping[str, int] | None = None,
    lifetime: timedelta = timedelta(hours=24),
) -> AsyncIterator[Rig]:
    """Programs (one per serving service, or as many as `replicas` says), and a mesh around them."""
    app = App.model_validate(declared)
    private_dir(root / "logs")
    book = Ports(root / "ports.json", str(root))
    clock = Clock()
    domain = f"{app.app}.local"
    authority = Authority.open(root / "ca", root / "identity", domain, clock(), lifetime)
    processes = Processes(Ledger(root / "ledger.json"), root.name)
    mesh = new_mesh(root, authority, clock, processes)
    async with httpx2.AsyncClient(timeout=10) as http:
        world = Rig(
            app, root, port_plan(app, book), book, processes, authority, mesh, http,
            {}, DeclaredCalls(app), {}, clock,
        )  # fmt: skip
        try:
            for name, service in app.services.items():
                count = (replicas or {}).get(name, 1) if service.serves else 0
                ports = [(await world.program(name)).port for _ in range(count)]
                world.versions[name] = (Version("r1", 100, tuple(ports)),)
            await mesh.start(world.view())
            yield world
        finally:
            await world.mesh.stop()
            for program in [p for some in world.programs.values() for p in some]:
                await program.stop()


def with_service(declared: Mapping[str, Any], name: str, **keys: Any) -> dict[str, Any]:
    """The same app with some keys of one service changed."""
    service = {**declared["services"].get(name, {}), **keys}
    return {**declared, "services": {**declared["services"], name: service}}


def reweighted(versions: tuple[Version, ...], *weights: int) -> tuple[Version, ...]:
    return tuple(replace(v, weight=w) for v, w in zip(versions, weights, strict=True))
