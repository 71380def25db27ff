"""axon-orbit as it runs: what is allowed, what is denied and by whom, and what the logs say."""

from __future__ import annotations

import socket
import ssl
import uuid
from typing import Any

import httpx2
import pytest
from tests.driver import Driver
from tests.waiting import until

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

EVERY_HOP = {
    ("gateway", True),
    ("orbit", True),
    ("orbit", False),
    ("axon", True),
    ("axon", False),
}
ORDER = {"prompt": "How is the weather over Bremen?"}


def test_both_services_are_healthy(axon_orbit: Driver, gateway: httpx2.Client) -> None:
    assert gateway.get("/health").json() == {"status": "ok", "service": "orbit"}
    states = {service["name"]: service["state"] for service in axon_orbit.status()["services"]}
    assert states == {"axon": "healthy", "orbit": "healthy"}


def test_an_allowed_call_passes_every_hop(axon_orbit: Driver, gateway: httpx2.Client) -> None:
    answer = gateway.post("/dispatch", json=ORDER)
    assert answer.status_code == 200
    body = answer.json()
    assert body["axon"]["status"] == "alive"
    assert body["axon"]["result"]["subject"] == "weather"
    assert body["axon"]["correlation_id"] == body["correlation_id"]
    releases = {each["name"]: each["release"] for each in axon_orbit.status()["services"]}
    assert releases == {"axon": body["axon"]["release"], "orbit": body["release"]}


def test_a_declared_client_calls_signed_through_the_mesh(axon_orbit: Driver) -> None:
    order = '{"prompt": "why?"}'
    made = call(axon_orbit, "orbit", "/dispatch", client="web", intent="dispatch", data=order)
    assert made["status"] == 200


def test_an_intent_that_policy_forbids_is_denied_with_the_reason(
    axon_orbit: Driver, gateway: httpx2.Client
) -> None:
    answer = gateway.post("/dispatch", json=ORDER | {"intent": "retrain"})
    assert answer.status_code == 403
    assert "retrain-only-in-training" in answer.json()["reason"]
    decision = answer.json()["decision_id"]
    denials = axon_orbit.json("policy", "audit", "--verdict", "deny")["entries"]
    assert [each["caller"] for each in denials if each["decision_id"] == decision] == [
        "Service::orbit"
    ]


def test_an_intent_that_does_not_exist_is_denied(gateway: httpx2.Client) -> None:
    answer = gateway.post("/dispatch", json=ORDER | {"intent": "sing"})
    assert answer.status_code == 403


def test_a_malformed_order_is_the_callers_mistake(gateway: httpx2.Client) -> None:
    answer = gateway.post("/dispatch", content=b"{")
    assert answer.status_code == 422


def test_the_gateway_opens_orbit_and_nothing_else(gateway: httpx2.Client) -> None:
    assert gateway.post("/reason", json=ORDER).status_code in (403, 404)
    assert gateway.get("/dispatch").status_code in (403, 404, 405)


@pytest.mark.parametrize("client", ["intruder", "web"])
def test_an_undeclared_caller_is_refused_by_the_mesh(axon_orbit: Driver, client: str) -> None:
    made = call(axon_orbit, "axon", "/reason", client=client, intent="reason", data="{}")
    assert made["status"] == 403
    writers = until(lambda: axon_orbit.logged(made["correlation_id"]))
    assert {line["replica"] for line in writers} == {"envoy"}, "axon itself saw the call"


def test_nobody_gets_in_without_a_certificate_of_the_app(axon_orbit: Driver) -> None:
    port = inbound_port(axon_orbit, "axon")
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"http://127.0.0.1:{port}/health")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain) as tls,
    ):
        tls.sendall(b"GET /health HTTP/1.1\r\nhost: axon\r\n\r\n")
        assert tls.recv(1) == b"", "answered a caller without a certificate"
        raise ConnectionError("closed without an answer")


def test_one_correlation_id_shows_in_the_logs_of_every_hop(
    axon_orbit: Driver, gateway: httpx2.Client
) -> None:
    correlation = f"test-{uuid.uuid4()}"
    headers = {"x-correlation-id": correlation}
    answer = gateway.post("/dispatch", json=ORDER, headers=headers)
    assert answer.json()["axon"]["correlation_id"] == correlation
    until(lambda: hops(axon_orbit, correlation) >= EVERY_HOP)


def test_metrics_are_on_a_replicas_own_port_and_not_public(
    axon_orbit: Driver, gateway: httpx2.Client
) -> None:
    gateway.post("/dispatch", json=ORDER)
    port = axon_orbit.variables("axon")["PORT"]
    metrics = httpx2.get(f"http://127.0.0.1:{port}/metrics").text
    assert "http_server_request_duration_seconds_count" in metrics
    assert gateway.get("/metrics").status_code == 404


def call(
    driver: Driver, service: str, path: str, *, client: str, intent: str, data: str
) -> dict[str, Any]:
    """`fairway call`, whatever the answer's status."""
    arguments = ("call", service, path, "--as", client, "--intent", intent, "--data", data)
    made: dict[str, Any] = driver.json(*arguments, check=False)
    return made


def inbound_port(driver: Driver, service: str) -> int:
    services = {each["name"]: each for each in driver.status()["services"]}
    port: int = services[service]["inbound_port"]
    return port


def hops(driver: Driver, correlation_id: str) -> set[tuple[str, bool]]:
    """Which services wrote about a request: their name, and whether it was their Envoy."""
    lines = driver.logged(correlation_id)
    return {(line["service"], line["replica"] == "envoy") for line in lines}
