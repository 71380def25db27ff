"""The pages of policies: real policy sets, a real audit log, decisions by the real engine."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
from tests.unit.api.fake_control import MemoryControl
from tests.unit.console.console_rig import ConsoleRig, Person
from tests.unit.console.delivery_site import delivery_site

from fairway.control.recorded import AuditQuery, Question
from fairway.control.records import LocalRecords
from fairway.model.load import load_app
from fairway.targets.local.layout import open_state

APP = """
app: shop
policies: policies
services:
  orbit: {run: orbit, library: true, health: /health, calls: {axon: [reason]}}
  axon: {run: axon, library: true, health: /health, intents: {reason: POST /reason}}
clients:
  web: {calls: {}}
"""
PERMIT = """@id("may")
permit (principal == Service::"orbit", action == Action::"reason", resource == Service::"axon");
"""
FORBID = '@id("no") forbid (principal, action, resource);\n'
CASES = """cases:
  - name: orbit may ask
    given: {principal: 'Service::orbit'}
    when: {service: axon, intent: reason}
    expect: {decision: allow}
"""
XSS = "<script>alert(1)</script>"
QUESTIONS = (
    "policy_sets", "policy_set", "create_policy_set", "update_policy_set", "delete_policy_set",
    "diff_policy_sets", "activate_policy_set", "roll_back_policies", "decide", "check_policies",
    "test_policies", "policy_names", "simulate", "policy_effect", "audit", "verify_audit",
    "releases",
)  # fmt: skip


@dataclass
class Desk:
    """A console on the policies of one folder."""

    records: LocalRecords
    rig: ConsoleRig

    async def person(self, role: str = "admin") -> Person:
        return await self.rig.person(f"{role}-1", role)  # type: ignore[arg-type]

    async def decides(self) -> int:
        return next(each.version for each in await self.records.policy_sets() if each.active)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "axon.cedar").write_text(PERMIT)
    (tmp_path / "policies" / "axon.test.yaml").write_text(CASES)
    app = load_app("fairway.yaml", APP, read=lambda _: "", variables={}).app
    records = LocalRecords(app, open_state(tmp_path, stamp="now").state)
    records.settle_policies()
    control = MemoryControl()
    for name in QUESTIONS:
        setattr(control, name, getattr(records, name))
    rig = ConsoleRig(control=control)
    yield Desk(records, rig)
    records.close()


def words(html: str) -> str:
    """What a person reads."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


async def test_the_sets_say_which_one_decides(desk: Desk) -> None:
    await desk.records.create_policy_set(FORBID, author=XSS, description=XSS)
    page = (await (await desk.person()).get("/policies")).text
    assert "set 1 decides" in page
    assert "&lt;script&gt;" in page
    assert XSS not in page
    assert "/policies/diff?before=1&amp;after=2" in page


async def test_a_set_is_shown_in_colours_and_as_it_is(desk: Desk) -> None:
    evil = (
        f'// {XSS}\n@id("x") permit (principal, action, resource)\n'
        f'when {{ context.cohort == "{XSS}" }};'
    )
    made = await desk.records.create_policy_set(evil, author="ann")
    page = (await (await desk.person()).get(f"/policies/{made.version}")).text
    assert '<span class="c-effect">permit</span>' in page
    assert XSS not in page
    assert f'.cohort == "{XSS}"' in words(page)
    assert (await (await desk.person()).get("/policies/99")).status_code == 404


async def test_what_is_typed_is_checked_with_line_and_column(desk: Desk) -> None:
    ann = await desk.person("deployer")
    answer = await ann.post("/policies/check", policies="\n" + PERMIT.replace('"axon"', '"axno"'))
    column = PERMIT.splitlines()[1].index('"axon"') + 1
    assert f'data-line="3" data-column="{column}"' in answer.text
    assert "did you mean 'axon'?" in unescape(answer.text)
    assert "1 problem" in answer.text
    assert len(await desk.records.policy_sets()) == 1
    assert desk.rig.parts.control.writes == []


async def test_what_is_typed_says_what_it_would_change(desk: Desk) -> None:
    ann = await desk.person("deployer")
    same = await ann.post("/policies/check", policies=PERMIT)
    assert "Every declared call is decided as now" in same.text
    stricter = await ann.post("/policies/check", policies=FORBID)
    assert "orbit may no longer ask axon to reason" in stricter.text


