"""orbit over HTTP, with a real client behind it: every way that a dispatch can end."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

ORDER = {"prompt": "how is the weather?"}


def test_health(orbit: TestClient) -> None:
    assert orbit.get("/health").json() == {"status": "ok", "service": "orbit"}


def test_the_document_describes_every_way_in(orbit: TestClient) -> None:
    assert set(orbit.get("/openapi.json").json()["paths"]) == {"/dispatch"}


def test_a_dispatch_comes_back_with_what_axon_said(orbit: TestClient, axon: Any) -> None:
    answer = orbit.post("/dispatch", json=ORDER)
    assert answer.status_code == 200
    assert answer.json()["service"] == "orbit"
    assert answer.json()["axon"]["status"] == "alive"
    assert [call[":path"] for call in axon.received] == ["/reason"]


def test_the_call_is_signed_and_carries_the_correlation_id_and_a_key(
    orbit: TestClient, axon: Any
) -> None:
    orbit.post("/dispatch", json=ORDER, headers={"x-correlation-id": "test-1"})
    call = axon.received[0]
    assert call["authorization"].startswith("AWS4-HMAC-SHA256 Credential=orbit.1/")
    assert call["x-correlation-id"] == "test-1"
    assert call["idempotency-key"] == "test-1"
    assert int(call["x-fairway-deadline"]) > 0


def test_the_callers_own_idempotency_key_is_passed_on(orbit: TestClient, axon: Any) -> None:
    orbit.post("/dispatch", json=ORDER, headers={"idempotency-key": "mine"})
    assert axon.received[0]["idempotency-key"] == "mine"


@pytest.mark.parametrize("intent", ["retrain", "sing"])
def test_what_policy_does_not_allow_is_denied_before_it_is_sent(
    orbit: TestClient, axon: Any, intent: str
) -> None:
    answer = orbit.post("/dispatch", json=ORDER | {"intent": intent})
    assert answer.status_code == 403
    assert answer.json()["error"] == "denied"
    assert answer.json()["reason"]
    assert answer.json()["decision_id"]
    assert axon.received == []


def test_a_denial_by_axon_itself_is_a_denial_too(orbit: TestClient, axon: Any) -> None:
    axon.status = 403
    assert orbit.post("/dispatch", json=ORDER).status_code == 403


def test_a_failing_axon_is_tried_again_and_then_told_as_a_bad_gateway(
    orbit: TestClient, axon: Any
) -> None:
    axon.status = 503
    answer = orbit.post("/dispatch", json=ORDER)
    assert answer.status_code == 502
    assert len(axon.received) > 1


def test_the_breaker_opens_and_says_when_to_come_back(orbit: TestClient, axon: Any) -> None:
    axon.status = 503
    answers = [orbit.post("/dispatch", json=ORDER) for _ in range(6)]
    assert answers[-1].status_code == 503
    assert int(answers[-1].headers["retry-after"]) >= 1
    asked = len(axon.received)
    orbit.post("/dispatch", json=ORDER)
    assert len(axon.received) == asked, "an open breaker still asked axon"


def test_what_axon_finds_wrong_is_passed_on(orbit: TestClient, axon: Any) -> None:
    axon.status = 422
    assert orbit.post("/dispatch", json=ORDER).status_code == 422


@pytest.mark.parametrize("body", [b"", b"[]", b'{"prompt": ""}'])
def test_what_is_no_order_is_refused(orbit: TestClient, axon: Any, body: bytes) -> None:
    answer = orbit.post("/dispatch", content=body)
    assert answer.status_code == 422
    assert axon.received == []
