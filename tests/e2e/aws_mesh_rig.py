"""Tasks of ECS on one machine: a real agent with a real Envoy for each, around a program of a test.

Every task has a loopback address of its own. A tiny DNS server stands for Cloud Map, moto for S3,
DynamoDB, KMS and Secrets Manager; the identity function runs in this process behind Lambda's own
API, because moto runs no code.

    async with world(tmp_path, moto, monkeypatch, APP) as aws:
        await aws.publish()
        await aws.start("axon", "r1")
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import random
import shutil
import struct
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest
from tests.aws.moto_rig import REGION, Moto
from tests.e2e.mesh_rig import DeclaredCalls, Program
from tests.waiting import eventually

from fairway.model.app import App
from fairway.targets.aws import names
from fairway.targets.aws.clients import Clients
from fairway.targets.aws.identity.authority import CERTIFICATE, AuthorityPlace, ensure_authority
from fairway.targets.aws.mesh import ports
from fairway.targets.aws.mesh.documents import (
    Handouts,
    envoy_paths,
    gateway_document,
    mesh_document,
)
from fairway.targets.aws.mesh.views import Ground, Views
from fairway.targets.aws.ports import Document
from fairway.targets.aws.standing.state import Standing, StandingVersion
from fairway.targets.contract import Routing, Split
from fairway.targets.local.mesh.binary import envoy_binary
from fairway.targets.mesh.view import GATEWAY, Place
from fairway_runtime.agent.cloud import Cloud
from fairway_runtime.agent.running import Agent
from fairway_runtime.agent.settings import AgentSettings

BUCKET, TABLE = "shop-prod-config", "telemetry-shop-prod"
TWINS = "shop-prod-twins"
"""Second tasks read from here: on one machine their files differ from those of the first."""
FUNCTION = f"arn:aws:lambda:{REGION}:123456789012:function:shop-prod-identity"
LAMBDA = Path(__file__).parents[2] / "infra" / "lambda" / "identity"

APP: dict[str, Any] = {
    "app": "shop",
    "environments": {"prod": {"target": "aws-ecs", "telemetry": {"enabled": False}}},
    "services": {
        "axon": {
            "image": "axon",
            "library": True,
            "config": {"depth": 3},
            "health": {"path": "/health", "interval": "200ms"},
            "intents": {"reason": "POST /reason", "read": "GET /items/{id}"},
        },
        "orbit": {
            "image": "orbit",
            "health": {"path": "/health", "interval": "200ms"},
            "public": "/",
            "intents": {"dispatch": "POST /dispatch"},
            "calls": {"axon": ["reason", "read"]},
        },
        "rogue": {
            "image": "rogue",
            "intents": {"idle": "GET /idle"},
            "calls": {"orbit": ["dispatch"]},
        },
    },
}  # fmt: skip


class Names(asyncio.DatagramProtocol):
    """A DNS server that knows A records with a time to live of one second (RFC 1035)."""

    def __init__(self) -> None:
        self.records: dict[str, tuple[str, ...]] = {}
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        name, end = _name(data, 12)
        found = self.records.get(name, ())
        flags = 0x8580 if found else 0x8583
        question = data[12 : end + 4]
        answers = b"".join(
            struct.pack(">HHHIH", 0xC00C, 1, 1, 1, 4) + bytes(int(part) for part in each.split("."))
            for each in found
        )
        head = data[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0)
        self._transport.sendto(head + question + answers, address)


def _name(data: bytes, at: int) -> tuple[str, int]:
    labels = []
    while size := data[at]:
        labels.append(data[at + 1 : at + 1 + size].decode().lower())
        at += size + 1
    return ".".join(labels), at + 1


class Wire:
    """A way to S3 that can be cut."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.removeprefix("http://").partition(":")
        self._port = int(port)
        self.cut = False
        self.url = ""
        self._server: Any = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self._server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            writer.close()
            return
        there, back = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(self._pipe(reader, back), self._pipe(there, writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while not self.cut and (data := await reader.read(65536)):
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.contextmanager
def identity_function(variables: Mapping[str, str]) -> Iterator[str]:
    """Lambda's Invoke API before `infra/lambda/identity/handler.py`; its address."""
    modules = ("handler", "certificates", "der", "p256")
    sys.path.insert(0, str(LAMBDA))
    handler = importlib.import_module("handler")
    sys.path.remove(str(LAMBDA))
    settings = handler._read_setting(variables)
    handler._kept["setting"] = settings

    class Invoke(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["content-length"])))
            arn = unquote(self.path.split("/functions/")[1].removesuffix("/invocations"))
            failed = {}
            try:
                answer = handler.handle(event, SimpleNamespace(invoked_function_arn=arn))
            except Exception as error:  # noqa: BLE001 - as Lambda does
                answer = {"errorMessage": str(error), "errorType": type(error).__name__}
                failed = {"X-Amz-Function-Error": "Unhandled"}
            body = json.dumps(answer).encode()
            self.send_response(200)
            for name, value in {**failed, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Invoke)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        for name in modules:
            sys.modules.pop(name, None)


