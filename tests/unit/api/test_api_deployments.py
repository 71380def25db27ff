"""The routes of deployments, as people with different roles use them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.unit.api.rig import ENV, Rig

APP = {"app": {"app": "shop"}}
GATED = {"app": {"app": "shop", "gate": True}}


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def begun(rig: Rig, body: dict[str, Any] | None = None) -> str:
    answer = await rig.dan.post(f"{ENV}/deployments", json=body or APP)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def test_the_first_deployment_creates_the_environment(rig: Rig) -> None:
    assert (await rig.vera.get(ENV)).json()["code"] == "no-such-environment"
    answer = await rig.dan.post(f"{ENV}/deployments", json=APP)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{ENV}/deployments/d0001"
    assert (await rig.vera.get("/api/v1/apps")).json() == [
        {"name": "shop", "environments": ["prod"]}
    ]
    assert (await rig.vera.get("/api/v1/apps/shop/environments")).json() == [
        {"app": "shop", "name": "prod", "target": "memory"}
    ]
    assert (await rig.vera.get("/api/v1/apps/other/environments")).status_code == 404
    state = (await rig.vera.get(ENV)).json()
    assert (state["release"], state["deployment"]["id"]) == (0, "d0001")


async def test_a_plan_of_a_new_environment_needs_someone_who_may_create_it(rig: Rig) -> None:
    assert (await rig.vera.post(f"{ENV}/plan", json=APP)).status_code == 404
    plan = (await rig.dan.post(f"{ENV}/plan", json=APP)).json()
    assert plan["changes"][0]["reasons"] == ["its source changed"]
    assert (await rig.vera.post(f"{ENV}/plan", json=APP)).json() == plan
    assert rig.directory.deliveries["shop", "prod"].found == []


async def test_a_wish_arrives_whole(rig: Rig) -> None:
    digest = "sha256:" + "a" * 64
    await begun(rig, APP | {"artifacts": {"orbit": digest}, "note": "faster", "policies": "p"})
    wish = rig.directory.deliveries["shop", "prod"].wishes[0]
    assert (wish.artifacts, wish.note, wish.policies) == ({"orbit": digest}, "faster", "p")


async def test_a_deployment_is_told_how_to_go_on(rig: Rig) -> None:
    path = f"{ENV}/deployments/{await begun(rig)}"
    paused = await rig.dan.post(f"{path}/pause", json={"reason": "lunch"})
    assert (paused.status_code, paused.json()["paused"]) == (202, "lunch")
    assert (await rig.dan.post(f"{path}/pause")).status_code == 409
    assert (await rig.dan.post(f"{path}/resume")).json()["paused"] == ""
    assert (await rig.dan.post(f"{path}/promote", json={"fully": True})).json()["status"] == (
        "succeeded"
    )
    late = await rig.dan.post(f"{path}/abort")
    assert (late.status_code, late.json()["code"]) == (409, "makes-no-sense")


async def test_an_aborted_deployment_says_why(rig: Rig) -> None:
    path = f"{ENV}/deployments/{await begun(rig)}"
    found = (await rig.dan.post(f"{path}/abort", json={"reason": "smoke"})).json()
    assert (found["status"], found["reason"]) == ("rolled_back", "smoke")


async def test_approval_takes_the_role_and_someone_else(rig: Rig) -> None:
    path = f"{ENV}/deployments/{await begun(rig, GATED)}"
    refused = await rig.dan.post(f"{path}/approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "role-missing")
    assert (await rig.vera.post(f"{path}/approve")).status_code == 403
    given = (await rig.abe.post(f"{path}/approve", json={"reason": "looks good"})).json()
    assert [(a["by"], a["reason"]) for a in given["approvals"]] == [("abe", "looks good")]
    assert (await rig.abe.post(f"{path}/approve")).status_code == 409


async def test_nobody_approves_their_own(rig: Rig) -> None:
    answer = await rig.abe.post(f"{ENV}/deployments", json=GATED)
    own = await rig.abe.post(f"{ENV}/deployments/{answer.json()['id']}/approve")
    assert (own.status_code, own.json()["code"]) == (403, "own-deployment")


async def test_a_refusal_has_a_reason(rig: Rig) -> None:
    path = f"{ENV}/deployments/{await begun(rig, GATED)}"
    assert (await rig.abe.post(f"{path}/reject", json={})).status_code == 400
    found = (await rig.abe.post(f"{path}/reject", json={"reason": "not today"})).json()
    assert (found["status"], found["reason"]) == ("cancelled", "not today")


@pytest.mark.parametrize("path", ["deployments", "rollback"])
async def test_an_emergency_is_not_for_everyone_who_may_deploy(rig: Rig, path: str) -> None:
    first = await begun(rig)
    await rig.dan.post(f"{ENV}/deployments/{first}/promote")
    body: dict[str, Any] = {"emergency": True, "reason": "on fire"}
    body |= {"to": 1} if path == "rollback" else APP
    assert (await rig.abe.post(f"{ENV}/{path}", json=body)).status_code == 403
    assert (await rig.client("ada").post(f"{ENV}/{path}", json=body)).status_code == 202


async def test_override_needs_an_admin_and_a_reason(rig: Rig) -> None:
    path = f"{ENV}/deployments/{await begun(rig)}/override"
    ada = rig.client("ada")
    assert (await rig.abe.post(path, json={"reason": "now"})).status_code == 403
    assert (await ada.post(path, json={"reason": ""})).status_code == 400
    assert (await ada.post(path, json={"reason": "now"})).status_code == 202


async def test_rollback_goes_to_the_release_before_or_to_a_named_one(rig: Rig) -> None:
    none_yet = await begun(rig)
    assert (await rig.dan.post(f"{ENV}/rollback")).json()["code"] == "nothing-deployed"
    await rig.dan.post(f"{ENV}/deployments/{none_yet}/promote")
    assert (await rig.dan.post(f"{ENV}/rollback")).json()["code"] == "nothing-before"
    second = await begun(rig)
    await rig.dan.post(f"{ENV}/deployments/{second}/promote")
    wishes = rig.directory.deliveries["shop", "prod"].wishes
    back = (await rig.dan.post(f"{ENV}/rollback", json={"note": "slow"})).json()
    assert (wishes[-1].release, wishes[-1].note) == (1, "slow")
    await rig.dan.post(f"{ENV}/deployments/{back['id']}/abort")
    await rig.dan.post(f"{ENV}/rollback", json={"to": 2})
    assert wishes[-1].release == 2
    assert (await rig.dan.post(f"{ENV}/rollback", json={"to": 99})).status_code == 404


async def test_undoing_a_deployment_aborts_it_or_brings_back_what_was_before(rig: Rig) -> None:
    first = await begun(rig)
    await rig.dan.post(f"{ENV}/deployments/{first}/promote")
    second = await begun(rig)
    undone = await rig.dan.post(f"{ENV}/deployments/{second}/rollback")
    assert undone.json()["status"] == "rolled_back"
    third = await begun(rig)
    await rig.dan.post(f"{ENV}/deployments/{third}/promote")
    back = await rig.dan.post(f"{ENV}/deployments/{third}/rollback", json={"reason": "slow"})
    assert back.headers["location"].endswith(back.json()["id"])
    assert rig.directory.deliveries["shop", "prod"].wishes[-1].release == 1
    nothing = await rig.dan.post(f"{ENV}/deployments/{second}/rollback")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing-to-undo")


async def test_pages_of_deployments_fit_together(rig: Rig) -> None:
    for _ in range(5):
        await rig.dan.post(f"{ENV}/deployments/{await begun(rig)}/promote")
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await rig.vera.get(f"{ENV}/deployments", params=query)).json()
        seen += [one["id"] for one in page["deployments"]]
        cursor, pages = page["cursor"], pages + 1
    assert (seen, pages) == (["d0005", "d0004", "d0003", "d0002", "d0001"], 3)
    failed = await rig.vera.get(f"{ENV}/deployments", params={"status": "failed"})
    assert failed.json() == {"deployments": [], "cursor": None}
    assert (await rig.vera.get(f"{ENV}/deployments?cursor=zzz")).status_code == 404
    assert (await rig.vera.get(f"{ENV}/deployments?limit=101")).status_code == 400


async def test_releases_in_pages_with_their_difference(rig: Rig) -> None:
    for _ in range(3):
        await rig.dan.post(f"{ENV}/deployments/{await begun(rig)}/promote")
    first = (await rig.vera.get(f"{ENV}/releases?limit=2")).json()
    assert ([r["number"] for r in first["releases"]], first["cursor"]) == ([3, 2], 2)
    last = (await rig.vera.get(f"{ENV}/releases?limit=2&before=2")).json()
    assert ([r["number"] for r in last["releases"]], last["cursor"]) == ([1], None)
    assert (await rig.vera.get(f"{ENV}/releases/2")).json()["content"]["services"]["orbit"]
    assert (await rig.vera.get(f"{ENV}/releases/1/diff/3")).json()["lines"] == "-a\n+b\n"
    assert (await rig.vera.get(f"{ENV}/releases/1/diff/9")).status_code == 404


async def test_drift_is_shown_and_repaired(rig: Rig) -> None:
    await begun(rig)
    shown = (await rig.vera.get(f"{ENV}/drift")).json()
    assert shown["drift"][0]["repair"] == "start it"
    assert (await rig.vera.post(f"{ENV}/drift/repair")).status_code == 403
    assert (await rig.dan.post(f"{ENV}/drift/repair")).json() == shown
    assert (await rig.vera.get(f"{ENV}/drift")).json() == {"drift": []}


def messages(text: str) -> list[tuple[str, Any]]:
    blocks = [block.splitlines() for block in text.split("\n\n") if "event: " in block]
    named = [{k: v for k, _, v in (line.partition(": ") for line in block)} for block in blocks]
    return [(block["event"], json.loads(block["data"])) for block in named]


async def test_events_of_a_deployment_come_until_it_has_ended(rig: Rig) -> None:
    deployment = await begun(rig)
    path = f"{ENV}/deployments/{deployment}"
    stream = asyncio.create_task(rig.vera.get(f"{path}/events", params={"progress": "true"}))
    await asyncio.sleep(0.1)
    assert not stream.done()
    await rig.dan.post(f"{path}/promote")
    found = messages((await stream).text)
    kinds = [kind for kind, _ in found]
    assert [k for k in kinds if k != "progress"] == ["DeploymentStarted", "DeploymentSucceeded"]
    live = next(data for kind, data in found if kind == "progress")
    assert live["versions"][0]["version"] == "r1"
    assert (await rig.vera.get(f"{path}/watching")).json() == live
    resumed = await rig.vera.get(f"{path}/events", headers={"last-event-id": "1"})
    assert [kind for kind, _ in messages(resumed.text)] == ["DeploymentSucceeded"]
    assert "progress" not in resumed.text


async def test_a_stream_of_an_environment_ends_after_enough_silence(rig: Rig) -> None:
    await begun(rig)
    stream = await rig.vera.get(f"{ENV}/events", params={"quiet": "0.1"})
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert [kind for kind, _ in messages(stream.text)] == ["DeploymentStarted"]


async def test_a_prefix_of_an_id_will_do(rig: Rig) -> None:
    await begun(rig)
    assert (await rig.vera.get(f"{ENV}/deployments/d00")).json()["id"] == "d0001"
    assert (await rig.vera.get(f"{ENV}/deployments/nope")).status_code == 404
    assert (await rig.vera.get(f"{ENV}/deployments/no%20pe")).status_code == 400


DIGEST = "sha256:" + "a" * 64
GZIP = {"content-type": "application/gzip"}


async def test_an_artifact_is_sent_once(rig: Rig) -> None:
    await begun(rig)
    path = f"{ENV}/artifacts/{DIGEST}"
    assert (await rig.vera.head(path)).status_code == 404
    assert (await rig.vera.put(path, content=b"tar", headers=GZIP)).status_code == 403
    assert (await rig.dan.put(path, content=b"tar", headers=GZIP)).status_code == 201
    assert rig.directory.stored.kept == {DIGEST: b"tar"}
    assert (await rig.vera.head(path)).status_code == 204
    assert (await rig.dan.put(path, content=b"tar")).json()["code"] == "not-an-archive"


async def test_an_artifact_has_a_size_limit_whether_it_says_its_size_or_not(rig: Rig) -> None:
    await begun(rig)

    async def chunks() -> Any:
        for _ in range(11):
            yield b"x" * 100

    path = f"{ENV}/artifacts/{DIGEST}"
    for content in (b"x" * 1_001, chunks()):
        answer = await rig.dan.put(path, content=content, headers=GZIP)
        assert (answer.status_code, answer.json()["code"]) == (413, "artifact-too-large")
    assert rig.directory.stored.kept == {}
    rig.directory.stored.refuse = True
    assert (await rig.dan.put(path, content=b"x", headers=GZIP)).status_code == 400


async def test_what_could_not_be_told_is_listed_and_told_again(rig: Rig) -> None:
    await begun(rig)
    shown = (await rig.vera.get(f"{ENV}/dead-letters")).json()
    assert [each["event"] for each in shown["dead_letters"]] == [41]
    path = f"{ENV}/dead-letters/redeliver"
    assert (await rig.vera.post(path, json={})).status_code == 403
    assert (await rig.dan.post(path, json={"event": 42})).status_code == 404
    again = await rig.dan.post(path, json={"listener": "webhook https://x", "event": 41})
    assert (again.status_code, again.json()) == (202, shown)
    assert (await rig.vera.get(f"{ENV}/dead-letters")).json() == {"dead_letters": []}
