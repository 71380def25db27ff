"""A whole delivery for tests: an app, a planner, the engine, a simulated target, its own clock.

Everything is kept in one folder, so that a second `World` on the same folder is the next process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.target_rig import Clock
from tests.waiting import PATIENCE

from fairway.delivery.deployment import Deployment
from fairway.delivery.engine.engine import Engine
from fairway.delivery.engine.loop import Boundary, no_boundary
from fairway.delivery.engine.place import Place
from fairway.delivery.hooks import Surroundings
from fairway.delivery.port import WhenBusy
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.delivery.store.deployments import Order, OrderKind
from fairway.delivery.strategies import course
from fairway.model.app import App
from fairway.plan.planner import plan
from fairway.plan.release import Release
from fairway.plan.releases import release_content
from fairway.storage.database import Database
from fairway.storage.opening import open_database
from fairway.targets.memory import MemoryTarget

CANARY = {"canary": {"steps": [5, 50], "bake": "2s"}}
ROLLING = {"rolling": {"surge": 1, "bake": "1s"}}
STOP_FIRST = {"rolling": {"surge": 0, "unavailable": 1, "bake": "1s"}}
BLUE_GREEN = {"blue_green": {"bake": "2s", "preview": "1s"}}
QUICK = {"canary": {"steps": [20, 50], "bake": "400ms"}}
RATE = 500.0
"""Requests a second to each service: enough to judge a stage of two seconds by."""


class YieldingClock(Clock):
    """Simulated time that gives the event loop its turn, and waits a little for real."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await asyncio.sleep(0.001)


class RealClock(YieldingClock):
    """Time as it passes, the same for several processes."""

    def __call__(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def shop(fault: str = "", *, run: str = "serve", wide: bool = False, **environment: Any) -> App:
    """An app of `orbit`, which calls `axon`; `fault` is that of axon.

    One that is `wide` has a service of its own in each version, and changes orbit as well.
    """
    services: dict[str, dict[str, Any]] = {
        "axon": {
            "run": f"{run} --port $PORT", "intents": {"reason": "POST /reason"},
            "env": {"FAULT": fault} if fault else {}, "scale": {"min": 2, "max": 4},
        },
        "orbit": {
            "run": "serve --port $PORT", "public": "/",
            "intents": {"dispatch": "POST /dispatch"}, "calls": {"axon": ["reason"]},
        },
    }  # fmt: skip
    if wide:
        services["orbit"]["env"] = {"VERSION": run}
        services[f"only-{run}"] = {"run": "serve --port $PORT"}
    declared = {"strategy": CANARY, "analysis": {"warm_up": "0s", "minimum": 20}} | environment
    slos = {"answers": {"service": "axon", "availability": 99}}
    return App.model_validate(
        {"app": "shop", "services": services, "slos": slos, "environments": {"prod": declared}}
    )


class World:
    """The environment `prod` of the shop, in a folder."""

    def __init__(
        self,
        folder: Path,
        *,
        boundary: Boundary = no_boundary,
        database: Database | None = None,
        journal: Path | str | None = None,
        name: str = "engine-1",
        clock: YieldingClock | None = None,
        lease: float = 3.0,
        target: MemoryTarget | None = None,
    ) -> None:
        self.folder = folder
        self.clock = clock or YieldingClock()
        self.database = database or open_database(folder / "environment.db")
        self.store = DeliveryStore(self.database)
        self.target = target or MemoryTarget(self.clock, rate=RATE, file=folder / "world.json")
        self.place = Place(
            "prod", self.store, self.target, self.clock, self.clock.sleep,
            lambda _service: Surroundings(folder),
        )  # fmt: skip
        self.engine = Engine(
            [self.place], journal or folder / "engine.db", name, lease=lease, boundary=boundary
        )

    async def __aenter__(self) -> World:
        await self.engine.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.engine.stop()
        self.database.close()

    async def deploy(self, version: str, fault: str = "", **environment: Any) -> Deployment:
        """Ship a version to its end."""
        return await self.ended(await self.begin(version, fault, **environment))

    async def begin(
        self,
        version: str,
        fault: str = "",
        *,
        when_busy: WhenBusy = "refuse",
        change: Callable[[Deployment], Deployment] = lambda given: given,
        **environment: Any,
    ) -> str:
        """Keep a release and submit its deployment; its id."""
        app = self.app(version, fault, **environment)
        release = self.keep(app)
        made = change(await self.planned(app, release))
        self.store.deployments.open(made, when_busy=when_busy)
        await self.engine.submit(made)
        return made.id

    def app(self, version: str, fault: str = "", **environment: Any) -> App:
        """The shop in this version."""
        return shop(fault, run=version, **environment)

    def keep(self, app: App) -> Release:
        content = release_content(app, {}, {}, 0, "")
        return self.store.releases.keep(content, by="ada", at=self.clock())

    async def planned(self, app: App, release: Release) -> Deployment:
        """The deployment of a release as the service makes it."""
        base = self.store.releases.in_force()
        before = self.store.releases.get(base) if base else None
        made = plan(
            release.content, await self.target.observe(), base=before,
            environment="prod", next_number=release.number,
        )  # fmt: skip
        way = course(made, app.environments["prod"])
        return Deployment(
            f"d{release.number}", made, way, release.number, base, "ada", self.clock()
        )

    def tell(self, deployment: str, command: OrderKind, by: str = "bob") -> None:
        order = Order(command, by, "approver", "", self.clock())
        self.store.deployments.give(deployment, order)

    async def until(self, deployment: str, reached: Callable[[Deployment], bool]) -> Deployment:
        """Wait for a state; a failure shows where it stands."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await asyncio.to_thread(self.store.deployments.get, deployment)
                if reached(found):
                    return found
                await asyncio.sleep(0.005)

    async def ended(self, deployment: str) -> Deployment:
        return await self.until(deployment, lambda found: found.over)

    async def step(self, deployment: str, step: str) -> Deployment:
        """Wait until it is at a step."""
        return await self.until(
            deployment, lambda found: found.effect is not None and found.effect.step == step
        )

    async def weights(self, service: str = "axon") -> dict[str, int]:
        observed = await self.target.observe()
        return {version.name: version.weight for version in observed.services.get(service, ())}
