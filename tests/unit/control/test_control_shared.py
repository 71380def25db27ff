"""A shared control plane's own tables, and how it looks after the environments that it serves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.delivery_world import shop
from tests.target_rig import Clock
from tests.unit.delivery.listening import Receiver, listening
from tests.waiting import PATIENCE

from fairway.control.shared.assembly import assembled
from fairway.control.shared.premises import Premises
from fairway.control.shared.server import SharedServer
from fairway.control.shared.store import ServerStore
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Actor, Delivery, Wish
from fairway.errors import Conflict
from fairway.storage.database import Database
from fairway.targets.memory import MemoryTarget

ADA = Actor("ada", "deployer")
OLD, NEW = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def test_artifacts_go_when_nobody_needs_or_has_asked_for_them(
    database: Database,
) -> None:
    clock = Clock(100.0)
    store = ServerStore(database, clock)
    for name in ("needed", "asked", "old"):
        store.keep_artifact(name, [b"a", b"b"])
    clock.at = 200.0
    assert store.has_artifact("asked")
    assert store.collect_artifacts({"needed"}, unused_since=50.0) == ()
    assert store.collect_artifacts({"needed"}, unused_since=150.0) == ("old",)
    assert [store.has_artifact(name) for name in ("needed", "asked", "old")] == [True, True, False]
    store.keep_artifact("old", [b"a"])
    assert store.has_artifact("old")


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[SharedServer]:
    server = assembled(
        str(folder / "server.db"),
        lambda opened: Premises(
            MemoryTarget(time.time, file=folder / f"{opened.summary.name}.json")
        ),
        lambda _name: "shared",
    )
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def shipped(delivery: Delivery, wish: Wish) -> Deployment:
    begun = await delivery.deploy(wish, ADA)
    async with asyncio.timeout(PATIENCE):
        async for _ in delivery.events(begun.id):
            pass
    return await delivery.deployment(begun.id)


async def test_a_server_tells_whom_the_release_names(tmp_path: Path) -> None:
    receiver = Receiver()
    async with listening(receiver), serving(tmp_path) as server:
        notify = [{"webhook": receiver.url, "secret": "HOOK", "events": ["DeploymentSucceeded"]}]
        app = shop(notify=notify, target="memory").model_dump(
            mode="json", by_alias=True, exclude_none=True
        )
        delivery = await server.directory.opened("shop", "prod", app)
        assert (await shipped(delivery, Wish(app=app))).status == "succeeded"
        async with asyncio.timeout(PATIENCE):
            posts = await receiver.until(1)
        assert posts[0].json["type"] == "io.fairway.deployment.succeeded.v1"


async def test_a_server_refuses_what_was_not_sent(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        app = shop(target="memory").model_dump(mode="json", by_alias=True, exclude_none=True)
        delivery = await server.directory.opened("shop", "prod", app)
        with pytest.raises(Conflict, match="artifact of axon"):
            await delivery.deploy(Wish(app=app, artifacts={"axon": OLD}), ADA)
        assert (await delivery.plan(Wish(app=app, artifacts={"axon": OLD}))).changes
