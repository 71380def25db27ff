"""Who gets in: only declared callers, only by the method and path of a declared intent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from urllib.parse import unquote

import httpx2
import pytest
from tests.e2e.mesh_rig import APP, REFUSED, DeclaredCalls, Rig, rig, with_service
from tests.waiting import eventually

from fairway.targets.local.identity.authority import Authority

pytestmark = pytest.mark.envoy


async def test_a_declared_caller_is_allowed_and_named_to_the_service(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        response = await world.call("orbit", "axon", "POST", "/reason?x=1", content=b"why")
        assert (response.status_code, response.text) == (200, "axon")
        seen = world.programs["axon"][0].seen[-1]
        assert seen.path == "/reason"
        assert "URI=spiffe://shop.local/orbit" in seen.headers["x-forwarded-client-cert"]


async def test_an_undeclared_caller_is_refused_by_the_mesh(tmp_path: Path) -> None:
    async with rig(tmp_path) as world, _as(world, "rogue") as rogue:
        response = await rogue.post(world.inbound("axon") + "/reason")
        assert response.status_code == 403
        assert response.headers["content-type"] == "application/json"
        body = response.json()
        assert body["error"] == "denied"
        assert "spiffe://shop.local/rogue is not among the declared callers" in body["reason"]
        assert body["request_id"] == response.headers["x-request-id"]
        assert world.programs["axon"][0].seen == []
        assert (await world.mesh.status())["axon"].counters.denied == 1


async def test_a_client_reaches_only_its_own_intents(tmp_path: Path) -> None:
    async with rig(tmp_path) as world, _as(world, "web") as web:
        assert (await web.post(world.inbound("orbit") + "/dispatch")).status_code == 200
        assert (await web.post(world.inbound("orbit") + "/other")).status_code == 403
        assert (await web.post(world.inbound("axon") + "/reason")).status_code == 403


async def test_without_a_certificate_there_is_no_connection(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        async with httpx2.AsyncClient(verify=False) as nobody:
            with pytest.raises(REFUSED):
                await nobody.post(world.inbound("axon") + "/reason")
        with pytest.raises(REFUSED):
            await world.http.post(f"http://127.0.0.1:{world.ports.inbound['axon']}/reason")
        assert world.programs["axon"][0].seen == []


async def test_a_foreign_authority_is_refused(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        foreign = Authority.open(tmp_path / "f", tmp_path / "fi", "shop.local", world.clock())
        async with httpx2.AsyncClient(verify=world.tls_as("orbit", foreign)) as orbit:
            with pytest.raises(REFUSED):
                await orbit.post(world.inbound("axon") + "/reason")
        assert world.programs["axon"][0].seen == []


async def test_another_environment_is_refused_although_its_authority_is_trusted(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as world:
        other = Authority(
            "shop.prod", tmp_path / "other", world.authority.certificate, world.authority.key
        )
        async with httpx2.AsyncClient(verify=world.tls_as("orbit", other)) as orbit:
            with pytest.raises(REFUSED):
                await orbit.post(world.inbound("axon") + "/reason")


async def test_another_method_or_path_is_refused(tmp_path: Path) -> None:
    others = [
        ("GET", "/reason"), ("PUT", "/reason"), ("POST", "/"), ("POST", "/reason/more"),
        ("POST", "/Reason"), ("POST", "/reason;v=1"), ("POST", "/items/7"), ("GET", "/items/"),
    ]  # fmt: skip
    async with rig(tmp_path) as world:
        answers = [await world.call("orbit", "axon", *other) for other in others]
        assert [answer.status_code for answer in answers] == [403] * len(others)
        assert world.programs["axon"][0].seen == []


async def test_a_template_admits_one_segment(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        assert (await world.call("orbit", "axon", "GET", "/items/7")).status_code == 200
        assert (await world.call("orbit", "axon", "GET", "/items/7/8")).status_code == 403


TRICKS = [
    "/public/../reason", "/x/%2e%2e/reason", "/x/%2E%2E/reason", "//reason", "/./reason",
    "/reason%2F..", "/%2Freason", "/x%2F..%2Freason", "/reason%5C", "/re%61son", "/%72eason",
    "/reason/", "/reason//", "/reason;x", "/REASON", "/reason%00", "/reason%20", "/x/..;/reason",
]  # fmt: skip


async def test_a_path_trick_never_reaches_what_is_not_granted(tmp_path: Path) -> None:
    """The gateway may reach everything public except the intent, which is not granted to it."""
    app = with_service(APP, "axon", public="/")
    async with rig(tmp_path, app) as world:
        world.access = DeclaredCalls(world.app, frozenset({("gateway", "axon", "reason")}))
        await world.mesh.apply(world.view())
        assert await _raw_post(world, "/reason") == 403
        statuses = {trick: await _raw_post(world, trick) for trick in TRICKS}
        reached = [seen.path for seen in world.programs["axon"][0].seen]
    assert set(statuses.values()) <= {200, 400, 403}
    assert len(reached) == list(statuses.values()).count(200)
    assert not [path for path in reached if unquote(path) == "/reason"], statuses


async def _raw_post(world: Rig, path: str) -> int:
    """A POST whose path is sent exactly as written: clients normalise it."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", world.ports.inbound["axon"], ssl=world.tls_as("gateway")
    )
    writer.write(
        f"POST {path} HTTP/1.1\r\nhost: axon.internal\r\ncontent-length: 0\r\n"
        "connection: close\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n")
    writer.close()
    return int(head.split(b" ")[1])


async def test_the_health_path_is_open_to_every_peer_of_the_mesh(tmp_path: Path) -> None:
    async with rig(tmp_path) as world, _as(world, "rogue") as rogue:
        assert (await rogue.get(world.inbound("axon") + "/health")).status_code == 200
        assert (await rogue.post(world.inbound("axon") + "/health")).status_code == 403


async def test_a_public_route_admits_the_gateway_only(tmp_path: Path) -> None:
    async with rig(tmp_path) as world, _as(world, "web") as web:
        assert (await world.http.get(world.gateway + "/page")).status_code == 200
        assert (await web.get(world.inbound("orbit") + "/page")).status_code == 403


async def test_a_policy_change_binds_within_a_second_and_back(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        started = asyncio.get_running_loop().time()
        world.access = DeclaredCalls(world.app, frozenset({("orbit", "axon", "reason")}))
        await world.mesh.apply(world.view())
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 403
        assert asyncio.get_running_loop().time() - started < 1
        world.access = DeclaredCalls(world.app)
        await world.mesh.apply(world.view())
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 200


async def test_the_access_log_tells_who_asked_for_what(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        sent = {"x-correlation-id": "c-1", "x-request-id": "my-own-id"}
        await world.call("orbit", "axon", "POST", "/reason?secret=1", headers=sent)
        line = await _first_line(world.access_log("axon"))
        assert line["direction"] == "inbound"
        assert line["peer"] == "spiffe://shop.local/orbit"
        assert (line["method"], line["path"], line["status"]) == ("POST", "/reason", 200)
        assert (line["request_id"], line["correlation_id"]) == ("my-own-id", "c-1")
        assert (line["version"], line["attempts"]) == ("r1", 1)
        assert 0 < line["upstream_us"] <= line["duration_us"]


async def _first_line(path: Path) -> dict[str, object]:
    await eventually(lambda: path.exists() and b"\n" in path.read_bytes())
    return json.loads(path.read_text().splitlines()[0])  # type: ignore[no-any-return]


def _as(world: Rig, name: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(verify=world.tls_as(name))