class Bundle:
    """A policy bundle that says nothing."""

    def to_json(self) -> str:
        return '{"policies": []}'


@dataclass
class Task:
    """One task: its agent, its folder, its address, and the program beside the sidecar."""

    service: str
    version: str
    address: str
    folder: Path
    program: Program | None
    agent: Agent | None = None
    running: asyncio.Task[int] | None = None


@dataclass
class World:
    """An environment. `standing` is what should be there; `publish` tells the tasks."""

    moto: Moto
    folder: Path
    standing: Standing
    names: Names
    wire: Wire
    resolver: tuple[str, int]
    http: httpx2.AsyncClient
    network: str
    tasks: dict[tuple[str, str], Task] = field(default_factory=dict)
    access: Any = None
    twins: list[Task] = field(default_factory=list)

    def task(self, service: str, version: str = "") -> Task:
        key = (service, version)
        if key not in self.tasks:
            address = f"{self.network}.{len(self.tasks) + 1}"
            has_program = service != GATEWAY
            program = (
                Program(f"{service}-{version}", ports.APP, host=address) if has_program else None
            )
            self.tasks[key] = Task(
                service, version, address, self.folder / f"t{len(self.tasks)}", program
            )
        return self.tasks[key]

    def documents(self) -> list[Document]:
        """Those of all tasks: at their addresses, with files in their folders."""
        places = {
            (service, version.name): self.task(service, version.name)
            for service, versions in self.standing.services.items()
            for version in versions
        }
        gateway = self.task(GATEWAY)
        at = {
            key: Place(task.address, task.address)
            for key, task in {**places, (GATEWAY, ""): gateway}.items()
        }
        views = Views(self.standing, self.access, Ground(self.resolver, at))
        handouts = Handouts(self.standing, Bundle())  # type: ignore[arg-type]
        found = [gateway_document(views, envoy_paths(gateway.folder / "agent"))]
        for service, versions in self.standing.services.items():
            for version in versions:
                paths = envoy_paths(self.task(service, version.name).folder / "agent")
                found.append(mesh_document(views, service, version, paths))
                found.append(handouts.document(service, version))
        return found

    async def publish(self, *, wait: bool = True) -> None:
        """Put every document, and wait until running tasks have them in force."""
        documents = self.documents()
        await asyncio.to_thread(self._put, documents)
        digests = {(d.service, d.version): d.digest for d in documents if d.kind == "mesh"}
        if wait:
            for task in self.tasks.values():
                if task.agent is not None:
                    await self.until_in_force(task, digests[task.service, task.version])

    def _put(self, documents: list[Document], bucket: str = BUCKET) -> None:
        s3 = self.moto.client("s3")
        for document in documents:
            s3.put_object(Bucket=bucket, Key=document.key, Body=document.text.encode())

    async def until_in_force(self, task: Task, digest: str) -> None:
        assert task.agent is not None
        agent = task.agent

        def taken() -> bool:
            assert not agent.state.problem, agent.state.problem
            return agent.state.mesh_version == digest

        await eventually(taken)

    def settings(self, task: Task, **more: str) -> AgentSettings:
        return AgentSettings.from_environment(self.variables(task) | more)

    def variables(self, task: Task) -> dict[str, str]:
        """What the module `ecs-service` would set for the sidecar, and what only tests need."""
        return {
            "FAIRWAY_APP": "shop",
            "FAIRWAY_ENVIRONMENT": "prod",
            "FAIRWAY_SERVICE": task.service,
            "FAIRWAY_VERSION": task.version,
            "FAIRWAY_CONFIG_BUCKET": BUCKET,
            "FAIRWAY_TELEMETRY_TABLE": TABLE,
            "FAIRWAY_IDENTITY_FUNCTION": f"{FUNCTION}:{task.service}",
            "FAIRWAY_ENVOY": str(envoy_binary(os.environ)),
            "FAIRWAY_AGENT_STATE": str(task.folder / "agent"),
            "FAIRWAY_AGENT_HANDOUTS": str(task.folder / "fairway"),
            "FAIRWAY_DRAIN_DELAY": "1",
            "FAIRWAY_TASK": f"{task.service}-{task.version}-task",
            "FAIRWAY_AGENT_POLL": "0.1",
            "FAIRWAY_AGENT_REPORT": "0.2",
        }

    async def start(self, service: str, version: str = "", **more: str) -> Task:
        """Start a task, and have its name resolve to it once it is healthy."""
        task = self.task(service, version)
        await self._run(task, **more)
        self.names.records[names.host(service, version)] = (task.address,)
        return task

    async def _run(self, task: Task, **more: str) -> None:
        if task.program is not None and task.program._server is None:
            await task.program.start()
        task.agent = Agent(self.settings(task, **more), await asyncio.to_thread(Cloud))
        task.running = asyncio.create_task(task.agent.run())
        marker = task.folder / "agent" / "healthy"

        def healthy() -> bool:
            assert not task.running.done(), f"the agent of {task.service} {task.version} has ended"
            return marker.exists()

        await eventually(healthy)

    async def start_twin(self, service: str, version: str) -> Task:
        """A second task of a version, with an address of its own; its name resolves to both."""
        first = self.task(service, version)
        address = f"{self.network}.{100 + len(self.tasks)}"
        program = Program(f"{service}-{version}-twin", ports.APP, host=address)
        twin = Task(service, version, address, self.folder / f"t{100 + len(self.tasks)}", program)
        at = Ground(self.resolver, {(service, version): Place(address, address)})
        views, paths = Views(self.standing, self.access, at), envoy_paths(twin.folder / "agent")
        stands = next(v for v in self.standing.services[service] if v.name == version)
        document = mesh_document(views, service, stands, paths)
        handouts = Handouts(self.standing, Bundle()).document(service, stands)  # type: ignore[arg-type]
        await asyncio.to_thread(self._put, [document, handouts], TWINS)
        self.twins.append(twin)
        await self._run(twin, FAIRWAY_CONFIG_BUCKET=TWINS)
        self.names.records[names.host(service, version)] = (first.address, address)
        return twin

    async def stop(self, task: Task) -> int:
        """As ECS does: its name goes first."""
        self.names.records.pop(names.host(task.service, task.version), None)
        assert task.agent is not None and task.running is not None
        task.agent.stopping.set()
        code = await task.running
        task.agent = task.running = None
        return code

    async def start_all(self, **more: str) -> None:
        """Everything that stands, the gateway last."""
        await self.publish()
        for service, versions in self.standing.services.items():
            for version in versions:
                await self.start(service, version.name, **more)
        await self.start(GATEWAY, **more)

    def egress(self, service: str, version: str, callee: str) -> str:
        """`$CALLEE_URL` of a version."""
        return f"http://{self.task(service, version).address}:{ports.callee_port(callee)}"

    @property
    def gateway(self) -> str:
        return f"https://{self.task(GATEWAY).address}:{ports.GATEWAY}"

    async def shift(self, percent: int, *services: str, mirror: int = 0) -> None:
        """Give the candidates r8 their share."""
        weights = {"r1": 100 - percent, "r8": percent}
        split = {name: Split(weights, "r8") for name in services}
        shifted = {
            name: tuple(replace(v, weight=weights.get(v.name, v.weight)) for v in versions)
            if name in services
            else versions
            for name, versions in self.standing.services.items()
        }
        routing = Routing(split, "r8", "cookie", mirror)
        self.standing = replace(self.standing, services=shifted, routing=routing)
        await self.publish()


