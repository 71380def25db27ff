"""Policy sets: read, compare, edit with validation as one types, test, activate, roll back.

Simulations are in `policy_simulation`, the audit log in `policy_audit`. On a shared server a set is
activated by a deployment; the ports say so when somebody tries it here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from fairway.api.asked import LARGEST_NUMBER, Text
from fairway.api.writes import QUERY
from fairway.console.addresses import SureHere, go
from fairway.console.page import Entry, Page, PageHere
from fairway.console.pages import policy_audit, policy_simulation
from fairway.console.views.cedar import lines_of
from fairway.console.views.differences import diff_of
from fairway.console.views.simulation import changed_words
from fairway.control.policy_findings import PolicyProblem, PolicyTestReport
from fairway.control.port import Records
from fairway.control.recorded import PolicySetSummary
from fairway.errors import FairwayError, NotFound

ENTRY = Entry("Policies", "/policies", "policies", "p", system=False)
router = APIRouter()
_LARGEST = 4_000_000
Version = Annotated[int, Path(ge=1, le=LARGEST_NUMBER)]
Number = Annotated[int, Query(ge=1, le=LARGEST_NUMBER)]
Cedar = Annotated[str, Form(max_length=_LARGEST)]


class Draft(BaseModel):
    """The editor's form. `expected` is the newest version when it was opened."""

    policies: str = Field("", max_length=_LARGEST)
    base: int = Field(0, ge=0, le=LARGEST_NUMBER)
    expected: int = Field(0, ge=0, le=LARGEST_NUMBER)
    description: Text = ""
    activate: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """What is shown below the editor: problems, and what the text would change."""

    problems: tuple[PolicyProblem, ...]
    changes: tuple[tuple[bool, str], ...] = ()

    @property
    def errors(self) -> int:
        """How many keep it from being stored."""
        return sum(each.severity == "error" for each in self.problems)


@router.get("/policies")
async def policies(here: PageHere) -> HTMLResponse:
    """All versions, the newest first."""
    sets: tuple[PolicySetSummary, ...] = ()
    if here.has_system or here.environment is not None:
        sets = await (await here.records()).policy_sets()
    active = next((each.version for each in sets if each.active), 0)
    before = await _decided_before(here, active) if here.has_system and len(sets) > 1 else 0
    return here.render("policies.html", go=go(here), sets=sets, active=active, before=before)


@router.get("/policies/diff")
async def difference(here: PageHere, before: Number, after: Number) -> HTMLResponse:
    """What differs between two versions."""
    records = await here.records()
    found = await records.diff_policy_sets(before, after)
    numbers = [each.version for each in await records.policy_sets()]
    return here.render(
        "policy_diff.html", go=go(here), found=found, numbers=numbers, diff=diff_of(found.text)
    )


@router.get("/policies/edit")
async def edit(
    here: PageHere, base: Annotated[int, Query(ge=0, le=LARGEST_NUMBER)] = 0
) -> HTMLResponse:
    """The editor, with a version to begin from: the active one, or `base`."""
    here.require("deployer")
    records = await here.records()
    sets = await records.policy_sets()
    active = next((each.version for each in sets if each.active), 0)
    version = base or active
    text = (await records.policy_set(version)).policies if version else ""
    return here.render(
        "policy_edit.html", go=go(here), text=text, base=version, active=active,
        expected=sets[0].version if sets else 0, checked=await _checked(records, text),
    )  # fmt: skip


@router.post("/policies/check", openapi_extra=QUERY)
async def check(here: SureHere, policies: Cedar = "") -> HTMLResponse:
    """What is wrong with a text, and what it would change: asked while one types."""
    checked = await _checked(await here.records(), policies)
    return here.fragment("_policy_findings.html", checked=checked)


@router.post("/policies/test", openapi_extra=QUERY)
async def test(here: SureHere, policies: Annotated[str | None, Form()] = None) -> HTMLResponse:
    """How the app's test cases go by a text, or by what decides now."""
    records = await here.records()
    report, error = None, None
    try:
        report = await records.test_policies(policies)
    except FairwayError as found:
        error = found
    if here.scripted:
        return here.fragment("_policy_tests.html", report=report, error=error)
    return here.render("policy_tests.html", go=go(here), report=report, error=error)


