"""A good release under sustained load loses no request, whatever its strategy and whoever dies."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from tests.delivery_rig import (
    ADA,
    BLUE_GREEN,
    CANARY,
    ROLLING,
    STOP_FIRST,
    Change,
    DeliveryRig,
    delivery_rig,
)
from tests.steady_load import Load, steady_load

from fairway.errors import Conflict

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.xdist_group("system"),
    pytest.mark.asyncio(loop_scope="module"),
]

RATE = 150
"""Requests a second; `python -m bench delivery` does the same at 500."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeliveryRig]:
    async with delivery_rig(tmp_path_factory.mktemp("good")) as made:
        yield made


@asynccontextmanager
async def busy(rig: DeliveryRig) -> AsyncIterator[tuple[Load, Load]]:
    """Requests to axon itself, and some through orbit."""
    async with (
        steady_load(f"{rig.gateway}/axon/x", RATE) as direct,
        steady_load(f"{rig.gateway}/orbit/axon", RATE / 5) as through,
    ):
        yield direct, through


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("rolling", ROLLING),
        ("rolling-stop-first", STOP_FIRST),
        ("blue-green", BLUE_GREEN),
        ("canary", CANARY),
    ],
)
async def test_no_request_is_lost_by_a_strategy(
    rig: DeliveryRig, name: str, strategy: Mapping[str, Any]
) -> None:
    change = Change(orbit=name, axon=name, strategy=strategy)
    async with busy(rig) as (direct, through):
        ended = await rig.deploy(change)
        over = time.monotonic()
        await asyncio.sleep(0.2)
    assert (ended.status, ended.reason) == ("succeeded", f"{ended.cohort} serves every request")
    assert (direct.failed, through.failed) == ({}, {})
    assert set(direct.bodies(over)) == {f"axon:{ended.cohort}:{name}:"}
    assert len(direct.answers) > RATE


@pytest.mark.parametrize(
    ("name", "strategy", "midway"),
    [
        ("rolling", {"rolling": {"surge": 1, "bake": "2s"}}, 50),
        ("blue-green", {"blue_green": {"bake": "2s"}}, 100),
        ("canary", {"canary": {"steps": [50], "bake": "2s"}}, 50),
    ],
)
@pytest.mark.parametrize("whose", ["stable", "candidate"])
async def test_no_request_is_lost_when_a_replica_dies_meanwhile(
    rig: DeliveryRig, name: str, strategy: Mapping[str, Any], midway: int, whose: str
) -> None:
    """Also while it is the only one of its version, and in the middle of an answer.

    By a candidate whose only replica dies nobody can tell a crash of the release from an accident:
    its analysis may go either way, or ask for more data for minutes.
    """
    uncertain = (name, whose) == ("rolling", "candidate")
    text = f"{name}-{whose}"
    change = Change(axon=text, orbit=text, strategy=strategy)
    async with busy(rig) as (direct, through):
        begun = await rig.begin(change)
        await rig.when(begun, lambda found: found.serving == midway)
        version = begun.cohort if whose == "candidate" else f"r{begun.plan.base}"
        waiting = asyncio.create_task(rig.get("/axon/wait", x_fairway_preview=version))
        await asyncio.sleep(0.3)
        rig.kill("axon", version)
        answer = await waiting
        if uncertain:
            with contextlib.suppress(Conflict):  # it may be over
                await rig.delivery.tell(begun.id, "abort", ADA)
        ended = await rig.ended(begun)
    assert (direct.failed, through.failed, answer.status_code) == ({}, {}, 200)
    if not uncertain:
        assert ended.status == "succeeded", ended.reason