@pytest.mark.parametrize("text", ["", "permit (", "\x00☃</textarea><script>", "permit" * 2000])
async def test_whatever_is_typed_gets_an_answer(desk: Desk, text: str) -> None:
    answer = await (await desk.person("deployer")).post("/policies/check", policies=text)
    assert answer.status_code == 200
    assert 'id="findings"' in answer.text
    assert "<script>" not in answer.text


async def test_a_draft_can_be_tested(desk: Desk) -> None:
    ann = await desk.person("deployer")
    assert "1 case, none failed" in words((await ann.get("/policies/tests")).text)
    failed = words((await ann.post("/policies/test", policies=FORBID)).text)
    assert "1 case, 1 failed" in failed
    assert "expected allow, got deny" in failed
    assert "policies/axon.test.yaml:2:5" in failed
    broken = await ann.post("/policies/test", policies="permit")
    assert "problem" in broken.text


async def test_editing_storing_and_activating(desk: Desk) -> None:
    abe = await desk.person("approver")
    page = (await abe.get("/policies/edit")).text
    assert 'permit (principal == Service::"orbit"' in unescape(page)
    stored = await abe.post(
        "/policies/save", policies=FORBID, base="1", expected="1", description="stop it"
    )
    assert stored.headers["hx-redirect"] == "/policies/2"
    assert await desk.decides() == 1
    await abe.post("/policies/2/activate", expected="1")
    assert await desk.decides() == 2
    assert not (await desk.records.decide(Question("Service", "orbit", "axon", "reason"))).allowed
    assert (await desk.records.policy_set(2)).summary.description == "stop it"
    assert "policy set 2 decides, after" in (await abe.get("/policies/2")).text
    await abe.post("/policies/rollback")
    assert await desk.decides() == 1


async def test_the_way_back_names_the_set_that_it_leads_to(desk: Desk) -> None:
    abe = await desk.person("approver")
    for text in (FORBID, FORBID + PERMIT):
        await desk.records.create_policy_set(text, author="ann")
    await desk.records.activate_policy_set(3, author="ann")
    page = (await abe.get("/policies")).text
    assert "Roll back to set 1" in page
    assert "Let policy set 1 decide again, in place of set 3?" in page
    assert 'name="to" value="1"' in page
    await abe.post("/policies/rollback", to="1")
    assert await desk.decides() == 1
    assert "Roll back to set 3" in (await abe.get("/policies")).text


