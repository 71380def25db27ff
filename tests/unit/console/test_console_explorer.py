"""The explorer's page over the control plane in memory: what it offers, sends and shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.api.fake_control import MemoryControl
from tests.unit.console.console_rig import ConsoleRig, Person

from fairway.console.pages import explorer
from fairway.console.pages.explorer import identities, pretty
from fairway.control.explored import CallOutcome, CallRequest
from fairway.control.recorded import AuditEntry, AuditQuery
from fairway.control.topology import Edge, Node, Topology
from fairway.errors import NotFound

REASON = {"service": "axon", "operation": "POST /reason", "identity": "orbit"}
NASTY = "<img src=x onerror=alert(1)>"


@dataclass
class Answering(MemoryControl):
    """Answers calls as it is told; describes axon by a form."""

    answer: CallOutcome = field(
        default_factory=lambda: CallOutcome(200, {}, '{"a": 1}', 0.01, "a" * 32, "c-1")
    )

    async def call(self, request: CallRequest) -> CallOutcome:
        await super().call(request)
        return self.answer

    async def audit(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        denial = AuditEntry(
            "axon", 1, 1.0, "decision", "web", "axon", "reason", "deny", "nobody permits it", ("p",)
        )
        return (denial, replace(denial, correlation_id="c-1"))

    async def openapi(self, service: str) -> Mapping[str, Any]:
        found = dict(await super().openapi(service))
        prompt = {"type": "string", "description": NASTY, "example": NASTY}
        schema = {"required": ["n"], "properties": {"prompt": prompt, "n": {"type": "integer"}}}
        body = {"content": {"application/json": {"schema": schema}}}
        found["paths"] = {"/reason": {"post": {"summary": NASTY, "requestBody": body}}}
        return found


@dataclass
class Growing:
    """A telemetry whose only trace has one of these numbers of spans at each look."""

    sizes: list[int]

    async def trace(self, trace_id: str) -> Any:
        size = self.sizes.pop(0)
        if not size:
            raise NotFound("no-such-trace", trace_id)
        return SimpleNamespace(spans=range(size))


async def looking(control: MemoryControl, role: Any = "admin") -> Person:
    return await ConsoleRig(control=control).person("ada", role)


async def test_operations_of_a_document_are_forms_and_nothing_in_it_runs() -> None:
    person = await looking(Answering())
    html = (await person.get("/explorer?service=axon")).text
    assert 'name="body.n"' in html
    assert "intent reason" in html
    assert NASTY not in html
    assert NASTY in unescape(html)


async def test_without_a_document_there_are_the_intents() -> None:
    html = (await (await looking(Answering())).get("/explorer?service=orbit")).text
    assert "POST" in html
    assert "/dispatch" in html
    assert "serves no" in html


async def test_a_call_is_sent_as_filled_in_and_leads_to_its_trace() -> None:
    control = Answering()
    person = await looking(control)
    answer = await person.post("/explorer", **REASON, **{"body.n": "3", "body.prompt": "why?"})
    assert answer.status_code == 200
    assert "allowed 200" in answer.text
    assert f"/explorer/traces/{'a' * 32}" in answer.text
    assert "/logs?correlation_id=c-1" in answer.text
    sent = control.calls[0]
    assert (sent.identity, sent.method, sent.path) == ("orbit", "POST", "/reason")
    assert sent.body == '{"prompt": "why?", "n": 3}'
    assert sent.headers == {"content-type": "application/json"}


async def test_the_way_to_a_trace_waits_until_all_of_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(explorer, "_BETWEEN_LOOKS", 0.01)
    growing = Growing([0, 1, 3, 3, 3])
    answer = await (await looking(MemoryControl(told=growing))).get("/explorer/traces/abc")
    assert (answer.status_code, answer.headers["location"]) == (303, "/traces/abc")
    assert growing.sizes == [3]


async def test_a_denial_is_shown_with_its_reason_and_what_came_back_never_runs() -> None:
    headers = {"x-nasty": NASTY}
    control = Answering(answer=CallOutcome(403, headers, NASTY, 0.01, "b" * 32, "c-1"))
    answer = await (await looking(control)).post("/explorer", **REASON, **{"body.n": "3"})
    assert "denied 403" in answer.text
    assert "nobody permits it" in answer.text
    assert NASTY not in answer.text


async def test_without_a_script_the_whole_page_comes_back_as_it_was_filled_in() -> None:
    person = await looking(Answering())
    answer = await person.post("/explorer", scripted=False, **REASON, **{"body.n": "42"})
    assert "allowed 200" in answer.text
    assert "<h1>API explorer</h1>" in answer.text
    assert 'value="42"' in answer.text


async def test_what_does_not_fit_is_told_and_not_sent() -> None:
    control = Answering()
    answer = await (await looking(control)).post("/explorer", **REASON, **{"body.n": "x"})
    assert answer.status_code == 400
    assert "whole number" in unescape(answer.text)
    assert control.calls == []


async def test_calls_need_the_role_deployer() -> None:
    control = Answering()
    person = await looking(control, "viewer")
    assert (await person.get("/explorer?service=axon")).status_code == 200
    assert (await person.post("/explorer", **REASON, **{"body.n": "1"})).status_code == 403
    assert control.calls == []


async def test_an_operation_that_is_gone_is_told() -> None:
    person = await looking(Answering())
    assert (await person.get("/explorer?service=axon&operation=GET+/gone")).status_code == 404
    assert (await person.get("/explorer?service=nothing")).status_code == 404


@pytest.mark.parametrize("name", ["axon", "orbit"])
async def test_the_page_is_there_for_every_service(name: str) -> None:
    assert (await (await looking(MemoryControl())).get(f"/explorer?service={name}")).is_success


def test_who_has_a_declared_way_comes_first() -> None:
    nodes = (
        Node("axon", "service"), Node("gateway", "gateway"), Node("intruder", "client"),
        Node("orbit", "service"), Node("web", "client"),
    )  # fmt: skip
    edges = (
        Edge("web", "orbit", "call"), Edge("gateway", "orbit", "public"),
        Edge("orbit", "axon", "call"),
    )  # fmt: skip
    topology = Topology(nodes, edges)
    assert identities(topology, "orbit") == (("web", "public"), ("intruder", "axon"))
    assert identities(topology, "axon") == (("orbit",), ("intruder", "web"))


def test_json_is_indented_and_anything_else_left() -> None:
    assert pretty('{"a":1}') == '{\n  "a": 1\n}'
    assert pretty("no JSON") == "no JSON"
    assert pretty("[" * 100_000) == "[" * 100_000