def standing(declared: Mapping[str, Any], versions: Mapping[str, Mapping[str, int]]) -> Standing:
    """Versions with their weights, each declared as the app says."""
    app = App.model_validate(declared).model_dump(mode="json", by_alias=True, exclude_none=True)
    found = {
        service: tuple(
            StandingVersion(
                name, app["services"][service], f"{service}:{name}", "sha256:0", 1, weight
            )
            for name, weight in weights.items()
        )
        for service, weights in versions.items()
    }
    return Standing("prod", app, found)


@contextlib.asynccontextmanager
async def world(
    moto: Moto,
    monkeypatch: pytest.MonkeyPatch,
    versions: Mapping[str, Mapping[str, int]],
    declared: Mapping[str, Any] = APP,
    *,
    lifetime: timedelta = timedelta(hours=24),
) -> AsyncIterator[World]:
    """An environment with nothing running yet; everything ends with it."""
    folder = Path(tempfile.mkdtemp(prefix="fw", dir="/tmp"))
    wire = Wire(moto.url)
    await wire.start()
    for name, value in moto.environment().items():
        monkeypatch.setenv(name, value)
    key_id = await asyncio.to_thread(_account, moto)
    variables = {
        "KEY_ID": key_id, "TRUST_DOMAIN": "shop.prod", "AUTHORITY_BUCKET": BUCKET,
        "AUTHORITY_KEY": CERTIFICATE, "LIFETIME": str(lifetime.total_seconds()),
    }  # fmt: skip
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
    network = f"127.{random.randint(10, 250)}.{random.randint(1, 250)}"
    stands = standing(declared, versions)
    with identity_function(variables) as function:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", function)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wire.url)
        async with httpx2.AsyncClient(timeout=10, verify=False) as http:
            aws = World(
                moto, folder, stands, server, wire, transport.get_extra_info("sockname"), http,
                network, access=DeclaredCalls(stands.model),
            )  # fmt: skip
            try:
                yield aws
            finally:
                await _end(aws)
                transport.close()
                wire.stop()
                shutil.rmtree(folder, ignore_errors=True)


def _account(moto: Moto) -> str:
    """The key, the bucket, the table, and the authority's certificate."""
    kms = moto.client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    for bucket in (BUCKET, TWINS):
        moto.client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
    moto.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": n, "KeyType": k} for n, k in (("pk", "HASH"), ("sk", "RANGE"))
        ],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    moto.client("secretsmanager").create_secret(
        Name="shop-prod/axon/identity",
        SecretString=json.dumps(
            {"signing.json": {"identity": "axon"}, "verifying.json": {"keys": []}}
        ),
    )
    place = AuthorityPlace(REGION, key, BUCKET, "shop.prod")
    ensure_authority(Clients({"*": moto.url}), place, datetime.now(UTC))
    return str(key)


async def _end(aws: World) -> None:
    for task in (*aws.tasks.values(), *aws.twins):
        if task.running is not None:
            task.running.cancel()
            await asyncio.gather(task.running, return_exceptions=True)
        if task.program is not None:
            await task.program.stop()
