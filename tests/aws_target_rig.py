"""The target on AWS for the conformance suite: moto over HTTP, with tasks that answer.

`mesh`: requests are divided by the gateway's Envoy, by the documents that the target publishes.
`alb`: both services are outside the mesh, and a load balancer's rules divide their requests.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from tests.aws.direct_provision import DirectProvision, bootstrap
from tests.aws.fleet import Fleet
from tests.aws.moto_rig import Moto

from fairway.governance.bundle import build_bundle
from fairway.model.app import App
from fairway.plan.release import Release
from fairway.plan.releases import content_digest, release_content
from fairway.targets.aws.clients import Clients
from fairway.targets.aws.enforcing import Collaborators
from fairway.targets.aws.mesh.documents import documents_of
from fairway.targets.aws.place import Patience, Place
from fairway.targets.aws.ports import Rules
from fairway.targets.aws.target import AwsTarget

REGIONS = ("eu-central-1", "eu-west-1")
PATIENCE = Patience(start=12.0, confirm=30.0, drain=15.0, between=0.03)


@cache
def clients_of(url: str) -> Clients:
    """Made once: a client of boto3 takes a tenth of a second."""
    return Clients({"*": url})


class Everyone:
    """The gateway and both services may ask for everything that is declared."""

    def principals(self, service: str, intent: str) -> Collection[str]:
        return {"gateway", "axon", "orbit"}


def governing(app: App, policy_set: int) -> Rules:
    """The rules of a set; each set has another text."""
    return Rules(build_bundle(app, "prod", policy_set, f"// set {policy_set}"), Everyone())


def declared(
    axon: str, orbit: str, *, outside: Collection[str] = (), regions: Sequence[str] = REGIONS
) -> App:
    """The app with a text for each service; `ill` and `errors` name faults."""
    faults = {"ill": "unhealthy"}
    services = {
        name: {
            "build": f"services/{name}",
            "library": True,
            "intents": {"ask": f"GET /{name}/{{x}}"},
            "public": f"/{name}",
            "health": {"path": "/health", "start_timeout": "1s"},
            "env": {"FAULT": faults.get(text, text)},
        }
        for name, text in (("axon", axon), ("orbit", orbit))
    }
    aws = {"domain": "shop.example.com", "outside_mesh": sorted(outside)}
    prod = {"target": "aws-ecs", "regions": list(regions), "aws": aws}
    return App.model_validate({"app": "shop", "services": services, "environments": {"prod": prod}})


def image_digest(text: str) -> str:
    """What an image with this text inside would be known by."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


class AwsRig:
    """An account with nothing but the target's table, and users in every region."""

    def __init__(
        self, moto: Moto, *, balanced: bool = False, regions: Sequence[str] = REGIONS[:1]
    ) -> None:
        self._moto, self._regions = moto, regions
        self._balanced = balanced
        self.copies = not balanced
        self.place = self._placed()
        self.target: AwsTarget = self._opened()
        self.fleets: dict[str, Fleet] = {}

    def _placed(self) -> Place:
        clients = clients_of(self._moto.url)
        return Place("shop", "prod", REGIONS[0], clients, time.time, patience=PATIENCE)

    def _opened(self) -> AwsTarget:
        provision = DirectProvision(self.place)
        return AwsTarget(self.place, Collaborators(provision, documents_of, governing))

    async def start(self) -> None:
        await asyncio.to_thread(bootstrap, self.place)
        self.fleets = {region: Fleet(self._moto, self.place, region) for region in self._regions}

    async def restart(self) -> None:
        self.place = self._placed()
        self.target = self._opened()

    async def ask(self, service: str, times: int) -> None:
        for number, fleet in enumerate(self.fleets.values()):
            share = times // len(self.fleets) + (number < times % len(self.fleets))
            await asyncio.to_thread(fleet.ask, service, share, balanced=self._balanced)

    async def kill_a_replica(self, service: str, version: str) -> None:
        await asyncio.to_thread(self.fleets[REGIONS[0]].kill, service, version)

    def release(
        self, number: int, *, axon: str = "one", orbit: str = "one", **changes: Any
    ) -> Release:
        outside = ("axon", "orbit") if self._balanced else ()
        app = declared(axon, orbit, outside=outside, regions=self._regions)
        app = app.model_copy(update=changes)
        artifacts = {"axon": image_digest(axon), "orbit": image_digest(orbit)}
        content = release_content(app, artifacts, {}, number, f"sha256:policies-{number}")
        return Release(number, content_digest(content), content, "ada", 1_800_000_000.0)

    async def close(self) -> None:
        for fleet in self.fleets.values():
            await asyncio.to_thread(fleet.close)
