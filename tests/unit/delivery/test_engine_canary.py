"""The engine with its journal on SQLite and a simulated target: whole deployments in one process."""

from __future__ import annotations

from pathlib import Path

from tests.delivery_world import World


async def test_a_good_release_ends_as_succeeded(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.deploy("one")
        ended = await world.deploy("two")
        assert (ended.status, ended.reason) == ("succeeded", "r2 serves every request")
        assert await world.weights() == {"r2": 100}
        assert world.target.failed_requests == 0
