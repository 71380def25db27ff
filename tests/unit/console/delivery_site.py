"""A console on a real shared control plane: real delivery, engine and database, simulated services.

What a test ships is a version of the shop (`tests.delivery_world.shop`); a `fault` makes it bad.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from tests.delivery_world import shop
from tests.unit.console.console_rig import BASE, PAGE, Person, csrf_of
from tests.waiting import PATIENCE

from fairway.api.offer import Offer
from fairway.api.server import serve
from fairway.console.site import Website, create_site
from fairway.control.shared.assembly import assembled
from fairway.control.shared.premises import Premises
from fairway.control.shared.server import SharedServer
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Actor, Delivery, Role, Wish
from fairway.targets.memory import MemoryTarget

GATED = {"approvals": {"count": 1}}
QUICKEST = {"canary": {"steps": [20], "bake": "100ms"}}
SLOW = {"strategy": {"canary": {"steps": [20, 50], "bake": "30s"}}}
ADA, BEN = Actor("ada", "admin"), Actor("ben", "deployer")


@dataclass
class DeliverySite:
    """The server, its console, and whom it serves."""

    server: SharedServer
    site: Website
    offer: Offer

    async def delivery(self, app: str = "shop", environment: str = "prod") -> Delivery:
        return await self.server.directory.delivery(app, environment)

    async def begin(
        self, version: str, fault: str = "", *, by: Actor = BEN, note: str = "", **declared: Any
    ) -> Deployment:
        """Deploy a version; returns at once."""
        app = self.app(version, fault, **declared)
        delivery = await self.server.directory.opened("shop", "prod", app)
        return await delivery.deploy(Wish(app=app, note=note), by)

    def app(self, version: str, fault: str = "", **declared: Any) -> dict[str, Any]:
        declared = {"strategy": QUICKEST, "target": "memory"} | declared
        made = shop(fault, run=version, **declared)
        return made.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def ship(self, version: str, fault: str = "", **declared: Any) -> Deployment:
        """Deploy a version to its end."""
        return await self.ended((await self.begin(version, fault, **declared)).id)

    async def ended(self, deployment: str) -> Deployment:
        return await self.until(deployment, lambda found: found.over)

    async def until(self, deployment: str, so: Callable[[Deployment], bool]) -> Deployment:
        delivery = await self.delivery()

        async with asyncio.timeout(PATIENCE):
            while not so(found := await delivery.deployment(deployment)):
                await asyncio.sleep(0.02)
        return found

    def browser(self) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=self.site, raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url=BASE, headers=PAGE)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[httpx2.AsyncClient]:
        """An admin's browser on a real socket: what streams can only be seen there."""
        async with (
            serve(self.site, ("127.0.0.1", 0), None) as url,
            httpx2.AsyncClient(base_url=url, headers=PAGE, timeout=30) as browser,
        ):
            answer = await browser.get(self.site.login_path(ADA))
            assert answer.status_code == 303, answer.text
            yield browser

    async def person(self, name: str = "ada", role: Role = "admin") -> Person:
        browser = self.browser()
        await browser.get(self.site.login_path(Actor(name, role)))
        return Person(browser, csrf_of((await browser.get("/deployments")).text))


@asynccontextmanager
async def delivery_site(folder: Path) -> AsyncIterator[DeliverySite]:
    """Serve from a folder."""
    server = assembled(
        str(folder / "server.db"),
        lambda opening: Premises(
            MemoryTarget(
                time.time,
                rate=400.0,
                file=folder / f"{opening.summary.app}-{opening.summary.name}.json",
            )
        ),
        lambda _name: "shared",
    )
    await server.start()
    try:
        offer = Offer(
            door=server.tokens, trail=server.trail, answers=server.answers, clock=time.time,
            directory=server.directory, tokens=server.tokens, heartbeat=0.2,
        )  # fmt: skip
        yield DeliverySite(server, create_site(offer), offer)
    finally:
        await server.stop()
