"""Checking a policy text as it is written, and running the app's test cases on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.api.rig import ENV, Rig

from fairway.control.policy_findings import PolicyProblem
from fairway.control.recorded import AuditQuery
from fairway.control.records import LocalRecords
from fairway.errors import FairwayError, InvalidAppFile, InvalidInput, NotFound
from fairway.model.load import load_app
from fairway.targets.local.layout import open_state

APP = """
app: shop
policies: policies
services:
  orbit: {run: orbit, library: true, health: /health, calls: {axon: [reason]}}
  axon: {run: axon, library: true, health: /health, intents: {reason: POST /reason}}
"""
PERMIT = """@id("may")
permit (principal == Service::"orbit", action == Action::"reason", resource == Service::"axon");
"""
CASES = """cases:
  - name: orbit may ask
    given: {principal: 'Service::orbit'}
    when: {service: axon, intent: reason}
    expect: {decision: allow}
"""
NIGHT = '@id("night") forbid (principal, action, resource) when { context.hour > 22 };\n'


@pytest.fixture
def records(tmp_path: Path) -> Iterator[LocalRecords]:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "axon.cedar").write_text(PERMIT)
    (tmp_path / "policies" / "axon.test.yaml").write_text(CASES)
    app = load_app("fairway.yaml", APP, read=lambda _: "", variables={}).app
    found = LocalRecords(app, open_state(tmp_path, stamp="now").state)
    found.settle_policies()
    yield found
    found.close()


async def test_a_problem_has_line_column_and_remedy(records: LocalRecords) -> None:
    (problem,) = await records.check_policies(PERMIT.replace('"axon"', '"axno"'))
    assert (problem.line, problem.column) == (2, PERMIT.splitlines()[1].index('"axon"') + 1)
    assert problem.severity == "error"
    assert "axno" in problem.message
    assert "axon" in problem.remedy


async def test_a_policy_that_never_applies_is_a_warning(records: LocalRecords) -> None:
    never = PERMIT.replace('"orbit"', '"axon"')
    (problem,) = await records.check_policies(PERMIT + never.replace("may", "never"))
    assert (problem.severity, problem.line) == ("warning", 4)


@pytest.mark.parametrize("text", ["", "permit", 'permit (principal == "', "}{;;@\x00☃", PERMIT])
async def test_any_text_gets_an_answer_and_nothing_is_stored(
    records: LocalRecords, text: str
) -> None:
    for problem in await records.check_policies(text):
        assert isinstance(problem, PolicyProblem)
        assert problem.line >= 1
        assert problem.column >= 1
    assert len(await records.policy_sets()) == 1


async def test_the_cases_run_by_what_decides_now_or_by_a_draft(records: LocalRecords) -> None:
    report = await records.test_policies()
    assert report.passed
    assert [case.name for case in report.cases] == ["orbit may ask"]
    assert report.cases[0].where == "policies/axon.test.yaml:2:5"
    draft = await records.test_policies(NIGHT)
    assert not draft.passed
    assert draft.cases[0].problem.startswith("expected allow, got deny")
    assert draft.uncovered == ("night",)


async def test_cases_do_not_run_by_a_text_that_is_not_valid(records: LocalRecords) -> None:
    with pytest.raises(InvalidAppFile):
        await records.test_policies("permit")


async def test_without_cases_there_is_nothing_to_run(records: LocalRecords) -> None:
    (records.state.app_dir / "policies" / "axon.test.yaml").unlink()
    with pytest.raises(NotFound, match=r"\.test\.yaml"):
        await records.test_policies()


@pytest.mark.parametrize("place", ["/api/v1", ENV])
async def test_over_http_a_viewer_may_check_and_nothing_is_noted(place: str) -> None:
    rig = Rig()
    await rig.directory.opened("shop", "prod", {})
    async with rig.vera as vera:
        checked = await vera.post(f"{place}/policies/check", json={"policies": "\n wrong"})
        assert [(one["line"], one["column"]) for one in checked.json()] == [(2, 2)]
        tested = await vera.post(f"{place}/policies/test", json={"policies": "forbid"})
        assert tested.json()["passed"] is False
        assert (await vera.post(f"{place}/policies/test")).json()["uncovered"] == ["night"]
    assert rig.trail.writes == []


async def test_who_may_and_why_is_said_of_everyone_and_not_logged(records: LocalRecords) -> None:
    found = await records.simulate("axon", "reason")
    said = {f"{each.kind}::{each.name}": each for each in found.answers}
    assert said.keys() == {"Service::axon", "Service::orbit", "Gateway::public"}
    assert (said["Service::orbit"].allowed, said["Service::orbit"].policies) == (True, ("may",))
    assert not said["Service::axon"].declared
    assert "axon" in said["Service::axon"].reason
    assert not [one for one in await records.audit(AuditQuery()) if one.kind == "decision"]


async def test_a_draft_is_tried_in_a_context(records: LocalRecords) -> None:
    at_noon = await records.simulate("axon", "reason", {}, PERMIT + NIGHT)
    at_night = await records.simulate("axon", "reason", {"hour": 23}, PERMIT + NIGHT)
    orbit = [next(a for a in each.answers if a.name == "orbit") for each in (at_noon, at_night)]
    assert [each.allowed for each in orbit] == [True, False]
    assert orbit[1].policies == ("night",)
    assert orbit[1].reads == ("hour",)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("axno", "reason"), NotFound),
        (("axon", "raeson"), NotFound),
        (("axon", "reason", {"huor": 1}), InvalidInput),
        (("axon", "reason", {"hour": "late"}), InvalidInput),
        (("axon", "reason", {}, "permit"), InvalidAppFile),
    ],
)
async def test_what_cannot_be_tried_says_why(
    records: LocalRecords, asked: tuple[Any, ...], error: type[FairwayError]
) -> None:
    with pytest.raises(error):
        await records.simulate(*asked)


async def test_what_a_draft_would_change(records: LocalRecords) -> None:
    assert await records.policy_effect(PERMIT + NIGHT) == ()
    (changed,) = await records.policy_effect(NIGHT)
    assert (changed.name, changed.service, changed.intent) == ("orbit", "axon", "reason")
    assert not changed.allowed


async def test_what_policies_can_be_about(records: LocalRecords) -> None:
    names = await records.policy_names()
    assert names.services == {"axon": ("reason",), "orbit": ()}
    assert names.keys["hour"] == "number"
    assert names.context["environment"] == "local"


@pytest.mark.parametrize("place", ["/api/v1", ENV])
async def test_over_http_one_may_try_things_out(place: str) -> None:
    rig = Rig()
    await rig.directory.opened("shop", "prod", {})
    async with rig.vera as vera:
        asked = {"service": "axon", "intent": "reason", "context": {"hour": 3, "signed": True}}
        tried = (await vera.post(f"{place}/policies/simulate", json=asked)).json()
        assert tried["context"] == {"hour": 3, "signed": True}
        assert tried["answers"][0]["allowed"] is True
        assert (await vera.get(f"{place}/policies/names")).json()["clients"] == ["web"]
        effect = await vera.post(f"{place}/policies/effect", json={"policies": "forbid"})
        assert [each["allowed"] for each in effect.json()] == [False]
    assert rig.trail.writes == []
