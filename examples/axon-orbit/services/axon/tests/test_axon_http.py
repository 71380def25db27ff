"""axon over HTTP, in process: what it answers, and what it says about a mistake."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from axon.main import app


@pytest.fixture
def axon(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Started, with a key from the environment."""
    monkeypatch.setenv("AXON_MODEL_KEY", "a key for tests")
    with TestClient(app) as client:
        yield client


def test_health_names_the_key_and_does_not_show_it(axon: TestClient) -> None:
    answer = axon.get("/health")
    assert answer.status_code == 200
    assert len(answer.json()["key_id"]) == 8
    assert "a key for tests" not in answer.text


def test_the_document_describes_every_intent(axon: TestClient) -> None:
    assert set(axon.get("/openapi.json").json()["paths"]) == {"/reason", "/retrain"}


def test_reason_answers_with_a_heartbeat(axon: TestClient) -> None:
    headers = {"x-correlation-id": "test-heartbeat"}
    answer = axon.post("/reason", json={"prompt": "how is the weather?"}, headers=headers).json()
    assert answer["status"] == "alive"
    assert answer["service"] == "axon"
    assert answer["correlation_id"] == "test-heartbeat"
    assert answer["result"]["subject"] == "weather"
    assert answer["result"]["generation"] == 1


def test_retrain_shows_in_the_next_conclusion(axon: TestClient) -> None:
    assert axon.post("/retrain").json()["generation"] == 2
    assert axon.post("/reason", json={"prompt": "why?"}).json()["result"]["generation"] == 2


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"prompt": ""}'])
def test_a_bad_prompt_is_told_how_to_be_better(axon: TestClient, body: bytes) -> None:
    answer = axon.post("/reason", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"] == "invalid_prompt"
    assert answer.json()["message"]


def test_without_its_key_axon_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AXON_MODEL_KEY", raising=False)
    with pytest.raises(KeyError, match="AXON_MODEL_KEY"), TestClient(app):
        pass
