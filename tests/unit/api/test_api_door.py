"""Who comes in, who may do what, and what is noted of it."""

from __future__ import annotations

from dataclasses import replace

import httpx2
import pytest
from tests.unit.api.rig import ENV, Rig

from fairway.api.app import bare_app, create_app
from fairway.api.openapi import document
from fairway.control.door import ROLES

APP = {"app": {"app": "shop"}}


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_every_operation_names_its_role_and_refuses_the_one_below(rig: Rig) -> None:
    await rig.dan.post(f"{ENV}/deployments", json=APP)
    names = {"viewer": "vera", "deployer": "dan", "approver": "abe", "admin": "ada"}
    parameters = {"{app}": "shop", "{environment}": "prod", "{deployment}": "d0001"}
    parameters |= dict.fromkeys(("{version}", "{before}", "{after}", "{number}"), "1")
    checked = 0
    for path, methods in document(bare_app())["paths"].items():
        for method, operation in methods.items():
            role = operation["security"][0]["token"][0]
            below = ROLES[: ROLES.index(role)]
            concrete = path
            for name, value in parameters.items():
                concrete = concrete.replace(name, value)
            for lower in below:
                answer = await rig.client(names[lower]).request(method, concrete)
                assert answer.status_code in (400, 403), (method, path, lower)
                checked += 1
                if answer.status_code == 403:
                    assert f"the role {role}" in answer.json()["detail"]
    assert checked > 40


async def test_writes_are_noted_with_who_what_and_how_it_ended(rig: Rig) -> None:
    await rig.dan.post(f"{ENV}/deployments", json=APP | {"note": "s3cr3t"})
    await rig.vera.post(f"{ENV}/deployments", json=APP)
    await rig.dan.post(f"{ENV}/deployments", json={"nonsense": 1})
    await rig.vera.get(f"{ENV}/deployments")
    await rig.vera.post(f"{ENV}/plan", json=APP)
    await rig.ada.post("/nowhere")
    noted = [(w.actor, w.role, w.method, w.status) for w in rig.trail.writes]
    assert noted == [
        ("dan", "deployer", "POST", 202),
        ("vera", "viewer", "POST", 403),
        ("dan", "deployer", "POST", 400),
        ("ada", "admin", "POST", 404),
    ]
    assert rig.trail.writes[0].path == f"{ENV}/deployments"
    assert "s3cr3t" not in repr(rig.trail.writes)


async def test_only_an_admin_may_write_in_someone_elses_name(rig: Rig) -> None:
    body = {"policies": "", "author": "grace"}
    as_deployer = (await rig.dan.post("/api/v1/policy-sets", json=body)).json()
    as_admin = (await rig.ada.post("/api/v1/policy-sets", json=body)).json()
    assert (as_deployer["author"], as_admin["author"]) == ("dan", "grace")


async def test_policies_below_an_environment_are_its_own(rig: Rig) -> None:
    await rig.dan.post(f"{ENV}/deployments", json=APP)
    await rig.dan.post(f"{ENV}/policy-sets", json={"policies": "permit"})
    assert len((await rig.vera.get(f"{ENV}/policy-sets")).json()) == 1
    assert (await rig.vera.get("/api/v1/policy-sets")).json() == []
    other = "/api/v1/apps/shop/environments/other/policy-sets"
    assert (await rig.vera.get(other)).json()["code"] == "no-such-environment"


async def test_tokens_are_issued_shown_without_their_text_and_revoked(rig: Rig) -> None:
    made = (await rig.ada.post("/api/v1/tokens", json={"name": "ci", "role": "deployer"})).json()
    assert (await rig.client(made["token"]).get("/api/v1/apps")).status_code == 200
    assert made["token"] not in (await rig.ada.get("/api/v1/tokens")).text
    gone = await rig.ada.delete(f"/api/v1/tokens/{made['summary']['id']}")
    assert gone.status_code == 204
    assert (await rig.client(made["token"]).get("/api/v1/apps")).status_code == 401
    assert (await rig.ada.delete("/api/v1/tokens/nobody")).status_code == 404


async def test_an_address_that_guesses_has_to_wait_but_a_right_token_does_not(rig: Rig) -> None:
    assert (await rig.ada.get("/api/v1/apps")).status_code == 200
    guesses = [(await rig.client(f"guess-{n}").get("/api/v1/apps")) for n in range(110)]
    assert [g.status_code for g in guesses] == [401] * 100 + [429] * 10
    assert guesses[-1].headers["retry-after"] == "3"
    assert (await rig.ada.get("/api/v1/apps")).status_code == 200
    assert (await rig.dan.get("/api/v1/apps")).status_code == 429
    rig.now += 60.0
    assert (await rig.dan.get("/api/v1/apps")).status_code == 200
    assert (await rig.client("guess").get("/api/v1/apps")).status_code == 401


async def test_it_goes_by_the_names_that_it_was_given(rig: Rig) -> None:
    app = create_app(replace(rig.offer(), hosts=frozenset({"fairway.example"})))
    headers = {"authorization": "Bearer vera"}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://fairway.example", headers=headers
    ) as client:
        assert (await client.get("/api/v1/apps")).status_code == 200
        refused = await client.get("/api/v1/apps", headers={"host": "127.0.0.1"})
    assert (refused.status_code, refused.json()["code"]) == (403, "foreign-host")
    assert "--host" in refused.json()["remedy"]


async def test_what_nobody_foresaw_is_a_problem_document_without_the_cause(rig: Rig) -> None:
    async def broken() -> None:
        raise RuntimeError("s3cr3t")

    rig.directory.environments = broken  # type: ignore[assignment,method-assign]
    answer = await rig.ada.get("/api/v1/apps")
    assert (answer.status_code, answer.json()["code"]) == (500, "defect")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "s3cr3t" not in answer.text
