"""Strangler: a public route leaves a legacy system user by user, and can go back."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from tests.certificates import self_signed
from tests.e2e.mesh_rig import PUBLIC_AUTHORITIES, Rig, rig

from fairway.targets.local.mesh.measuring import LEGACY, SERVICE, Meter
from fairway.targets.mesh.view import LegacyShare, LegacyUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

APP: dict[str, Any] = {
    "app": "shop",
    "services": {
        "orders": {"run": "serve", "public": "/orders", "intents": {"buy": "POST /orders/buy"}},
        "site": {"run": "serve", "public": "/", "intents": {"look": "GET /look"}},
    },
}
ROUTE = (None, "/orders")
USERS = 150


@dataclass
class Legacy:
    """An old system: plain HTTP/1.1 outside the mesh, which notes what it is asked."""

    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    status: int = 200
    port: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.split(": ", 1) for line in head[1:] if line)
                self.seen.append((head[0].rpartition(" ")[0], headers))
                await reader.readexactly(int(headers.get("content-length", "0")))
                writer.write(
                    f"HTTP/1.1 {self.status} X\r\ncontent-length: 6\r\n\r\nlegacy".encode()
                )
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def legacy(context: ssl.SSLContext | None = None) -> AsyncIterator[Legacy]:
    old = Legacy()
    server = await asyncio.start_server(old.answer, "127.0.0.1", 0, ssl=context)
    old.port = server.sockets[0].getsockname()[1]
    yield old
    server.close()


async def share(world: Rig, url: str, weight: int) -> None:
    world.legacy = {ROUTE: LegacyShare(LegacyUpstream(url), weight)}
    await world.apply()


async def visit(world: Rig, path: str = "/orders/1", **headers: str) -> httpx2.Response:
    world.http.cookies.clear()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.http.get(world.gateway + path, headers=named)


async def test_a_route_can_lead_out_of_the_mesh(tmp_path: Path) -> None:
    async with legacy() as old, rig(tmp_path, APP) as world:
        await share(world, f"http://localhost:{old.port}/old/shop/", 100)
        answer = await visit(
            world, "/orders/1?q=2", host="shop.test", x_fairway_nonce="n", cookie="a=b"
        )
        assert answer.text == "legacy"
        assert "set-cookie" not in answer.headers
        assert (await visit(world, "/other")).text == "site"
        body = await world.http.post(world.gateway + "/orders/new", content=b"x" * 100_000)
        assert body.text == "legacy"
    line, headers = old.seen[0]
    assert line == "GET /old/shop/orders/1?q=2"
    assert headers["host"] == f"localhost:{old.port}"
    assert (headers["x-forwarded-host"], headers["cookie"]) == ("shop.test", "a=b")
    assert not [name for name in headers if name.startswith(("x-fairway", "x-envoy"))]
    assert not world.programs["orders"][0].seen


async def test_users_move_over_one_by_one_and_stay(tmp_path: Path) -> None:
    async with legacy() as old, rig(tmp_path, APP) as world:
        url = f"http://127.0.0.1:{old.port}"
        users: list[dict[str, str]] = [{} for _ in range(USERS)]
        inside: set[int] = set()
        for left, least, most in [(90, 3, 29), (50, 52, 98), (0, USERS, USERS)]:
            await share(world, url, left)
            found = set()
            for number, sent in enumerate(users):
                answer = await visit(world, **sent)
                if given := answer.headers.get("set-cookie"):
                    sent["cookie"] = given.partition(";")[0]
                if answer.text == "orders":
                    found.add(number)
            assert inside <= found
            assert least <= len(found) <= most
            inside = found
        await share(world, url, 100)
        assert (await visit(world, **users[0])).text == "legacy"
        world.legacy = {}
        await world.apply()
        assert (await visit(world, **users[0])).text == "orders"


async def test_a_tester_gets_the_service_before_anyone_else(tmp_path: Path) -> None:
    async with legacy() as old, rig(tmp_path, APP) as world:
        await share(world, f"http://127.0.0.1:{old.port}", 99)
        answers = {(await visit(world, x_fairway_preview="canary")).text for _ in range(10)}
        assert answers == {"orders"}


async def test_both_sides_are_measured_by_route(tmp_path: Path) -> None:
    async with legacy() as old, rig(tmp_path, APP) as world:
        await share(world, f"http://127.0.0.1:{old.port}", 50)
        (route,) = [r for r in world.view().gateway.routes if r.path == "/orders"]
        meter = Meter(world.mesh)
        await meter.measure_routes([route])
        old.status = 500
        answers = [(await visit(world)).text for _ in range(40)]
        await visit(world, "/other")
        await asyncio.sleep(1.2)
        found = (await meter.measure_routes([route]))[ROUTE]
        gone = answers.count("legacy")
        assert (found[LEGACY].requests, found[LEGACY].errors) == (gone, gone)
        assert (found[SERVICE].requests, found[SERVICE].errors) == (40 - gone, 0)
        assert 0 < gone < 40


async def test_https_is_verified_by_name_against_what_the_machine_trusts(tmp_path: Path) -> None:
    async with rig(tmp_path, APP) as world:
        names: list[str | None] = []
        context = _certified(tmp_path, world)
        context.sni_callback = lambda _, name, __: names.append(name)
        async with legacy(context) as old:
            await share(world, f"https://localhost:{old.port}", 100)
            assert (await visit(world)).text == "legacy"
            assert names == ["localhost"]
            await share(world, f"https://127.0.0.1:{old.port}", 100)
            assert (await visit(world)).status_code == 503
            assert "CERTIFICATE_VERIFY_FAILED" in (await visit(world)).text


async def test_a_legacy_upstream_that_cannot_be_found_is_a_503_that_says_so(tmp_path: Path) -> None:
    async with rig(tmp_path, APP) as world:
        await share(world, "http://gone.invalid", 100)
        answer = await visit(world)
        assert answer.status_code == 503
        assert answer.json()["error"] == "unavailable"
        assert (await visit(world, "/other")).text == "site"


def _certified(folder: Path, world: Rig) -> ssl.SSLContext:
    """A server certificate for `localhost`, from an authority that the gateway takes as public."""
    secret, pem = self_signed([x509.DNSName("localhost")], world.clock())
    (folder / PUBLIC_AUTHORITIES).write_bytes(pem)
    (folder / "server.pem").write_bytes(pem + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context
