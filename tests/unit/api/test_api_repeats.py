"""Requests that come again: idempotency keys and entity tags."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.unit.api.fake_delivery import MemoryDelivery
from tests.unit.api.rig import ENV, Rig

APP = {"app": {"app": "shop"}, "when_busy": "queue"}
KEY = {"idempotency-key": "k-1"}


@pytest.fixture
def rig() -> Rig:
    return Rig()


def delivery(rig: Rig) -> MemoryDelivery:
    return rig.directory.deliveries["shop", "prod"]


async def test_the_same_key_and_body_is_the_same_answer_and_one_deployment(rig: Rig) -> None:
    first = await rig.dan.post(f"{ENV}/deployments", json=APP, headers=KEY)
    again = await rig.dan.post(f"{ENV}/deployments", json=APP, headers=KEY)
    assert first.status_code == again.status_code == 202
    assert first.content == again.content
    for name in ("location", "etag", "content-type"):
        assert first.headers[name] == again.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(delivery(rig).found) == 1


async def test_another_body_or_path_under_the_same_key_is_refused(rig: Rig) -> None:
    await rig.dan.post(f"{ENV}/deployments", json=APP, headers=KEY)
    for path, body in ((f"{ENV}/deployments", APP | {"note": "x"}), (f"{ENV}/rollback", APP)):
        other = await rig.dan.post(path, json=body, headers=KEY)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert len(delivery(rig).found) == 1


async def test_keys_of_different_people_never_meet(rig: Rig) -> None:
    await rig.dan.post(f"{ENV}/deployments", json=APP, headers=KEY)
    other = await rig.abe.post(f"{ENV}/deployments", json=APP | {"note": "x"}, headers=KEY)
    assert other.status_code == 202


async def test_a_duplicate_while_the_first_is_under_way_is_a_conflict(rig: Rig) -> None:
    await rig.dan.post(f"{ENV}/plan", json=APP)
    gate = delivery(rig).slow = asyncio.Event()
    first = asyncio.create_task(rig.dan.post(f"{ENV}/deployments", json=APP, headers=KEY))
    await asyncio.sleep(0.05)
    duplicate = await rig.dan.post(f"{ENV}/deployments", json=APP, headers=KEY)
    assert (duplicate.status_code, duplicate.json()["code"]) == (409, "request-under-way")
    gate.set()
    assert (await first).status_code == 202
    assert len(delivery(rig).found) == 1


async def test_a_defect_is_not_kept_and_the_key_may_be_tried_again(rig: Rig) -> None:
    await rig.dan.post(f"{ENV}/plan", json=APP)
    healthy = delivery(rig).deploy

    async def broken(*_: object) -> None:
        raise RuntimeError

    delivery(rig).deploy = broken  # type: ignore[assignment,method-assign]
    failed = await rig.dan.post(f"{ENV}/deployments", json=APP, headers=KEY)
    assert failed.status_code == 500
    delivery(rig).deploy = healthy  # type: ignore[method-assign]
    again = await rig.dan.post(f"{ENV}/deployments", json=APP, headers=KEY)
    assert again.status_code == 202


async def test_a_key_lasts_a_day(rig: Rig) -> None:
    await rig.dan.post(f"{ENV}/deployments", json=APP, headers=KEY)
    rig.now += 86_399
    assert (await rig.dan.post(f"{ENV}/deployments", json=APP, headers=KEY)).headers[
        "idempotency-replayed"
    ]
    rig.now += 2
    fresh = await rig.dan.post(f"{ENV}/deployments", json=APP, headers=KEY)
    assert "idempotency-replayed" not in fresh.headers
    assert len(delivery(rig).found) == 2


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "ä"])
async def test_a_key_that_is_none_is_said(rig: Rig, key: str) -> None:
    headers = {"idempotency-key": key.encode("latin-1")}
    answer = await rig.dan.post(f"{ENV}/deployments", json=APP, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")


async def test_a_body_beyond_the_limit_is_not_read_to_its_end(rig: Rig) -> None:
    body = b'{"note": "' + b"x" * (8 * 1024 * 1024) + b'"}'

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1024 * 1024):
            yield body[start : start + 1024 * 1024]

    for headers in ({}, KEY):
        for content in (body, in_pieces()):
            answer = await rig.dan.post(f"{ENV}/deployments", content=content, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


async def test_what_has_not_changed_is_not_sent_again(rig: Rig) -> None:
    begun = await rig.dan.post(f"{ENV}/deployments", json=APP)
    path = f"{ENV}/deployments/{begun.json()['id']}"
    tag = (await rig.vera.get(path)).headers["etag"]
    assert tag == begun.headers["etag"]
    for same in (tag, f'"other", {tag}', "*", f"W/{tag}"):
        answer = await rig.vera.get(path, headers={"if-none-match": same})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    await rig.dan.post(f"{path}/pause")
    changed = await rig.vera.get(path, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    release = await rig.vera.get(f"{ENV}/releases/1")
    kept = {"if-none-match": release.headers["etag"]}
    assert (await rig.vera.get(f"{ENV}/releases/1", headers=kept)).status_code == 304


async def test_a_command_about_what_is_no_longer_so_is_not_given(rig: Rig) -> None:
    begun = await rig.dan.post(f"{ENV}/deployments", json=APP)
    path = f"{ENV}/deployments/{begun.json()['id']}"
    seen = {"if-match": begun.headers["etag"]}
    paused = await rig.dan.post(f"{path}/pause", headers=seen)
    assert paused.status_code == 202
    stale = await rig.dan.post(f"{path}/abort", headers=seen)
    assert (stale.status_code, stale.json()["code"]) == (412, "changed-meanwhile")
    assert delivery(rig).found[0].status == "shifting"
    fresh = {"if-match": paused.headers["etag"]}
    assert (await rig.dan.post(f"{path}/abort", headers=fresh)).status_code == 202


@pytest.mark.parametrize("tag", ["abc", '"open', "", '"a" "b"'])
async def test_what_is_no_tag_matches_nothing(rig: Rig, tag: str) -> None:
    begun = await rig.dan.post(f"{ENV}/deployments", json=APP)
    path = f"{ENV}/deployments/{begun.json()['id']}"
    assert (await rig.dan.post(f"{path}/pause", headers={"if-match": tag})).status_code == 412
    assert (await rig.dan.get(path, headers={"if-none-match": tag})).status_code == 200


async def test_a_method_that_a_path_does_not_take_is_answered_with_those_it_takes(rig: Rig) -> None:
    for path, methods in (
        (f"{ENV}/deployments", {"GET", "POST"}),
        (f"{ENV}/policy-sets/rollback", {"POST"}),
        (f"{ENV}/policy-sets/7", {"GET", "PUT", "DELETE"}),
    ):
        answer = await rig.ada.request("PATCH", path)
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == methods
