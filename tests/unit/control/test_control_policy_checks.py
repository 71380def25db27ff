"""Checking a policy text as it is written, and running the app's test cases on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.api.rig import ENV, Rig

from fairway.control.policy_findings import PolicyProblem
from fairway.control.records import LocalRecords
from fairway.errors import InvalidAppFile, NotFound
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
