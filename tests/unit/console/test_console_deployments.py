"""The pages of deployments and releases, on a real delivery with simulated services."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from tests.unit.console.delivery_site import GATED, SLOW, DeliverySite, delivery_site
from tests.waiting import PATIENCE

from fairway.delivery.deployment import Deployment

AT = "at=shop%2Fprod"
XSS = "<script>alert(1)</script>"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[DeliverySite]:
    async with delivery_site(tmp_path) as found:
        yield found


async def watched(site: DeliverySite) -> Deployment:
    """A canary that goes on for longer than the test."""
    await site.ship("one")
    begun = await site.begin("two", **SLOW)
    return await site.until(begun.id, lambda found: bool(found.effect) and found.serving == 20)


async def waiting(site: DeliverySite) -> Deployment:
    """A deployment that somebody has to approve."""
    await site.ship("one")
    begun = await site.begin("two", **GATED)
    return await site.until(begun.id, lambda found: found.status == "awaiting_approval")


async def test_before_the_first_deployment_there_is_a_hint(site: DeliverySite) -> None:
    ada = await site.person()
    for path in ("/deployments", "/deployments/releases"):
        answer = await ada.get(path)
        assert answer.status_code == 200
        assert "fairway deploy" in answer.text


async def test_the_history_says_what_was_shipped_and_what_came_of_it(site: DeliverySite) -> None:
    await site.ship("one")
    bad = await site.ship("bad", fault="errors", note=XSS)
    page = (await (await site.person()).get("/deployments")).text
    assert "rolled back" in page
    assert f"/deployments/{bad.id}?{AT}" in page
    assert "<strong>r1</strong></a> is in force" in page
    assert "&lt;script&gt;alert(1)" in page
    assert XSS not in page


async def test_the_history_can_be_filtered_by_status(site: DeliverySite) -> None:
    await site.ship("one")
    bad = await site.ship("bad", fault="errors")
    ada = await site.person()
    assert bad.id not in (await ada.get("/deployments?status=succeeded")).text
    assert bad.id in (await ada.get("/deployments?status=rolled_back")).text
    assert (await ada.get("/deployments?status=nonsense")).status_code == 400


async def test_a_canary_shows_both_versions_evidence_and_a_verdict(site: DeliverySite) -> None:
    found = await watched(site)
    delivery = await site.delivery()
    ada = await site.person()
    async with asyncio.timeout(PATIENCE):
        while not (seen := await delivery.watching(found.id)) or not seen.versions[0].requests:
            await asyncio.sleep(0.02)
    page = (await ada.get(f"/deployments/{found.id}")).text
    for part in ("r1 → r2", "r2 <span", "r1 <span", "Verdict", "failed answers", "p95", "20 %"):
        assert part in page, part
    assert re.search(r'<li class="now" aria-current="step"[^>]*>.*?20 %', page)
    assert [order in page for order in ("/promote?", "/pause?", "/abort?")] == [True] * 3
    assert "/resume?" not in page


async def test_the_page_is_live_to_the_end(site: DeliverySite) -> None:
    await site.ship("one")
    begun = await site.begin("bad", "errors")
    shown = ""
    async with asyncio.timeout(PATIENCE), site.served() as browser:
        async for html in fragments(browser, f"/deployments/{begun.id}/live?{AT}"):
            shown = html if 'id="deployment-head"' in html else shown
            if "rolled back" in shown:
                break
    assert "back at r1" in shown
    assert "worse beyond doubt" in shown


async def test_pausing_and_resuming(site: DeliverySite) -> None:
    found = await watched(site)
    dan = await site.person("dan", "deployer")
    answer = await dan.post(f"/deployments/{found.id}/pause?{AT}", reason="a look at the logs")
    assert "it will stay at the present weights" in answer.text
    paused = await site.until(found.id, lambda now: bool(now.paused))
    assert paused.paused == "paused by dan: a look at the logs"
    page = (await dan.get(f"/deployments/{found.id}")).text
    assert "a look at the logs" in page
    assert "/resume?" in page
    await dan.post(f"/deployments/{found.id}/resume?{AT}")
    await site.until(found.id, lambda now: not now.paused)


async def test_promoting_and_aborting(site: DeliverySite) -> None:
    found = await watched(site)
    dan = await site.person("dan", "deployer")
    await dan.post(f"/deployments/{found.id}/promote?{AT}")
    await site.until(found.id, lambda now: now.serving == 50)
    await dan.post(f"/deployments/{found.id}/abort?{AT}")
    ended = await site.ended(found.id)
    assert (ended.status, ended.reason) == ("rolled_back", "aborted by dan")


async def test_approving_is_for_somebody_else_with_the_role(site: DeliverySite) -> None:
    found = await waiting(site)
    path = f"/deployments/{found.id}"
    dan, ben = await site.person("dan", "deployer"), await site.person("ben", "admin")
    assert "this needs the role approver or admin" in (await dan.get(path)).text
    refused = await dan.post(f"{path}/approve?{AT}")
    assert refused.status_code == 403
    assert "it takes the role approver or admin" in refused.text
    assert "somebody else has to agree" in (await ben.get(path)).text
    assert (await ben.post(f"{path}/approve?{AT}")).status_code == 403
    abe = await site.person("abe", "approver")
    assert (await abe.post(f"{path}/approve?{AT}", reason="looks good")).status_code == 200
    ended = await site.ended(found.id)
    assert [each.by for each in ended.approvals] == ["abe"]
    assert "looks good" in (await abe.get(path)).text


async def test_rejecting_and_overriding_need_a_reason(site: DeliverySite) -> None:
    found = await waiting(site)
    ada = await site.person()
    for order in ("reject", "override"):
        answer = await ada.post(f"/deployments/{found.id}/{order}?{AT}", reason=" ")
        assert answer.status_code == 400
        assert "needs a reason" in answer.text
    await ada.post(f"/deployments/{found.id}/reject?{AT}", reason="not on a Friday")
    ended = await site.ended(found.id)
    assert (ended.status, "not on a Friday" in ended.reason) == ("cancelled", True)


async def test_a_command_out_of_turn_says_why(site: DeliverySite) -> None:
    done = await site.ship("one")
    ada = await site.person()
    answer = await ada.post(f"/deployments/{done.id}/pause?{AT}")
    assert answer.status_code == 409
    assert "the deployment is over: succeeded" in answer.text
    assert (await ada.post(f"/deployments/{done.id}/explode?{AT}")).status_code == 404


async def test_a_viewer_looks_and_does_nothing(site: DeliverySite) -> None:
    found = await watched(site)
    vera = await site.person("vera", "viewer")
    page = (await vera.get(f"/deployments/{found.id}")).text
    assert "this needs the role deployer" in page
    assert (await vera.post(f"/deployments/{found.id}/abort?{AT}")).status_code == 403
    assert not (await (await site.delivery()).deployment(found.id)).over


async def test_every_action_is_in_the_audit_log(site: DeliverySite) -> None:
    found = await watched(site)
    await (await site.person("dan", "deployer")).post(f"/deployments/{found.id}/pause?{AT}")
    page = await (await site.person()).get("/policies/audit?verdict=change")
    assert f"POST /deployments/{found.id}/pause" in page.text
    assert "dan" in page.text


async def test_releases_lead_to_differences_and_back(site: DeliverySite) -> None:
    await site.ship("one")
    await site.ship("two")
    ada = await site.person()
    page = (await ada.get("/deployments/releases")).text
    assert f"/deployments/diff?before=1&amp;after=2&amp;{AT}" in page
    assert f"/deployments/rollback?to=1&amp;{AT}" in page
    differs = (await ada.get("/deployments/diff?before=1&after=2")).text
    assert "<strong>axon</strong> is replaced" in differs
    assert "run: two --port $PORT" in differs
    assert (await ada.get("/deployments/diff?before=1&after=9")).status_code == 404


async def test_the_releases_are_live(site: DeliverySite) -> None:
    await site.ship("one")
    await site.begin("two")
    page = (await (await site.person()).get("/deployments/releases")).text
    assert f'data-live="/deployments/releases/live?{AT}"' in page
    assert '<p id="stale" class="stale-words" role="status"></p>' in page
    async with asyncio.timeout(PATIENCE), site.served() as browser:
        async for html in fragments(browser, f"/deployments/releases/live?{AT}"):
            assert 'id="releases"' in html
            row = html.split("<tbody>")[1].split("</tr>")[0]
            if "r2" in row and "in force" in row:
                break
    assert "succeeded" in row


async def test_a_rollback_shows_its_plan_first(site: DeliverySite) -> None:
    await site.ship("one")
    await site.ship("two")
    dan = await site.person("dan", "deployer")
    page = (await dan.get("/deployments/rollback?to=1")).text
    assert "<strong>axon</strong> is replaced" in page
    assert "by canary at 20, 100 %" in page
    assert "Emergency" not in page
    answer = await dan.post(
        f"/deployments/rollback?{AT}", to="1", fingerprint=fingerprint(page), note="two was odd"
    )
    begun = answer.headers["hx-redirect"].split("/")[-1].split("?")[0]
    ended = await site.ended(begun)
    assert (ended.status, ended.release, ended.by, ended.note) == (
        "succeeded", 1, "dan", "two was odd",
    )  # fmt: skip


async def test_a_rollback_by_a_stale_plan_is_refused(site: DeliverySite) -> None:
    await site.ship("one")
    await site.ship("two")
    dan = await site.person("dan", "deployer")
    page = (await dan.get("/deployments/rollback?to=1")).text
    await site.ship("three")
    answer = await dan.post(f"/deployments/rollback?{AT}", to="1", fingerprint=fingerprint(page))
    assert answer.status_code == 409
    assert "the plan is stale" in answer.text


async def test_a_rollback_while_another_deployment_runs_offers_what_can_be_done(
    site: DeliverySite,
) -> None:
    await watched(site)
    dan = await site.person("dan", "deployer")
    page = (await dan.get("/deployments/rollback?to=1")).text
    assert "when_busy=supersede" in page
    assert '<form class="stack"' not in page


async def test_an_emergency_is_for_an_admin_with_a_reason(site: DeliverySite) -> None:
    await site.ship("one")
    await site.ship("two")
    dan, ada = await site.person("dan", "deployer"), await site.person()
    page = (await ada.get("/deployments/rollback?to=1")).text
    form = {"to": "1", "fingerprint": fingerprint(page), "emergency": "true"}
    assert (await dan.post(f"/deployments/rollback?{AT}", **form)).status_code == 403
    answer = await ada.post(f"/deployments/rollback?{AT}", **form)
    assert answer.status_code == 400
    assert "needs a reason" in answer.text


async def test_what_acts_is_sure_of_its_environment(site: DeliverySite) -> None:
    found = await watched(site)
    ada = await site.person()
    answer = await ada.post(f"/deployments/{found.id}/abort?at=shop%2Fstaging")
    assert answer.status_code == 404
    assert "no environment" in answer.text
    assert not (await (await site.delivery()).deployment(found.id)).over


async def fragments(browser: httpx2.AsyncClient, path: str) -> AsyncIterator[str]:
    """The fragments of a live page."""
    async with browser.stream("GET", path) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line[6:])


def fingerprint(page: str) -> str:
    found = re.search(r'name="fingerprint" value="([^"]+)"', page)
    assert found, page[:2000]
    return found[1]
