"""The shared environments of a server: opened when they are deployed to, or known from before.

`wiring` makes it, `fairway server` starts and stops it. Each environment has a namespace of its own
in the database and is delivered to by the one engine of this process; servers that share a database
find each other's environments within `REFRESH_SECONDS` and share the work.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fairway.control.directory import (
    Artifacts,
    Directory,
    EnvironmentSummary,
    no_such_environment,
)
from fairway.control.door import Write
from fairway.control.policy_desk import EnvironmentPolicies
from fairway.control.port import Records
from fairway.control.shared.deciding import DecidingPolicies
from fairway.control.shared.doors import SharedArtifacts
from fairway.control.shared.premises import Opening, Premises
from fairway.control.shared.records import SharedRecords
from fairway.control.shared.store import ServerStore
from fairway.control.upkeep import Charge, Upkeep, artifacts_in_use
from fairway.delivery.engine.engine import Engine
from fairway.delivery.engine.place import Place
from fairway.delivery.notify.sink import SecretOf
from fairway.delivery.port import Delivery, Json
from fairway.delivery.service import EnvironmentDelivery, Parts
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.errors import FairwayError, InvalidInput, NotFound
from fairway.governance.audit import SqlAnchors
from fairway.governance.audit_log import SqlAuditLog
from fairway.governance.sql_store import SqlPolicyStore
from fairway.model.app import App
from fairway.storage.database import Database

REFRESH_SECONDS = 2.0
RENEW_SECONDS = 6 * 3600.0
"""Between two renewals of what expires after days: the keys by which services sign calls."""
SPARED_SECONDS = 86_400.0
"""For how long an artifact is kept that no release needs: someone may be about to deploy it."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the server stands on. `journal` is the engine's database, as `Engine` takes it.

    `database_of` opens the database of an environment, `premises_of` says what it stands on
    (Unavailable for a target that a server does not have), `secret_of` gives what listeners are
    told with.
    """

    store: ServerStore
    journal: Path | str
    database_of: Callable[[str, str], Database]
    premises_of: Callable[[Opening], Premises]
    secret_of: SecretOf
    clock: Callable[[], float]


@dataclass
class _Open:
    """An environment that this process delivers to and looks after."""

    summary: EnvironmentSummary
    database: Database
    delivery: EnvironmentDelivery
    records: SharedRecords
    store: DeliveryStore
    upkeep: Upkeep
    premises: Premises
    renewed_at: float = 0.0


class SharedEnvironments(Directory):
    """The directory of a server, from `start` to `stop`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._engine = Engine([], ground.journal, _new_id())
        self._open: dict[tuple[str, str], _Open] = {}
        self._collecting = threading.Lock()
        self._opening = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open every known environment and go on with what was left unfinished."""
        await self._engine.start()
        await self._refresh()
        self._refreshing = asyncio.create_task(self._keep_fresh())

    async def stop(self) -> None:
        """Interrupt what is under way, and leave it to another server or the next start."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            with suppress(asyncio.CancelledError):
                await self._refreshing
        for each in self._open.values():
            await each.upkeep.stop()
        await self._engine.stop()
        for each in self._open.values():
            each.database.close()

    async def environments(self) -> tuple[EnvironmentSummary, ...]:
        """All of them, by app and name."""
        return await asyncio.to_thread(self._ground.store.environments)

    async def delivery(self, app: str, environment: str) -> Delivery:
        """The delivery of one; NotFound for an unknown one."""
        return (await self._found(app, environment)).delivery

    async def opened(self, app: str, environment: str, declared: Json | None) -> Delivery:
        """Likewise, created on the way when `declared` declares it."""
        with suppress(NotFound):
            return await self.delivery(app, environment)
        if declared is None:
            return await self.delivery(app, environment)
        summary = _declared(app, environment, declared)
        settings = declared["environments"][environment]
        self._ground.premises_of(Opening(summary, settings, _no_text))  # Unavailable in time
        await asyncio.to_thread(self._ground.store.add, summary, settings)
        return await self.delivery(app, environment)

    async def records(self, app: str, environment: str) -> Records:
        """Its policies and its audit log."""
        return (await self._found(app, environment)).records

    async def artifacts(self, app: str, environment: str) -> Artifacts:
        """Artifacts are known by their content, so all environments share them."""
        del app, environment
        return SharedArtifacts(self._ground.store)

    def log_of(self, write: Write) -> SqlAuditLog | None:
        """The audit log of the environment that a write is about, if it is open."""
        parts = write.path.split("/")  # /api/v1/apps/{app}/environments/{environment}/…
        app, _, name = write.environment.partition("/")
        named = (parts[4], parts[6]) if len(parts) > 6 else (app, name)
        found = self._open.get(named)
        return found.records.log if found else None

    async def _found(self, app: str, environment: str) -> _Open:
        found = self._open.get((app, environment))
        if found is not None:
            return found
        known = await self.environments()
        for summary in known:
            if (summary.app, summary.name) == (app, environment):
                return await self._opened(summary)
        raise no_such_environment(app, environment, known)

    async def _opened(self, summary: EnvironmentSummary) -> _Open:
        async with self._opening:
            key = (summary.app, summary.name)
            if key not in self._open:
                made, place = await asyncio.to_thread(self._made, summary)
                await self._engine.add(place)
                await made.upkeep.start()
                self._open[key] = made
            return self._open[key]

    def _made(self, summary: EnvironmentSummary) -> tuple[_Open, Place]:
        clock, database = self._ground.clock, self._ground.database_of(summary.app, summary.name)
        store, sets = DeliveryStore(database), SqlPolicyStore(database)
        declared = self._ground.store.declared(summary)
        deciding = DecidingPolicies(sets, store)
        premises = self._ground.premises_of(Opening(summary, declared, deciding.text))
        log = SqlAuditLog(database, "control", SqlAnchors(database), clock)
        delivery = EnvironmentDelivery(
            Parts(
                app=summary.app,
                environment=summary.name,
                store=store,
                target=premises.target,
                engine=self._engine,
                policies=EnvironmentPolicies(sets, clock),
                secrets=premises.secrets.versions if premises.secrets else _no_versions,
                clock=clock,
                new_id=_new_id,
                has_artifact=premises.has_artifact or self._ground.store.has_artifact,
                doing=premises.doing,
            )
        )
        records = SharedRecords(summary.name, store, premises, log, clock)
        upkeep = Upkeep(
            Charge(
                app=summary.app,
                environment=summary.name,
                store=store,
                target=premises.target,
                secret_of=self._ground.secret_of,
                clock=clock,
                tidy=self._collect,
                drift_interval=premises.drift_interval,
            )
        )
        return (
            _Open(summary, database, delivery, records, store, upkeep, premises),
            Place(summary.name, store, premises.target, clock),
        )

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self._refresh()
            except FairwayError as error:
                _log.warning("the server's database does not answer: %s", error.message)
            except Exception:  # noqa: BLE001 - a defect in one environment must not end all renewals, unseen
                _log.exception("a look at the environments failed by a defect")

    async def _refresh(self) -> None:
        """Open what another server has created, and anchor every audit log."""
        for summary in await self.environments():
            found = await self._opened(summary)
            await asyncio.to_thread(found.records.log.anchor, self._ground.clock())
            await asyncio.to_thread(self._renew, found)

    def _renew(self, found: _Open) -> None:
        """What would expire, of an environment that something was deployed to; failures are told.

        It is tried again after as long: what is renewed lasts for days. When keys were rotated it
        is done as soon as everybody knows the new ones; a server that starts does it at once.
        """
        now, renew = self._ground.clock(), found.premises.renew
        in_force = found.store.releases.in_force()
        due = min(found.renewed_at + RENEW_SECONDS, found.records.renew_at or now + RENEW_SECONDS)
        if renew is None or not in_force or now < due:
            return
        found.renewed_at, found.records.renew_at = now, None
        try:
            renew(App.model_validate(found.store.releases.get(in_force).content.app))
        except FairwayError as error:
            _log.warning("%s cannot be renewed: %s", found.summary.name, error.message)

    def _collect(self) -> None:
        """Remove the artifacts that no kept release of any environment needs.

        Only while all of them are open here: what is not known may be needed.
        """
        with self._collecting:
            opened = dict(self._open)
            known = self._ground.store.environments()
            if any((each.app, each.name) not in opened for each in known):
                return
            keep = frozenset[str]().union(
                *(artifacts_in_use(each.store) for each in opened.values())
            )
            since = self._ground.clock() - SPARED_SECONDS
            self._ground.store.collect_artifacts(keep, unused_since=since)


def _declared(app: str, environment: str, declared: Json) -> EnvironmentSummary:
    """What an app file says about an environment; InvalidInput when it says nothing."""
    settings = declared.get("environments")
    found = settings.get(environment) if isinstance(settings, dict) else None
    if declared.get("app") != app or not isinstance(found, dict):
        raise InvalidInput(
            "undeclared-environment",
            f"the app file that was sent does not declare '{environment}' of '{app}'",
            where="body.app",
            remedy="send the app file as JSON, to the address of its own app and environment",
        )
    return EnvironmentSummary(app, environment, str(found.get("target", "local")))


def _no_text(_app: App, _version: int) -> str:
    """Before there is a database nothing is decided."""
    return ""


def _no_versions(_app: App) -> dict[str, int]:
    """Simulated services read no secrets."""
    return {}


def _new_id() -> str:
    return uuid.uuid4().hex[:12]
