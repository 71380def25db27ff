"""Decisions over HTTP and Lambda, and the mesh's refusals as audit entries."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.governance.governance_samples import SHOP

from fairway.errors import Unavailable
from fairway.governance import lambda_handler
from fairway.governance.bundle import build_bundle
from fairway.governance.decide import DecisionDesk
from fairway.governance.generate import generate_policies
from fairway.governance.lambda_handler import engine_file, make_handler
from fairway.governance.mesh_denials import mesh_denial
from fairway_runtime.policy.audit import Entry
from fairway_runtime.policy.engine import PolicyEngine

BUNDLE = build_bundle(SHOP, "local", 4, generate_policies(SHOP))
ENGINE = PolicyEngine.from_bundle(BUNDLE, new_id=lambda: "id-1")
QUESTION = {
    "principal": {"kind": "Service", "name": "orbit"},
    "service": "axon",
    "intent": "reason",
    "context": {"hour": 3},
}


class Asked:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.desk = DecisionDesk(lambda: ENGINE, self.entries.append)


def test_a_question_is_answered_and_recorded() -> None:
    asked = Asked()
    answer = asked.desk.answer(QUESTION)
    assert answer.status == 200
    assert answer.document == {
        "allowed": True,
        "reason": "policy orbit-may-reason-axon permits service orbit to ask axon for reason",
        "policies": ["orbit-may-reason-axon"],
        "policy_set": 4,
        "decision_id": "id-1",
    }
    assert [(e.principal, e.service, e.allowed) for e in asked.entries] == [
        ("Service::orbit", "axon", True)
    ]


def test_a_denial_is_an_answer_too() -> None:
    answer = Asked().desk.answer({**QUESTION, "intent": "nothing"})
    assert (answer.status, answer.decision.allowed) == (200, False)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, "JSON object"),
        ([], "JSON object"),
        ({}, "principal"),
        ({**QUESTION, "more": 1}, "unknown key 'more'"),
        ({**QUESTION, "principal": "orbit"}, "principal must be"),
        ({**QUESTION, "principal": {"kind": "Person", "name": "a"}}, "kind must be one of"),
        ({**QUESTION, "principal": {"kind": [], "name": "a"}}, "kind must be one of"),
        ({**QUESTION, "principal": {"kind": "Client", "name": ""}}, "name must be"),
        ({**QUESTION, "service": 3}, "service and intent"),
        ({**QUESTION, "context": []}, "context must be"),
    ],
)
def test_a_malformed_request_is_denied_with_a_clear_reason(document: Any, words: str) -> None:
    asked = Asked()
    answer = asked.desk.answer_json(json.dumps(document))
    assert (answer.status, answer.decision.allowed) == (400, False)
    assert words in answer.decision.reason
    assert [(e.allowed, e.principal, e.reason) for e in asked.entries] == [
        (False, "", answer.decision.reason)
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"service": "axon\ud800"},
        {"principal": {"kind": "Client", "name": "\udfff"}},
        {"context": {"cohort": "\ud83d"}},
        {"\ud800": 1},
    ],
)
def test_half_a_surrogate_pair_is_denied_and_spoils_neither_answer_nor_audit(
    changes: dict[str, Any],
) -> None:
    asked = Asked()
    answer = asked.desk.answer(QUESTION | changes)
    assert (answer.status, answer.decision.allowed) == (400, False)
    for written in (answer.document, asked.entries[0]._asdict()):
        assert json.dumps(written, ensure_ascii=False).encode()


def test_a_document_nested_without_end_is_denied() -> None:
    answer = Asked().desk.answer_json("[" * 200_000)
    assert (answer.status, answer.decision.allowed) == (400, False)


def test_text_that_is_not_json_is_denied() -> None:
    assert "not JSON" in Asked().desk.answer_json(b"\xff{").decision.reason


def http_event(body: str | None, encoded: bool = False) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": "/api/v1/decide",
        "requestContext": {"http": {"method": "POST"}},
        "body": body,
        "isBase64Encoded": encoded,
    }


def test_the_lambda_answers_an_api_gateway_event() -> None:
    handle = make_handler(Asked().desk)
    body = json.dumps(QUESTION)
    for event in (
        http_event(body),
        http_event(base64.b64encode(body.encode()).decode(), encoded=True),
    ):
        response = handle(event, None)
        assert response["statusCode"] == 200
        assert response["headers"]["content-type"] == "application/json"
        assert json.loads(response["body"])["allowed"] is True


@pytest.mark.parametrize(
    "event", [http_event(None), http_event("{"), http_event("%%", encoded=True)]
)
def test_the_lambda_denies_a_malformed_event(event: dict[str, Any]) -> None:
    response = make_handler(Asked().desk)(event, None)
    assert response["statusCode"] == 400
    assert json.loads(response["body"])["allowed"] is False


def test_the_lambda_answers_a_direct_invocation() -> None:
    handle = make_handler(Asked().desk)
    assert handle(QUESTION, None)["allowed"] is True
    assert handle({"service": "axon"}, None)["allowed"] is False


def test_the_lambda_reads_its_bundle_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "active.json"
    with pytest.raises(Unavailable, match="no policies to decide by"):
        engine_file({"FAIRWAY_POLICY_FILE": str(path)})
    with pytest.raises(Unavailable):
        engine_file({})
    path.write_text(BUNDLE.to_json())
    assert engine_file({"FAIRWAY_POLICY_FILE": str(path)}).engine.policy_set == 4


def test_the_handler_that_lambda_calls_decides_and_logs_the_audit_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "active.json"
    path.write_text(BUNDLE.to_json())
    monkeypatch.setenv("FAIRWAY_POLICY_FILE", str(path))
    answer = lambda_handler.handler(QUESTION, None)
    logged = json.loads(capsys.readouterr().out)["audit"]
    assert answer["allowed"] is True
    assert logged["decision_id"] == answer["decision_id"]
    assert logged["principal"] == "Service::orbit"


LINE = {
    "time": "2026-11-21T03:12:10.500Z",
    "service": "axon",
    "peer": "spiffe://shop.local/web",
    "method": "POST",
    "path": "/reason?x=1",
    "status": 403,
    "details": "rbac_access_denied_matched_policy[none]",
    "request_id": "r-1",
    "correlation_id": "c-1",
    "direction": "inbound",
}


def denial(**changes: Any) -> Entry | None:
    return mesh_denial(json.dumps({**LINE, **changes}), BUNDLE, ENGINE)


def test_a_refusal_of_the_mesh_becomes_an_audit_entry() -> None:
    entry = denial()
    assert entry == Entry(
        "decision",
        allowed=False,
        principal="Client::web",
        service="axon",
        intent="reason",
        reason="the mesh refused POST /reason?x=1 on axon: the app file declares no call of "
        "client web to axon for reason",
        policy_set=4,
        decision_id="mesh-r-1",
        correlation_id="c-1",
        at=1795230730.5,
    )


@pytest.mark.parametrize(
    ("changes", "principal", "words"),
    [
        ({"peer": "spiffe://shop.local/gateway"}, "Gateway::public", "under no public route"),
        ({"peer": "spiffe://shop.local/orbit", "path": "/x"}, "Service::orbit", "no intent"),
        ({"peer": "spiffe://other.local/orbit"}, "", "not known here"),
        ({"peer": None}, "", "without an identity"),
        ({"peer": "spiffe://shop.local/orbit"}, "Service::orbit", "older than the policies"),
        ({"service": "gone", "peer": "spiffe://shop.local/web"}, "Client::web", "no intent"),
    ],
)
def test_the_entry_says_who_and_why(changes: dict[str, Any], principal: str, words: str) -> None:
    entry = denial(**changes)
    assert entry is not None
    assert entry.principal == principal
    assert words in entry.reason


@pytest.mark.parametrize("details", ["via_upstream", "", None])
def test_other_lines_are_no_denials(details: str | None) -> None:
    assert denial(details=details) is None


@pytest.mark.parametrize("line", ["", "garbage", "[]", "3", '{"details": "rbac'])
def test_unreadable_lines_are_left_out(line: str) -> None:
    assert mesh_denial(line, BUNDLE, ENGINE) is None
