"""The API as its clients see it: the door, the errors, every route."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from tests.unit.api.fake_control import MemoryControl

from fairway.api.app import create_app
from fairway.api.offer import Offer, local_offer
from fairway.control.port import ControlPlane
from fairway.errors import Unavailable

TOKEN = "let-me-in"
POLICIES = "permit(principal, action, resource);"


def offer(plane: ControlPlane, heartbeat: float = 10.0) -> Offer:
    return replace(local_offer(plane, TOKEN, "ada", lambda: 1_000.0), heartbeat=heartbeat)


@pytest.fixture
def control() -> MemoryControl:
    return MemoryControl()


@pytest.fixture
async def api(control: MemoryControl) -> AsyncIterator[httpx2.AsyncClient]:
    assert isinstance(control, MemoryControl)
    plane: ControlPlane = control
    transport = httpx2.ASGITransport(app=create_app(offer(plane, heartbeat=0.05)))
    headers = {"authorization": f"Bearer {TOKEN}"}
    base = "http://127.0.0.1:7070"
    async with httpx2.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/api/v1/status", "/api/v1/events", "/api/v1/openapi.json", "/nothing"]
)
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", TOKEN, f"bearer {TOKEN}x"])
async def test_every_path_needs_the_token(api: httpx2.AsyncClient, path: str, header: str) -> None:
    answer = await api.get(path, headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthorized"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil:7070", "", "::1"])
async def test_a_rebound_host_name_is_refused_even_with_the_token(
    api: httpx2.AsyncClient, host: str
) -> None:
    answer = await api.get("/api/v1/status", headers={"host": host})
    assert answer.status_code == 403
    assert answer.json()["code"] == "foreign-host"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:7070", "[::1]:7070", "LOCALHOST"])
async def test_loopback_names_are_served(api: httpx2.AsyncClient, host: str) -> None:
    assert (await api.get("/api/v1/status", headers={"host": host})).status_code == 200


async def test_a_websocket_gets_no_further_than_the_door(control: MemoryControl) -> None:
    plane: ControlPlane = control
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    headers = [(b"host", b"evil.example")]
    scope = {"type": "websocket", "path": "/api/v1/events", "headers": headers}
    await create_app(offer(plane))(scope, receive, send)
    assert sent == ["websocket.close"]


async def test_status_is_the_whole_status(api: httpx2.AsyncClient) -> None:
    status = (await api.get("/api/v1/status")).json()
    assert status["app"] == "axon-orbit"
    assert [s["name"] for s in status["services"]] == ["axon", "orbit"]
    assert status["services"][1]["replicas"][0]["state"] == "healthy"


async def test_ping_says_who_answers(api: httpx2.AsyncClient) -> None:
    assert (await api.get("/api/v1/ping")).json() == {"pid": os.getpid()}


async def test_restart_and_scale_answer_with_the_new_status(api: httpx2.AsyncClient) -> None:
    restarted = (await api.post("/api/v1/services/axon/restart")).json()
    assert restarted["services"][0]["replicas"][0]["restarts"] == 1
    scaled = (await api.post("/api/v1/services/axon/scale", json={"replicas": 3})).json()
    assert len(scaled["services"][0]["replicas"]) == 3


async def test_an_unknown_service_is_404_with_the_remedy(api: httpx2.AsyncClient) -> None:
    answer = await api.post("/api/v1/services/nobody/restart")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:fairway:problem:no-such-service",
        "title": "Not Found",
        "status": 404,
        "detail": "there is no service nobody",
        "instance": "/api/v1/services/nobody/restart",
        "code": "no-such-service",
        "where": "",
        "remedy": "see status",
    }


@pytest.mark.parametrize(
    "body", [{}, {"replicas": -1}, {"replicas": "many"}, {"replicas": 1, "x": 2}]
)
async def test_a_malformed_body_is_400_in_the_same_shape(
    api: httpx2.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await api.post("/api/v1/services/axon/scale", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid-request"
    assert answer.json()["where"].startswith("body.")


async def test_unknown_paths_and_methods_have_the_same_shape(api: httpx2.AsyncClient) -> None:
    assert (await api.get("/api/v1/nothing")).json()["code"] == "no-such-path"
    assert (await api.delete("/api/v1/status")).json()["code"] == "method-not-allowed"


async def test_decide_answers_yes_and_no(api: httpx2.AsyncClient) -> None:
    question = {"principal": {"kind": "Client", "name": "web"}, "service": "orbit"}
    yes = await api.post("/api/v1/decide", json=question | {"intent": "dispatch"})
    no = await api.post("/api/v1/decide", json=question | {"intent": "destroy"})
    assert (yes.json()["allowed"], no.json()["allowed"]) == (True, False)
    assert no.json()["reason"] == "no policy permits it"


async def test_policy_sets_from_creation_to_deletion(api: httpx2.AsyncClient) -> None:
    created = await api.post("/api/v1/policy-sets", json={"policies": POLICIES, "author": "ada"})
    assert (created.status_code, created.json()["version"]) == (201, 1)
    await api.post("/api/v1/policy-sets", json={"policies": "", "expected": 1})
    stale = await api.post("/api/v1/policy-sets", json={"policies": "", "expected": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale-policy-set")

    changed = {"policies": POLICIES, "description": "again", "expected": 2}
    assert (await api.put("/api/v1/policy-sets/1", json=changed)).json()["version"] == 3
    assert (await api.put("/api/v1/policy-sets/1", json=changed)).status_code == 409
    assert (await api.put("/api/v1/policy-sets/9", json=changed)).status_code == 404
    assert (await api.get("/api/v1/policy-sets/1")).json()["policies"] == POLICIES
    assert f"-{POLICIES}" in (await api.get("/api/v1/policy-sets/1/diff/2")).json()["text"]

    assert (await api.delete("/api/v1/policy-sets/2")).status_code == 204
    assert [s["version"] for s in (await api.get("/api/v1/policy-sets")).json()] == [3, 1]
    assert (await api.get("/api/v1/policy-sets/2")).status_code == 404


async def test_activation_is_fenced_and_can_be_rolled_back(api: httpx2.AsyncClient) -> None:
    for _ in range(2):
        await api.post("/api/v1/policy-sets", json={"policies": POLICIES})
    await api.post("/api/v1/policy-sets/1/activate")
    second = await api.post("/api/v1/policy-sets/2/activate", json={"expected": 1, "author": "ada"})
    assert (second.json()["version"], second.json()["previous"]) == (2, 1)
    stale = await api.post("/api/v1/policy-sets/1/activate", json={"expected": 1})
    assert stale.status_code == 409
    assert (await api.delete("/api/v1/policy-sets/2")).status_code == 409
    assert (await api.post("/api/v1/policy-sets/rollback")).json()["version"] == 1
    assert [r["policy_set"] for r in (await api.get("/api/v1/releases")).json()] == [1, 2, 1]


async def test_audit_filters_and_verifies(api: httpx2.AsyncClient) -> None:
    for intent in ("dispatch", "destroy"):
        principal = {"kind": "Client", "name": "web"}
        await api.post(
            "/api/v1/decide", json={"principal": principal, "service": "orbit", "intent": intent}
        )
    denied = (await api.get("/api/v1/audit", params={"verdict": "deny", "verify": True})).json()
    assert [entry["intent"] for entry in denied["entries"]] == ["destroy"]
    assert denied["chains"] == [{"writer": "control", "entries": 2, "whole": True, "problem": ""}]
    assert (await api.get("/api/v1/audit")).json()["chains"] is None


async def test_a_secret_goes_in_and_never_comes_out(api: httpx2.AsyncClient) -> None:
    value = "s3cr3t-v4lue"
    assert (await api.post("/api/v1/secrets/AXON_MODEL_KEY/rotate")).status_code == 409
    answers = [
        await api.put("/api/v1/secrets/AXON_MODEL_KEY", json={"value": value}),
        await api.put("/api/v1/secrets/AXON_MODEL_KEY", json={"value": value, "more": value}),
        await api.put("/api/v1/secrets/OTHER", json={"value": value}),
        await api.post("/api/v1/secrets/AXON_MODEL_KEY/rotate"),
        await api.get("/api/v1/secrets"),
    ]
    assert [a.status_code for a in answers] == [200, 400, 404, 200, 200]
    assert answers[-1].json()[0]["version"] == 2
    assert not any(value in a.text for a in answers)


async def test_signing_keys_rotate_for_one_or_all(api: httpx2.AsyncClient) -> None:
    one = await api.post("/api/v1/signing-keys/rotate", params={"identity": "web"})
    assert one.json() == ["web"]
    assert (await api.post("/api/v1/signing-keys/rotate")).json() == ["axon", "orbit", "web"]


async def test_unavailable_is_503(control: MemoryControl, api: httpx2.AsyncClient) -> None:
    class Down(MemoryControl):
        async def status(self) -> Any:
            raise Unavailable("starting", "not yet", remedy="wait")

    transport = httpx2.ASGITransport(app=create_app(offer(Down())))
    headers = {"authorization": f"Bearer {TOKEN}", "host": "localhost"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/api/v1/status", headers=headers)).status_code == 503


async def test_stop_answers_at_once_and_ends_the_event_stream(
    control: MemoryControl, api: httpx2.AsyncClient
) -> None:
    assert (await api.post("/api/v1/stop")).status_code == 202
    await control.wait_stopped()
    stream = (await api.get("/api/v1/events", params={"after": 0})).text
    data = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]
    assert [event["kind"] for event in data] == ["service.stopped"] * 2 + ["system.stopped"]
    resumed = (await api.get("/api/v1/events", headers={"last-event-id": "2"})).text
    assert "id: 3\nevent: system.stopped" in resumed
    assert "id: 2" not in resumed


async def test_the_openapi_document_names_every_route(api: httpx2.AsyncClient) -> None:
    paths = (await api.get("/api/v1/openapi.json")).json()["paths"]
    assert {
        "/api/v1/status",
        "/api/v1/services/{name}/restart",
        "/api/v1/services/{name}/scale",
        "/api/v1/stop",
        "/api/v1/events",
        "/api/v1/decide",
        "/api/v1/policy-sets",
        "/api/v1/policy-sets/{version}",
        "/api/v1/policy-sets/{before}/diff/{after}",
        "/api/v1/policy-sets/{version}/activate",
        "/api/v1/releases",
        "/api/v1/audit",
        "/api/v1/secrets/{name}/rotate",
    } <= set(paths)
