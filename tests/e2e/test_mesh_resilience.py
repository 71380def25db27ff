"""Retries, timeouts, limits and ejection: what the mesh does when a replica does not do well."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.mesh_rig import APP, Rig, rig, with_service
from tests.waiting import eventually

pytestmark = pytest.mark.envoy

SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=orbit.1/20261121/local/axon/aws4_request"}


def calling_axon(**call: Any) -> dict[str, Any]:
    """The app whose orbit calls axon with these timeouts, retries or limits."""
    return with_service(APP, "orbit", calls={"axon": {"intents": ["reason", "read"], **call}})


async def test_an_idempotent_call_is_repeated_after_an_error(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        axon = world.programs["axon"][0]
        axon.fail_next = 2
        assert (await world.call("orbit", "axon", "GET", "/items/7")).status_code == 200
        assert len(axon.seen) == 3
        assert (await world.mesh.status())["orbit"].counters.retries == 2


async def test_a_post_is_repeated_only_with_a_key_or_when_declared(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        axon = world.programs["axon"][0]
        axon.fail_next = 1
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 500
        assert len(axon.seen) == 1
        axon.fail_next = 1
        keyed = {"idempotency-key": "k-1"}
        answer = await world.call("orbit", "axon", "POST", "/reason", headers=keyed)
        assert answer.status_code == 200


async def test_declared_retries_repeat_a_post_too(tmp_path: Path) -> None:
    async with rig(tmp_path, calling_axon(retries={"attempts": 3})) as world:
        axon = world.programs["axon"][0]
        axon.fail_next = 3
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 200
        assert len(axon.seen) == 4


async def test_a_signed_call_is_never_repeated_once_received(tmp_path: Path) -> None:
    """A repeated signature would be refused as a replay: the library signs each attempt anew."""
    async with rig(tmp_path, calling_axon(retries={"attempts": 3})) as world:
        axon = world.programs["axon"][0]
        for method, path in [("POST", "/reason"), ("GET", "/items/7")]:
            axon.fail_next, before = 1, len(axon.seen)
            answer = await world.call("orbit", "axon", method, path, headers=SIGNED)
            assert answer.status_code == 500
            assert len(axon.seen) == before + 1
        assert axon.seen[-1].headers["authorization"] == SIGNED["authorization"]


async def test_a_signed_call_that_never_arrived_goes_to_another_replica(tmp_path: Path) -> None:
    async with rig(tmp_path, replicas={"axon": 2, "orbit": 1, "rogue": 1}) as world:
        await world.programs["axon"][0].stop()
        answers = [
            await world.call("orbit", "axon", "POST", "/reason", headers=SIGNED) for _ in range(20)
        ]
        assert [answer.status_code for answer in answers] == [200] * 20


async def test_no_retries_means_none(tmp_path: Path) -> None:
    async with rig(tmp_path, calling_axon(retries={"attempts": 0})) as world:
        world.programs["axon"][0].fail_next = 1
        assert (await world.call("orbit", "axon", "GET", "/items/7")).status_code == 500


async def test_the_overall_timeout_answers_504_as_json(tmp_path: Path) -> None:
    async with rig(tmp_path, calling_axon(timeout="300ms")) as world:
        world.programs["axon"][0].delay = 5
        started = asyncio.get_running_loop().time()
        answer = await world.call("orbit", "axon", "POST", "/reason")
        assert asyncio.get_running_loop().time() - started < 1
        assert answer.status_code == 504
        assert answer.json()["error"] == "timeout"


async def test_a_slow_try_is_given_up_for_another(tmp_path: Path) -> None:
    app = calling_axon(timeout="5s", retries={"attempts": 2, "per_try_timeout": "300ms"})
    async with rig(tmp_path, app, replicas={"axon": 2, "orbit": 1, "rogue": 1}) as world:
        world.programs["axon"][0].delay = 20
        started = asyncio.get_running_loop().time()
        answers = [await world.call("orbit", "axon", "GET", "/items/7") for _ in range(12)]
        assert [answer.status_code for answer in answers] == [200] * 12
        assert asyncio.get_running_loop().time() - started < 8
        assert (await world.mesh.status())["orbit"].counters.retries >= 1


async def test_a_failing_replica_is_ejected_and_comes_back(tmp_path: Path) -> None:
    app = calling_axon(
        retries={"attempts": 0}, circuit_breaking={"consecutive_errors": 3, "ejection": "1s"}
    )
    async with rig(tmp_path, app, replicas={"axon": 2, "orbit": 1, "rogue": 1}) as world:
        bad, good = world.programs["axon"]
        bad.always_fail = True
        for _ in range(20):
            await world.call("orbit", "axon", "POST", "/reason")
        assert len(bad.seen) == 3
        assert await _ejected(world) == {bad.port}
        bad.always_fail = False
        await eventually(lambda: _nobody_ejected(world))
        for _ in range(20):
            assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 200
        assert len(bad.seen) > 3
        assert len(good.seen) > 3


async def test_the_only_replica_is_never_ejected(tmp_path: Path) -> None:
    app = calling_axon(retries={"attempts": 0}, circuit_breaking={"consecutive_errors": 2})
    async with rig(tmp_path, app) as world:
        axon = world.programs["axon"][0]
        axon.fail_next = 10
        statuses = [
            (await world.call("orbit", "axon", "POST", "/reason")).status_code for _ in range(12)
        ]
        assert statuses == [500] * 10 + [200] * 2


async def test_an_unhealthy_replica_gets_no_requests(tmp_path: Path) -> None:
    async with rig(tmp_path, replicas={"axon": 2, "orbit": 1, "rogue": 1}) as world:
        sick, _ = world.programs["axon"]
        sick.healthy = False
        await eventually(lambda: _is_down(world, sick.port))
        before = len(sick.seen)
        for _ in range(10):
            assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 200
        assert len(sick.seen) == before


async def test_no_healthy_replica_answers_503_as_json(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        sick = world.programs["axon"][0]
        sick.healthy = False
        await eventually(lambda: _is_down(world, sick.port))
        answer = await world.call("orbit", "axon", "POST", "/reason")
        assert answer.status_code == 503
        assert answer.json()["error"] == "unavailable"
        assert "no replica of axon can take the request" in answer.json()["reason"]


async def test_the_limit_of_requests_under_way_holds(tmp_path: Path) -> None:
    app = calling_axon(
        retries={"attempts": 0}, circuit_breaking={"max_requests": 2, "max_connections": 2,
                                                   "max_pending": 1}
    )  # fmt: skip
    async with rig(tmp_path, app) as world:
        world.programs["axon"][0].delay = 0.5
        calls = [world.call("orbit", "axon", "POST", "/reason") for _ in range(10)]
        statuses = sorted(answer.status_code for answer in await asyncio.gather(*calls))
        assert statuses.count(200) in (1, 2, 3)  # a connection being made counts as pending
        assert statuses.count(503) == 10 - statuses.count(200)


async def _ejected(world: Rig) -> set[int]:
    state = (await world.mesh.status())["axon"]
    return {host.port for host in state.hosts if host.ejected}


async def _nobody_ejected(world: Rig) -> bool:
    return not await _ejected(world)


async def _is_down(world: Rig, port: int) -> bool:
    state = (await world.mesh.status())["axon"]
    return any(host.port == port and not host.healthy for host in state.hosts)