async def test_storing_and_activating_in_one_go_by_a_form_without_script(desk: Desk) -> None:
    abe = await desk.person("approver")
    form = {"policies": FORBID, "base": "1", "expected": "1", "activate": "true"}
    answer = await abe.post("/policies/save", scripted=False, **form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/policies/2")
    assert await desk.decides() == 2


async def test_what_is_wrong_is_not_stored(desk: Desk) -> None:
    abe = await desk.person("approver")
    wrong = await abe.post("/policies/save", policies="permit", base="1", expected="1")
    assert wrong.status_code == 400
    assert "does not end" in wrong.text
    await desk.records.create_policy_set(PERMIT, author="ben")
    stale = await abe.post("/policies/save", policies=FORBID, base="1", expected="1")
    assert stale.status_code == 409
    assert "look at what changed in between" in stale.text
    late = await abe.post("/policies/2/activate", expected="2")
    assert late.status_code == 409
    assert await desk.decides() == 1


async def test_roles(desk: Desk) -> None:
    vera, dan = await desk.person("viewer"), await desk.person("deployer")
    assert (await vera.get("/policies/edit")).status_code == 403
    draft = {"policies": FORBID, "base": "1", "expected": "1"}
    assert (await vera.post("/policies/save", **draft)).status_code == 403
    assert (await dan.post("/policies/save", activate="true", **draft)).status_code == 403
    assert len(await desk.records.policy_sets()) == 1
    assert (await dan.post("/policies/save", **draft)).status_code == 204
    for path in ("/policies/2/activate", "/policies/2/delete", "/policies/rollback"):
        assert (await dan.post(path)).status_code == 403
    assert "/activate" not in (await dan.get("/policies")).text


async def test_a_set_that_never_decided_can_be_forgotten(desk: Desk) -> None:
    made = await desk.records.create_policy_set(FORBID, author="ann")
    abe = await desk.person("approver")
    await abe.post(f"/policies/{made.version}/delete")
    assert [each.version for each in await desk.records.policy_sets()] == [1]
    assert (await abe.post("/policies/1/delete")).status_code == 409


async def test_differences(desk: Desk) -> None:
    await desk.records.create_policy_set(PERMIT + FORBID, author="ann")
    page = (await (await desk.person()).get("/policies/diff?before=1&after=2")).text
    assert "Added no" in words(page)
    assert '<tr class="add">' in page


async def test_who_may_and_why(desk: Desk) -> None:
    vera = await desk.person("viewer")
    page = words((await vera.get("/policies/simulate?service=axon&intent=reason")).text)
    assert "Only orbit may ask axon to reason." in page
    assert "policy may permits service orbit to ask axon for reason" in page
    assert "the app file declares no call of client web" in page
    one = await vera.get("/policies/simulate?kind=Client&name=web&service=axon&intent=reason")
    assert "client web may not ask axon to reason" in words(one.text)
    kinds = {each.kind for each in await desk.records.audit(AuditQuery())}
    assert "decision" not in kinds


async def test_who_may_depends_on_the_context(desk: Desk) -> None:
    night = '@id("night") forbid (principal, action, resource) when { context.hour > 22 };'
    made = await desk.records.create_policy_set(PERMIT + night, author="ann")
    await desk.records.activate_policy_set(made.version, author="ann")
    vera = await desk.person("viewer")
    by_day = words((await vera.get("/policies/simulate?service=axon.reason")).text)
    at_night = words((await vera.get("/policies/simulate?service=axon.reason&hour=23")).text)
    assert "Only orbit may ask" in by_day
    assert "Nobody may ask axon to reason." in at_night
    assert "supposing that hour is 23" in at_night
    wrong = await vera.get("/policies/simulate?service=axon.reason&hour=late")
    assert "hour is a number, not" in wrong.text
    unknown = await vera.get("/policies/simulate?service=axno.reason")
    assert "did you mean 'axon'?" in unescape(unknown.text)


async def test_the_audit_log_with_filters_and_chains(desk: Desk) -> None:
    await desk.records.decide(Question("Service", "orbit", "axon", "reason"))
    await desk.records.decide(Question("Client", "web", "axon", "reason"))
    vera = await desk.person("viewer")
    every = words((await vera.get("/policies/audit")).text)
    denied = words((await vera.get("/policies/audit?verdict=deny&service=axon&since=1h")).text)
    assert "Service::orbit" in every
    assert "Service::orbit" not in denied
    assert "Client::web" in denied
    orbit = words((await vera.get("/policies/audit?caller=orbit")).text)
    assert "Client::web axon" not in orbit
    assert "every entry is as it was written" in (await vera.get("/policies/audit/chains")).text
    assert (await vera.get("/policies/audit?since=soon")).status_code == 400


async def test_a_tampered_chain_is_shown(desk: Desk) -> None:
    await desk.records.decide(Question("Client", "web", "axon", "reason"))
    (file,) = desk.records.state.audit.glob("*.jsonl")
    file.write_text(file.read_text().replace('"allowed":false', '"allowed":true'))
    page = (await (await desk.person()).get("/policies/audit/chains")).text
    assert "1 chain broken" in page


async def test_denials_are_counted_by_call(desk: Desk) -> None:
    for _ in range(7):
        await desk.records.decide(Question("Client", "web", "axon", "reason"))
    desk.rig.parts.now = time.time()
    page = words((await (await desk.person()).get("/policies/denials?span=1h")).text)
    assert "7 in the last 1h, 1 spike" in page
    assert "Client::web → axon reason" in page


async def test_on_a_shared_server_policies_begin_with_a_deployment(tmp_path: Path) -> None:
    async with delivery_site(tmp_path) as site:
        await site.ship("one")
        ada = await site.person()
        at = "at=shop%2Fprod"
        page = (await ada.get("/policies")).text
        assert "set 1 decides" in page
        assert "Activate" not in page
        answer = await ada.post(f"/policies/save?{at}", policies="", base="1", expected="1")
        assert answer.headers["hx-redirect"] == f"/policies/2?{at}"
        refused = await ada.post(f"/policies/2/activate?{at}")
        assert refused.status_code == 403
        assert "change by deployments only" in refused.text
        seen = words((await ada.get("/policies/simulate?service=axon.reason")).text)
        assert "Only orbit may ask axon to reason." in seen
        assert "not part of a release" in (await ada.get("/policies/tests")).text


async def test_what_is_stored_keeps_its_comments(desk: Desk) -> None:
    abe = await desk.person("approver")
    text = f"// Why this is so.\n{PERMIT}\n// The end."
    await abe.post("/policies/save", policies=text, base="1", expected="1")
    assert (await desk.records.policy_set(2)).policies == text
    page = (await abe.get("/policies/edit?base=2")).text
    assert "// Why this is so." in page
