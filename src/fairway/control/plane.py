"""The running control plane of one app on this machine, behind `fairway up` and the API.

Owned by the command `up` (or the hidden `control-plane`). It joins what is stored (`records.py`)
with what runs (`targets/local/system.py`) and keeps the two in step: a policy change reaches mesh
and services, what the mesh refuses reaches the audit log, edited policy files become a policy set.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine
from typing import TYPE_CHECKING, Any

from fairway.control.directory import Directory, EnvironmentSummary
from fairway.control.mesh_audit import MeshAudit
from fairway.control.port import Event, Level, SystemStatus
from fairway.control.receiving import receiver_program
from fairway.control.recorded import Activation
from fairway.control.records import release_label
from fairway.control.running import RunningServices
from fairway.control.statuses import (
    envoy_status,
    event_level,
    event_words,
)
from fairway.errors import FairwayError, InvalidAppFile
from fairway.governance.access import AccessTable, compile_access
from fairway.governance.bundle import build_bundle
from fairway.governance.cedar_text import Source, combine
from fairway.governance.files import policies_text
from fairway.governance.sets import NO_VERSION, Release
from fairway.model.app import App
from fairway.targets.local import runner
from fairway.targets.local.blueprint import GATEWAY_PORT, Blueprint
from fairway.targets.local.policies import Policies, Rules
from fairway.targets.local.reload import changes
from fairway.targets.local.system import LocalSystem
from fairway.targets.local.target import LocalTarget
from fairway_runtime.policy.bundle import PolicyBundle

if TYPE_CHECKING:
    from fairway.control.delivering import LocalDelivering
    from fairway.control.objectives import Objectives
    from fairway.telemetry.port import SloStatus

DEPLOYMENT = "a deployment"
"""Who activates the policies of a release."""
_COLLECT_INTERVAL = 1.0
"""Between looks for refusals of the mesh, in seconds."""
_ANCHOR_INTERVAL = 10.0
"""Between anchors of the audit chains, in seconds: anchors are kept for good."""


class LocalControlPlane(RunningServices):
    """A `ControlPlane`: everything that one may ask of the system that it runs."""

    def __init__(self, blueprint: Blueprint, *, watch: bool = False) -> None:
        """With `watch`, what was deployed is forgotten, and the working tree runs again."""
        super().__init__(blueprint)
        self._watch = watch
        receiver = receiver_program(lambda: self.app, blueprint.state)
        self._system = LocalSystem(blueprint, self._log.add, self._tell, receiver=receiver)
        policies = Policies(self._sets.active, self._decide_by, self._access)
        self.target = LocalTarget(self._system, policies)
        self._mesh_audit = MeshAudit(blueprint.state)
        self._delivering: LocalDelivering | None = None
        self._opening = asyncio.Lock()
        self._started_at = 0.0
        self._chores: set[asyncio.Task[None]] = set()
        self._stopping: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._warnings: tuple[str, ...] = ()
        self._objectives: Objectives | None = None

    async def start(self) -> None:
        """Bring everything up (or adopt what still runs); return when all of it is healthy."""
        self._system.lock()
        self._phase, self._started_at = "starting", time.time()
        try:
            self._open()
            await self._system.start(self._rules)
        except BaseException:
            await asyncio.shield(self.stop())
            raise
        self._phase = "running"
        self._note_gateway()
        self._do(self._keep_audit())
        self._do(self._follow_policy_files())
        self._do(self._watch_objectives())
        self._log.add("system.running", "", "everything is healthy")

    async def directory(self) -> Directory:
        """The delivery of this system; it goes on with what an earlier control plane began."""
        async with self._opening:
            if self._delivering is None:
                made = await asyncio.to_thread(self._new_delivering)
                await made.start()
                self._delivering = made
        return self._delivering.directory

    async def stop(self) -> None:
        """Take everything down; return when nothing is left. Calling it again changes nothing."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        await asyncio.shield(self._stopping)

    async def abandon(self) -> None:
        """End and leave everything running; the next control plane adopts it."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._end(self._system.abandon()))
        await asyncio.shield(self._stopping)

    async def hurry(self) -> None:
        """While stopping: skip the grace periods (a second Ctrl-C)."""
        self._system.hurry()

    async def wait_stopped(self) -> None:
        """Return when the system has stopped, whoever asked for it."""
        await self._ended.wait()

    def events(self, after: int | None = None) -> AsyncIterator[Event]:
        """Events with an id above `after` (None: only from now on), until the system stopped."""
        return self._log.follow(after)

    async def status(self) -> SystemStatus:
        """How everything is, now."""
        envoys = await self._system.envoys()
        running = self._phase in ("running", "stopping")
        services = self.app.services.items() if running else ()
        notes, warnings = await self._standing()
        burning = self._objectives.warnings() if self._objectives is not None else ()
        return SystemStatus(
            app=self.app.app,
            environment=self.state.environment,
            phase=self._phase,
            release=self._release_now(),
            gateway_url=self._gateway_url() if running else None,
            policy_set=self._sets.active() or None,
            started_at=self._started_at,
            services=tuple(self._service(*each) for each in services),
            envoys=tuple(envoy_status(envoys[name]) for name in envoys),
            warnings=(*self._warnings, *warnings, *burning),
            notes=notes,
        )

    async def _standing(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is so, and what somebody should look at."""
        released = (self._words_on_release(),) if self._system.pinned else ()
        if self._delivering is None:
            return released, ()
        standing = await self._delivering.standing()
        return (*released, *standing.notes), standing.warnings

    async def _watch_objectives(self) -> None:
        # Imported now: `fairway up` need not wait for what only burning budgets need.
        from fairway.control.objectives import Objectives  # noqa: PLC0415

        self._objectives = Objectives(self._slos, self._log.add, time.time)
        await self._objectives.watch()

    async def _slos(self) -> tuple[SloStatus, ...]:
        """How the objectives are kept; without any, the store's reader is not even loaded."""
        return await self.telemetry().slos() if self.app.slos else ()

    async def rotate_signing_keys(self, identity: str | None = None) -> tuple[str, ...]:
        """New signing keys for one identity or all, the old ones still valid; names the rotated."""
        names = self._system.signers() if identity is None else (identity,)
        for name in names:
            key = await self._system.rotate_keys(name)
            self._log.add("keys.rotated", name, f"signs with key {key}")
        return names

    def _require_reach(self) -> None:
        """What runs here hears of it from this very process."""

    async def _took_effect(self, release: Release, began: float) -> Activation:
        activation = await super()._took_effect(release, began)
        if self._delivering is not None:
            await self._delivering.tell_of_policies(release)
        return activation

    async def _policies_changed(self) -> None:
        await self._system.follow()
        self._log.add("policies.active", f"policies {self._sets.active()}", "in force everywhere")

    async def _decide_by(self, policy_set: int) -> None:
        """What a deployment brings decides from now on; else what did before goes on."""
        active = self._sets.active()
        self._sets.adopt(policy_set, by=DEPLOYMENT, expected=active)
        try:
            await self._policies_changed()
        except FairwayError:
            self._sets.adopt(active, by=DEPLOYMENT, expected=policy_set)
            raise
        self.anchor()

    async def _secrets_changed(self) -> None:
        await self._system.hand_out_secrets()
        self._log.add("secrets.changed", "", "handed to the services that read them")

    def _new_delivering(self) -> LocalDelivering:
        # Imported now: `fairway up` need not wait for what only a deployment uses.
        from fairway.control.delivering import Home, LocalDelivering  # noqa: PLC0415
        from fairway.control.hook_places import (  # noqa: PLC0415
            hook_surroundings,
            secret_value,
            secret_versions,
        )
        from fairway.control.standing import local_event  # noqa: PLC0415

        return LocalDelivering(
            Home(
                summary=EnvironmentSummary(self.app.app, self.state.environment, "local"),
                database=self._database,
                journal=self.state.journal,
                target=self.target,
                snapshots=self._system.snapshots,
                records=self,
                secrets=lambda app: secret_versions(self._blueprint, app),
                secret_of=lambda name: secret_value(self._blueprint, name),
                surroundings=lambda service: hook_surroundings(
                    self._system, self._blueprint, service
                ),
                running=lambda: (
                    frozenset(version.artifact for _, version in self._system.desired.versions)
                    - {""}
                ),
                told=lambda event: self._log.add(*local_event(event)),
            )
        )

    def _open(self) -> None:
        """Find out what runs here: what was deployed with its policies, or the working tree."""
        self._system.open(watch=self._watch)
        self.app = self._system.app
        if not self._system.pinned or self._sets.active() == NO_VERSION:
            self.settle_policies()
        if self._system.pinned:
            self._log.add("system.released", "", self._words_on_release())

    def _rules(self, app: App) -> Rules:
        """By the active policies, on the union of the apps that are in force."""
        self.app = app
        self._engine = None
        bundle = self.bundle()
        self._access_now = compile_access(app, bundle.policies)
        return Rules(bundle, self._access_now)

    def bundle(self) -> PolicyBundle:
        """The active policy set as services read it.

        While two releases are in force, policies that follow from the calls of one of them follow
        from those of both: else what only the other may do would be denied.
        """
        active = self._sets.read(self._sets.active())
        apps = [App.model_validate(each.app) for each in self._system.desired.apps]
        derived = len(apps) > 1 and active.text in {derived_policies(app) for app in apps}
        text = derived_policies(self.app) if derived else active.text
        return build_bundle(self.app, self.state.environment, active.version, text)

    def _access(self, app: App, policy_set: int) -> AccessTable:
        return compile_access(app, self._sets.read(policy_set).text)

    def _words_on_release(self) -> str:
        what = self._release_now() or "a deployment"
        return (
            f"{what} runs: edits take effect by fairway deploy; fairway up --watch runs the "
            "working tree"
        )

    def _release_now(self) -> str:
        """What was deployed last; without any deployment the newest entry of the history."""
        if self._system.pinned:
            return release_label(self._system.desired.release)
        releases = self._sets.releases()
        return release_label(releases[-1].number if releases else 0)

    def _note_gateway(self) -> None:
        port = self._system.ports.gateway
        declared = self.app.environments[self.state.environment].gateway.port
        if declared is None and port != GATEWAY_PORT and self._gateway_url():
            words = f"port {GATEWAY_PORT} is taken: the gateway listens on {port}"
            self._warnings = (*self._warnings, words)
            self._log.add("gateway.moved", "gateway", words, "warning")

    async def _stop(self) -> None:
        # Nothing was started: then the error says it all, and "everything is stopped" would not.
        found = self._system.supervisor
        level: Level = "info" if found and found.status() else "debug"
        self._phase = "stopping"
        self._log.add("system.stopping", "", "stopping", level)
        await self._end(self._system.stop(), "everything is stopped", level)

    async def _end(
        self, ending: Awaitable[None], words: str = "left running", level: Level = "info"
    ) -> None:
        """End the chores and the system, and give every file up, whatever happens."""
        if self._delivering is not None:  # first: it must not act on a system that goes
            await self._delivering.stop()
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        try:
            await ending
            self._collect()
        finally:
            self._phase = "stopped"
            self._mesh_audit.close()
            self.close()
            self._log.add("system.stopped", "", words, level)
            self._log.close()
            self._ended.set()

    def _tell(self, event: runner.Event) -> None:
        """A replica changed its state."""
        kind, subject, message = event_words(event)
        self._log.add(kind, subject, message, event_level(event))

    async def _keep_audit(self) -> None:
        """Collect and anchor for as long as the system runs: a full disk is told, and outlived."""
        anchored, told = time.monotonic(), ""
        while True:
            await asyncio.sleep(_COLLECT_INTERVAL)
            try:
                self._collect()
                if time.monotonic() - anchored >= _ANCHOR_INTERVAL:
                    anchored = time.monotonic()
                    self.anchor()
            except (OSError, FairwayError) as error:
                if str(error) != told:
                    told = str(error)
                    self._log.add("audit.failed", "audit", f"not kept: {told}", "error")
            else:
                told = ""

    def _collect(self) -> None:
        with contextlib.suppress(FairwayError):  # no policy set is active before the first start
            self._mesh_audit.collect(self.engine())

    async def _follow_policy_files(self) -> None:
        """Edited policy files become a policy set as soon as they are right."""
        if self.app.policies is None:
            return
        async for _ in changes({"policies": (self.state.app_dir / self.app.policies,)}):
            if self._system.pinned:
                self._say("policies.edited", "they will decide with the next release", "info")
                continue
            before = self._sets.active()
            try:
                if self.settle_policies().version != before:
                    await self._policies_changed()
            except InvalidAppFile as error:
                for problem in error.problems:
                    words = f"{problem.where}: {problem.message} ({problem.remedy})"
                    self._say("policies.invalid", words, "error")
            except (FairwayError, OSError) as error:  # a full disk must not end the following
                self._say("policies.invalid", str(error), "error")

    def _say(self, kind: str, words: str, level: Level) -> None:
        self._log.add(kind, "policies", words, level)

    def _do(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


def derived_policies(app: App) -> str:
    """The policies of an app that has no folder of them: its declared calls, as they are stored."""
    return combine([Source("policies.cedar", policies_text(app, None))])
