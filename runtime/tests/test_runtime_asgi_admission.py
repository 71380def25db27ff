"""A governed service on a real server: who gets in, who does not, and what each is told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from http.client import HTTPConnection
from pathlib import Path

import httpx2
import pytest
import websockets
from runtime.tests.serving import GATEWAY, POLICIES, bundle, echo, served, settings, signed

from fairway_runtime.asgi import fairway
from fairway_runtime.metrics import Metrics

PEER = "x-forwarded-client-cert"


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[str]:
    async with served(fairway(echo, settings(tmp_path), metrics=Metrics())) as address:
        yield address


@pytest.fixture
async def http(host: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=f"http://{host}", trust_env=False) as client:
        yield client


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in found if line["logger"] == "fairway.request"]


async def test_a_signed_and_permitted_call_gets_in(
    host: str, http: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = signed(host, headers={"x-correlation-id": "trip-1"})
    answer = await http.post("/reason", content=b"{}", headers=headers)
    assert answer.status_code == 200
    known = answer.json()
    assert (known["caller"], known["intent"], known["source"]) == (
        "Service::orbit", "reason", "direct",
    )  # fmt: skip
    assert known["correlation_id"] == answer.headers["x-correlation-id"] == "trip-1"
    (line,) = lines(capsys)
    expected = {
        "status": 200, "caller": "Service::orbit", "intent": "reason", "allowed": True,
        "service": "axon", "release": "r7", "correlation_id": "trip-1", "signed": True,
        "trace_id": known["trace_id"], "decision_id": known["decision_id"], "policy_set": 1,
    }  # fmt: skip
    assert {key: line[key] for key in expected} == expected


async def test_a_denied_call_is_told_why(
    host: str, http: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = signed(host, target="/forbidden")
    answer = await http.post("/forbidden", content=b"{}", headers=headers)
    assert answer.status_code == 403
    document = answer.json()
    assert document["error"] == "denied"
    assert "forbidden" in document["reason"]
    (line,) = lines(capsys)
    assert (line["allowed"], line["decision_id"]) == (False, document["decision_id"])


async def test_only_refusals_of_the_library_are_marked_as_such(
    host: str, http: httpx2.AsyncClient
) -> None:
    forbidden = signed(host, target="/forbidden")
    denied = await http.post("/forbidden", content=b"{}", headers=forbidden)
    unsigned = await http.post("/reason", content=b"{}")
    own = signed(host, target="/reason?own=403")
    passed_on = await http.post("/reason?own=403", content=b"{}", headers=own)
    allowed = await http.post("/reason", content=b"{}", headers=signed(host))
    found = [
        (each.status_code, each.headers.get("x-fairway-decision"))
        for each in (denied, unsigned, passed_on, allowed)
    ]
    assert found == [(403, "deny"), (401, "deny"), (403, None), (200, None)]
    assert passed_on.headers["x-own"] == "1"


@pytest.mark.parametrize("caller", ["lynx", "web"])
async def test_an_undeclared_caller_is_denied(
    caller: str, host: str, http: httpx2.AsyncClient
) -> None:
    answer = await http.post("/reason", content=b"{}", headers=signed(host, caller=caller))
    assert answer.status_code == 403


async def test_a_path_without_intent_is_denied_to_the_signed(
    host: str, http: httpx2.AsyncClient
) -> None:
    headers = signed(host, "GET", "/elsewhere", b"")
    answer = await http.get("/elsewhere", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (403, "denied")


async def test_every_refusal_of_a_signature_looks_the_same(
    host: str, http: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    good = signed(host)
    digit = "1" if good["authorization"].endswith("0") else "0"
    forged = {**good, "authorization": good["authorization"][:-1] + digit}
    expired = signed(host, now=time.time() - 400)
    other_body = signed(host, body=b"other")
    unsigned_payload = signed(host, body=None)
    replayed = signed(host)
    assert (await http.post("/reason", content=b"{}", headers=replayed)).status_code == 200
    attempts = [forged, expired, other_body, unsigned_payload, replayed, {}, {PEER: "garbage"}]
    answers = [await http.post("/reason", content=b"{}", headers=each) for each in attempts]
    assert [answer.status_code for answer in answers] == [401] * len(attempts)
    assert len({answer.content for answer in answers}) == 1
    reasons = [line["reason"] for line in lines(capsys)[1:]]
    assert len(set(reasons)) == len(reasons)


async def test_a_parameter_and_an_awkward_query_are_verified(
    host: str, http: httpx2.AsyncClient
) -> None:
    target = "/items/caf%C3%A9%20x?b=2&a=1&a=%2F&empty="
    answer = await http.get(target, headers=signed(host, "GET", target, b""))
    assert (answer.status_code, answer.json()["intent"]) == (200, "item")


@pytest.mark.parametrize(
    ("sent", "handled"),
    [
        ("/secret/../items/7", "/items/7"),
        ("/items//7", "/items/7"),
        ("/%69tems/a%20b", "/items/a b"),
        ("/x/%2e%2e/items/%C3%A9", "/items/é"),
    ],
)
async def test_the_handler_sees_the_path_that_was_decided_on(
    sent: str, handled: str, host: str
) -> None:
    def fetch() -> bytes:
        # Not httpx2: it would normalise the path before it is sent.
        connection = HTTPConnection(host, timeout=10)
        connection.request("GET", sent, headers=signed(host, "GET", sent, b""))
        return connection.getresponse().read()

    assert json.loads(await asyncio.to_thread(fetch))["path"] == handled


async def test_the_mesh_peer_must_be_the_signer_or_the_gateway(
    host: str, http: httpx2.AsyncClient
) -> None:
    async def status(uri: str) -> int:
        headers = {**signed(host), PEER: f"URI={uri}"}
        return (await http.post("/reason", content=b"{}", headers=headers)).status_code

    assert await status("spiffe://shop.local/orbit") == 200
    assert await status("spiffe://shop.local/gateway") == 200
    assert await status("spiffe://shop.local/lynx") == 401
    assert await status("spiffe://other.local/orbit") == 401
    assert await status("spiffe://shop.local/orbit,URI=spiffe://shop.local/lynx") == 401


async def test_only_the_last_peer_counts(host: str, http: httpx2.AsyncClient) -> None:
    pair = 'By=x;Subject="CN=a,b;URI=spiffe://shop.local/lynx";URI=spiffe://shop.local/orbit'
    headers = {**signed(host), PEER: f"URI=spiffe://shop.local/lynx,{pair}"}
    assert (await http.post("/reason", content=b"{}", headers=headers)).status_code == 200


async def test_the_gateway_reaches_public_routes_unsigned_and_marked(
    http: httpx2.AsyncClient,
) -> None:
    gateway = dict([GATEWAY])
    answer = await http.get("/open/page", headers=gateway)
    known = answer.json()
    assert (known["caller"], known["from_gateway"]) == ("Gateway::public", True)
    assert known["decision_id"]
    free = (await http.get("/open/style.css", headers=gateway)).json()
    assert (free["caller"], free["intent"], free["decision_id"]) == ("Gateway::public", None, None)
    for path in ("/elsewhere", "/opening", "/open/../reason", "/open%2f..%2freason"):
        assert (await http.get(path, headers=gateway)).status_code == 401


async def test_public_routes_are_not_public_without_the_gateway(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/open/page")).status_code == 401
    other = {PEER: "URI=spiffe://shop.local/lynx"}
    assert (await http.get("/open/page", headers=other)).status_code == 401


async def test_hashed_bodies_are_bounded_and_streams_are_not(
    host: str, http: httpx2.AsyncClient
) -> None:
    limit = b"x" * 2**20
    answer = await http.post("/reason", content=limit, headers=signed(host, body=limit))
    assert answer.json()["length"] == 2**20
    over = limit + b"x"
    answer = await http.post("/reason", content=over, headers=signed(host, body=over))
    assert answer.status_code == 413
    headers = signed(host, target="/upload", body=None)
    answer = await http.post("/upload", content=over, headers=headers)
    assert answer.json()["length"] == 2**20 + 1


async def test_a_chunked_body_over_the_limit_is_cut_off(
    host: str, http: httpx2.AsyncClient
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 2**16

    headers = signed(host, body=b"x" * 20 * 2**16)
    answer = await http.post("/reason", content=chunks(), headers=headers)
    assert answer.status_code == 413


async def test_a_websocket_needs_a_signature_and_a_stream_intent(host: str) -> None:
    headers = signed(host, "GET", "/chat", None, headers={"x-correlation-id": "ws-1"})
    headers.pop("host")
    async with websockets.connect(f"ws://{host}/chat", additional_headers=headers) as socket:
        assert await socket.recv() == "ws-1"
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"ws://{host}/chat")
    assert refused.value.response.status_code == 403
    assert refused.value.response.headers["x-fairway-decision"] == "deny"
    plain = signed(host, "GET", "/items/1", None)
    plain.pop("host")
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(f"ws://{host}/items/1", additional_headers=plain)


async def test_a_policy_change_is_in_force_without_a_restart(
    tmp_path: Path, host: str, http: httpx2.AsyncClient
) -> None:
    async def status() -> int:
        return (await http.post("/reason", content=b"{}", headers=signed(host))).status_code

    assert await status() == 200
    new = tmp_path / "new.json"
    new.write_text(bundle(POLICIES.replace('"reason"', '"nothing"'), version=2).to_json())
    new.replace(tmp_path / "active.json")
    deadline = time.monotonic() + 1
    while await status() == 200:
        assert time.monotonic() < deadline, "the new policies were not noticed within a second"
        await asyncio.sleep(0.02)
    assert await status() == 403


async def test_every_decision_is_audited(
    tmp_path: Path, host: str, http: httpx2.AsyncClient
) -> None:
    await http.post("/reason", content=b"{}", headers=signed(host))
    await http.post("/forbidden", content=b"{}", headers=signed(host, target="/forbidden"))
    none = await http.post("/x", content=b"{}", headers=signed(host, target="/x"))
    text = (tmp_path / "audit" / "axon.0.jsonl").read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert [(each["intent"], each["allowed"]) for each in entries] == [
        ("reason", True), ("forbidden", False), ("", False),
    ]  # fmt: skip
    assert entries[-1]["decision_id"] == none.json()["decision_id"] != ""