@router.get("/policies/tests")
async def tests(here: PageHere) -> HTMLResponse:
    """The test cases on what decides now."""
    records = await here.records()
    report: PolicyTestReport | None = None
    error: FairwayError | None = None
    try:
        report = await records.test_policies()
    except NotFound as found:
        error = found
    return here.render("policy_tests.html", go=go(here), report=report, error=error)


@router.post("/policies/save")
async def save(here: SureHere, draft: Annotated[Draft, Form()]) -> Response:
    """Store a new version, and activate it when that is asked."""
    here.require("approver" if draft.activate else "deployer")
    records = await here.records()
    who = {"author": here.actor.name, "description": draft.description.strip()}
    if draft.base:
        made = await records.update_policy_set(
            draft.base, draft.policies, expected=draft.expected, **who
        )
    else:
        made = await records.create_policy_set(draft.policies, expected=draft.expected, **who)
    address = go(here)(f"/policies/{made.version}")
    if not draft.activate:
        return here.moved(address, f"stored as policy set {made.version}; it decides nothing yet")
    done = await records.activate_policy_set(made.version, author=here.actor.name)
    return here.moved(address, f"policy set {done.version} decides, after {_took(done.seconds)}")


@router.post("/policies/rollback")
async def roll_back(
    here: SureHere, to: Annotated[int | None, Form(ge=1, le=LARGEST_NUMBER)] = None
) -> Response:
    """Activate `to`, the version that the button named, or the one that was active before."""
    here.require("approver")
    done = await (await here.records()).roll_back_policies(author=here.actor.name, to=to)
    words = f"policy set {done.version} decides again, after {_took(done.seconds)}"
    return here.moved(go(here)("/policies"), words)


router.include_router(policy_simulation.router)
router.include_router(policy_audit.router)


@router.get("/policies/{version}")
async def policy_set(here: PageHere, version: Version) -> HTMLResponse:
    """One version, to read."""
    records = await here.records()
    found = await records.policy_set(version)
    sets = await records.policy_sets()
    active = next((each.version for each in sets if each.active), 0)
    return here.render(
        "policy_set.html", go=go(here), found=found.summary, lines=lines_of(found.policies),
        active=active, older=_before(sets, version),
    )  # fmt: skip


@router.post("/policies/{version}/activate")
async def activate(
    here: SureHere, version: Version, expected: Annotated[int | None, Form(ge=0)] = None
) -> Response:
    """Let it decide; refused when another one decides by now than was shown."""
    here.require("approver")
    records = await here.records()
    done = await records.activate_policy_set(version, author=here.actor.name, expected=expected)
    words = f"policy set {done.version} decides, after {_took(done.seconds)}"
    return here.moved(go(here)(f"/policies/{version}"), words)


@router.post("/policies/{version}/delete")
async def delete(here: SureHere, version: Version) -> Response:
    """Forget a version that was never active."""
    here.require("approver")
    await (await here.records()).delete_policy_set(version, author=here.actor.name)
    return here.moved(go(here)("/policies"), f"policy set {version} is forgotten")


async def _checked(records: Records, text: str) -> Checked:
    problems = await records.check_policies(text)
    if any(each.severity == "error" for each in problems):
        return Checked(problems)
    try:
        return Checked(problems, changed_words(await records.policy_effect(text)))
    except FairwayError:  # nothing decides yet, so there is nothing to compare with
        return Checked(problems)


async def _decided_before(here: Page, active: int) -> int:
    """What the way back leads to; 0 where only the records know (an edited working tree)."""
    activations = await (await here.records()).releases()
    found = (
        each.previous
        for each in activations
        if each.kind == "policies" and each.policy_set == active
    )
    return next((version for version in found if version not in (0, active)), 0)


def _before(sets: tuple[PolicySetSummary, ...], version: int) -> int:
    return next((each.version for each in sets if each.version < version), 0)


def _took(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
