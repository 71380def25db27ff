"""The delivery of the system that runs on this machine: store, engine and service, joined.

The control plane opens it once the system runs, and closes it before the system goes: a deployment
under way is interrupted then, and the next control plane goes on with it. Imported late, because
`fairway up` need not wait for what only a deployment uses.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from fairway.control.directory import Artifacts, EnvironmentSummary, OneEnvironment
from fairway.control.policy_desk import EnvironmentPolicies
from fairway.control.port import Records
from fairway.control.standing import deployment_words, drift_words, needs_someone, untold_words
from fairway.control.upkeep import Charge, Upkeep, artifacts_in_use
from fairway.delivery.announcements import Announcement
from fairway.delivery.deployment import Deployment
from fairway.delivery.engine.engine import Engine
from fairway.delivery.engine.place import Place
from fairway.delivery.hooks import Surroundings
from fairway.delivery.notify.sink import SecretOf
from fairway.delivery.port import DeliveryEvent
from fairway.delivery.service import EnvironmentDelivery, Parts
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.governance.sets import Release as Entry
from fairway.governance.sql_store import SqlPolicyStore
from fairway.model.app import App
from fairway.storage.database import Database
from fairway.targets.contract import Target
from fairway.targets.local.artifacts import ArtifactStore

_DRIFT_INTERVAL = 30.0
_SPARED_SECONDS = 86_400.0
"""For how long a snapshot is kept that no release needs: someone may be about to deploy it."""
_MAX_HOLDING = 2**22
"""Bytes of an upload that are gathered before they are written."""


@dataclass(frozen=True, slots=True)
class Home:
    """What the running system gives its delivery.

    `journal` is the engine's file, `running` gives the artifacts that something runs from, `told`
    hears of every event.
    """

    summary: EnvironmentSummary
    database: Database
    journal: Path
    target: Target
    snapshots: ArtifactStore
    records: Records
    secrets: Callable[[App], Mapping[str, int]]
    secret_of: SecretOf
    surroundings: Callable[[str | None], Surroundings]
    running: Callable[[], frozenset[str]]
    told: Callable[[DeliveryEvent], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """How the delivery is: what is so, and what somebody should look at."""

    notes: tuple[str, ...]
    warnings: tuple[str, ...]


class LocalDelivering:
    """A delivery with its engine, from `start` to `stop`."""

    def __init__(self, home: Home) -> None:
        store = DeliveryStore(home.database)
        environment = home.summary.name
        place = Place(environment, store, home.target, time.time, surroundings=home.surroundings)
        self._engine = Engine([place], home.journal, _new_id())
        self.delivery = EnvironmentDelivery(
            Parts(
                app=home.summary.app,
                environment=environment,
                store=store,
                target=home.target,
                engine=self._engine,
                policies=EnvironmentPolicies(SqlPolicyStore(home.database), time.time),
                secrets=home.secrets,
                clock=time.time,
                new_id=_new_id,
                has_artifact=home.snapshots.has,
            )
        )
        self._store = store
        self._home = home
        self._upkeep = Upkeep(
            Charge(
                app=home.summary.app,
                environment=environment,
                store=store,
                target=home.target,
                secret_of=home.secret_of,
                clock=time.time,
                told=home.told,
                tidy=self._collect,
                drift_interval=_DRIFT_INTERVAL,
            )
        )
        self.directory = OneEnvironment(
            home.summary, self.delivery, home.records, KeptArtifacts(home.snapshots)
        )

    async def start(self) -> None:
        """Go on with what was interrupted, and be ready for more."""
        await self._engine.start()
        await self._upkeep.start()

    async def standing(self) -> Standing:
        """What someone who asks how the system is should know of its delivery."""
        under_way = await asyncio.to_thread(self._under_way)
        untold = await self._upkeep.listening.dead_letters()
        words, bad = deployment_words(under_way), needs_someone(under_way)
        return Standing(
            notes=() if bad else words,
            warnings=(
                *(words if bad else ()),
                *drift_words(self._upkeep.drift),
                *untold_words(untold),
            ),
        )

    async def tell_of_policies(self, release: Entry) -> None:
        """Someone has activated a policy set by hand: a release of its own."""
        words = f"{release.by} activated policy set {release.policy_set}"
        data = {"policy_set": release.policy_set, "by": release.by, "previous": release.previous}
        told = Announcement("PolicyActivated", words, data)
        await asyncio.to_thread(self._store.events.tell, "", (told,), time.time())

    def _under_way(self) -> tuple[Deployment, ...]:
        deployments = self._store.deployments
        return tuple(deployments.get(each) for each in deployments.unfinished())

    def _collect(self) -> None:
        """Remove the snapshots that nothing kept or running needs, and nobody is about to use."""
        keep = artifacts_in_use(self._store) | self._home.running()
        self._home.snapshots.collect(keep, unused_since=time.time() - _SPARED_SECONDS)

    async def stop(self) -> None:
        """Interrupt what is under way, and leave it to the next control plane."""
        await self._upkeep.stop()
        await self._engine.stop()


class KeptArtifacts(Artifacts):
    """Uploads into a folder of snapshots."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    async def has(self, digest: str) -> bool:
        """Whether it is kept already."""
        return await asyncio.to_thread(self._store.has, digest)

    async def keep(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep it, all or nothing; InvalidInput when the content has another digest."""
        with TemporaryFile(buffering=_MAX_HOLDING) as file:
            async for chunk in chunks:
                await asyncio.to_thread(file.write, chunk)
            file.seek(0)
            await asyncio.to_thread(self._store.receive, file, digest)


def _new_id() -> str:
    return uuid.uuid4().hex[:12]
