"""`fairway server` as people meet it: tokens, clients, restarts, two servers on one database."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import httpx2
from tests.e2e.server_rig import ENV, ended, first_token, serving, shop
from tests.postgres import POSTGRES

BAKING = {"strategy": {"canary": {"steps": [20], "bake": "2s"}}}


def sqlite(folder: Path) -> str:
    return f"sqlite:///{folder}/server.db"


def issued(admin: httpx2.Client, name: str, role: str) -> str:
    answer = admin.post("/api/v1/tokens", json={"name": name, "role": role})
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token


def begun(client: httpx2.Client, **wish: Any) -> str:
    answer = client.post(f"{ENV}/deployments", json=wish)
    assert answer.status_code == 202, answer.text
    deployment: str = answer.json()["id"]
    return deployment


def test_two_people_share_one_history_with_the_roles_they_were_given(tmp_path: Path) -> None:
    with serving(tmp_path, sqlite(tmp_path)) as server:
        assert stat.S_IMODE((tmp_path / "first-token").stat().st_mode) == 0o600
        with server.client(first_token(tmp_path)) as admin:
            tokens = {role: issued(admin, role, role) for role in ("viewer", "deployer")}
        with server.client(tokens["deployer"]) as dan, server.client(tokens["viewer"]) as vera:
            first = begun(dan, app=shop("one"))
            assert ended(vera, first)["status"] == "succeeded"
            assert ended(dan, begun(dan, app=shop("two")))["status"] == "succeeded"
            back = dan.post(f"{ENV}/rollback").json()["id"]
            assert ended(vera, back)["status"] == "succeeded"
            assert vera.get(ENV).json()["release"] == 1
            assert vera.post(f"{ENV}/rollback").json()["code"] == "role-missing"
            audit = vera.get(f"{ENV}/audit", params={"verify": True}).json()
        noted = [(e["caller"], e["reason"]) for e in audit["entries"] if "rollback" in e["intent"]]
        assert noted == [("deployer", "answered 202"), ("viewer", "answered 403")]
        assert all(chain["whole"] for chain in audit["chains"])
        kept = b"".join(file.read_bytes() for file in tmp_path.glob("*.db*"))
        assert not any(token.rpartition("_")[2].encode() in kept for token in tokens.values())


def test_a_deployment_survives_the_server_that_began_it(tmp_path: Path) -> None:
    with serving(tmp_path, sqlite(tmp_path)) as server:
        token = first_token(tmp_path)
        with server.client(token) as client:
            assert ended(client, begun(client, app=shop("one", **BAKING)))["status"] == "succeeded"
            under_way = begun(client, app=shop("two", **BAKING))
        server.kill()
    with serving(tmp_path, sqlite(tmp_path), "again") as server:
        with server.client(token) as client:
            assert ended(client, under_way)["status"] == "succeeded"
        assert server.stop() == 0
        assert "first admin" not in server.log.read_text(), "the token was issued before"


class TestOnPostgres:
    pytestmark = POSTGRES

    def test_a_survivor_finishes_what_another_server_began(
        self, tmp_path: Path, postgres_url: str
    ) -> None:
        with (
            serving(tmp_path, postgres_url, "a") as one,
            serving(tmp_path, postgres_url, "b") as two,
        ):
            token = first_token(tmp_path)
            with one.client(token) as here, two.client(token) as there:
                first = begun(here, app=shop("one", **BAKING))
                assert ended(there, first)["status"] == "succeeded"
                second = begun(here, app=shop("two", **BAKING))
                one.kill()
                assert ended(there, second)["status"] == "succeeded"
                found = there.get(f"{ENV}/deployments").json()["deployments"]
        assert [each["id"] for each in found] == [second, first]

    def test_a_key_is_known_to_every_server(self, tmp_path: Path, postgres_url: str) -> None:
        with (
            serving(tmp_path, postgres_url, "a") as one,
            serving(tmp_path, postgres_url, "b") as two,
        ):
            token = first_token(tmp_path)
            key = {"idempotency-key": "once"}
            with one.client(token) as here, two.client(token) as there:
                body = {"app": shop("one")}
                first = here.post(f"{ENV}/deployments", json=body, headers=key)
                again = there.post(f"{ENV}/deployments", json=body, headers=key)
                assert first.status_code == again.status_code == 202
                assert again.json()["id"] == first.json()["id"]
                assert again.headers["idempotency-replayed"] == "true"
                ended(there, first.json()["id"])
