"""One app on this machine: services, mesh and identities, brought up, changed and taken down.

The control plane owns one `LocalSystem`. In the order of a life:

    start(govern)    files, identities, Envoys and services at once; adopts what still runs
    follow()         other policies, or another desired state: files and mesh are brought up to it
    run, end         versions of services beside what runs
    …                restart, scale, secrets, keys
    stop()           nothing is left: no process, port, socket or lock

What runs is what `desired` says: the working tree, until a deployment has said something else.

Guarantees: one supervising process per state folder (a lock); traffic goes to healthy replicas
only, and is moved away before one is stopped; certificates and keys are renewed while it runs; an
Envoy that dies is started again with the files that it had.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta

from fairway.errors import FairwayError, Unavailable
from fairway.model.app import App
from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.artifacts import ArtifactStore
from fairway.targets.local.blueprint import Blueprint, port_plan
from fairway.targets.local.chores import Chores, both
from fairway.targets.local.data_plane import DataPlane, Report
from fairway.targets.local.desired import Desired, DesiredVersion, Key
from fairway.targets.local.desired_state import DesiredState
from fairway.targets.local.group import Endpoint
from fairway.targets.local.handouts import Handouts
from fairway.targets.local.identity.authority import LEAF_LIFETIME
from fairway.targets.local.identity.signing import REFRESH
from fairway.targets.local.layout import StateDir, remove_sockets
from fairway.targets.local.ledger import Ledger, ProcessRecord
from fairway.targets.local.lock import Holder, hold
from fairway.targets.local.mesh.envoys import Mesh
from fairway.targets.local.mesh.launching import SupervisedLauncher
from fairway.targets.local.mesh.status import EnvoyState
from fairway.targets.local.naming import version_label
from fairway.targets.local.policies import Govern, Rules
from fairway.targets.local.ports import Ports
from fairway.targets.local.processes import Processes
from fairway.targets.local.receiver import Receiver, ReceiverProgram
from fairway.targets.local.runner import Event
from fairway.targets.local.secret_files import Secret
from fairway.targets.local.shares import endpoints_of, legacy_shares, versions
from fairway.targets.local.specs import ServiceSpec
from fairway.targets.local.supervisor import Supervisor
from fairway.targets.mesh.build import mesh_view
from fairway.targets.mesh.view import MeshView, PortPlan
from fairway.targets.signing import signing_callers

_HEAL_INTERVAL = 1.0
"""Between looks whether every Envoy lives, in seconds."""
_BUNDLE_READ = 0.15
"""Until every replica has looked at a new bundle (the library looks every 0.1 s), in seconds."""


class LocalSystem:
    """The running system of one state folder. Used from one event loop."""

    def __init__(
        self,
        workspace: Blueprint,
        report: Report,
        on_replica: Callable[[Event], None],
        leaf_lifetime: timedelta = LEAF_LIFETIME,
        receiver: ReceiverProgram | None = None,
    ) -> None:
        """`receiver` is what receives telemetry here; None: nothing does."""
        self._wish = DesiredState(workspace)
        self._report = report
        self._on_replica = on_replica
        self._relaying: asyncio.Task[None] | None = None
        self._endpoints: dict[str, tuple[Endpoint, ...]] = {}
        self._secrets: dict[str, Secret] = {}
        self._chores = Chores(lambda kind, words: report(kind, "mesh", words))
        self._held = contextlib.ExitStack()
        state = workspace.state
        self._processes = Processes(Ledger(state.ledger), state.instance)
        self._ports = Ports(state.ports, state.instance, workspace.declared_ports)
        self._handouts = Handouts(state, workspace.app)
        self._plan: PortPlan | None = None
        self._govern: Govern | None = None
        self._rules: Rules | None = None
        self._closed = False
        self._data_plane = DataPlane(state, leaf_lifetime, report, self._view)
        self._receiver = Receiver(receiver, workspace, self._processes, report)
        self.supervisor: Supervisor | None = None

    @property
    def ports(self) -> PortPlan:
        """The ports of the data plane; known once it starts."""
        assert self._plan is not None, "start comes first"
        return self._plan

    @property
    def app(self) -> App:
        """The app in force: while a deployment is under way, all that old and new may do."""
        return self._wish.blueprint.app

    @property
    def desired(self) -> Desired:
        """What should run."""
        return self._wish.desired

    @property
    def pinned(self) -> bool:
        """Whether a deployment has said what should run: then edited files change nothing."""
        return self._wish.pinned

    @property
    def state(self) -> StateDir:
        """Where everything of it is kept."""
        return self._wish.workspace.state

    @property
    def working_tree(self) -> Desired:
        """What would run without any release."""
        return self._wish.workspace.as_desired()

    @property
    def snapshots(self) -> ArtifactStore:
        """The sources that releases run from."""
        return self._wish.workspace.snapshots

    @property
    def processes(self) -> Processes:
        """What was started here."""
        return self._processes

    @property
    def meshed(self) -> frozenset[str]:
        """The names of the Envoys that run."""
        return self._data_plane.names

    @property
    def _blueprint(self) -> Blueprint:
        return self._wish.blueprint

    @property
    def _services(self) -> Supervisor:
        assert self.supervisor is not None, "start comes first"
        return self.supervisor

    @property
    def mesh(self) -> Mesh:
        """The running Envoys."""
        return self._data_plane.mesh

    def lock(self) -> None:
        """Become the only one who supervises this state folder; Conflict names who is already."""
        holder = Holder(os.getpid(), time.time(), "fairway up")
        self._held.enter_context(hold(self._blueprint.state.lock, holder))

    def open(self, *, watch: bool = False) -> None:
        """Find out what should run: what was deployed, else the working tree.

        With `watch` what was deployed is forgotten, and files are reloaded again.
        """
        self._wish.open(watch=watch)

    async def start(self, govern: Govern) -> None:
        """Have everything run and be healthy; what fails is raised, and `stop` clears the rest.

        While a deployment is under way nothing is raised for a service that fails: the deployment
        goes on, and decides what becomes of it.
        """
        self._govern = govern
        self._secrets |= self._blueprint.known_secrets()
        running = await self._take_stock()
        envoys = {record.name for record in running if record.kind == "envoy"}
        self._plan = self._new_plan(envoys, receiving=self._receiver.is_among(running))
        self._rules = govern(self.app)
        self._endpoints = endpoints_of(running)
        await self._receiver.open(self._plan.telemetry, running)
        self._handouts.write_bundle(self._rules.bundle)
        self._handouts.write(self.app, self.desired, self._secrets)
        self.supervisor = self._new_supervisor()
        self._relaying = asyncio.create_task(self._relay(self.supervisor.events()))
        launcher = SupervisedLauncher(self._processes, running, dict(self._blueprint.variables))
        self._data_plane.prepare(self.app, self._blueprint.variables, launcher)
        with self._receiver.soon():
            await both(self._data_plane.start(launcher), self._start_services(running))
        if not self.pinned:
            self.supervisor.watch_files()
        self._chores.repeat(self._data_plane.heal, _HEAL_INTERVAL, "envoy.failed")
        self._chores.repeat(self._receiver.heal, _HEAL_INTERVAL, "telemetry.failed")
        self._chores.repeat(self._renew, self._data_plane.renew_interval, "certificate.failed")
        self._chores.repeat(self._handouts.keys.refresh, REFRESH, "keys.failed")

    async def stop(self) -> None:
        """Take everything down; returns when nothing is left. Safe at any moment, and again."""
        self._data_plane.give_up_waiting()
        await self._chores.end()
        await self._close()
        if self.supervisor is not None:
            await self.supervisor.stop()
        if self._relaying is not None:
            await self._relaying
        await self._data_plane.stop()
        await self._receiver.stop()
        await self._processes.end_all()
        remove_sockets(self._blueprint.state)
        self._held.close()

    async def abandon(self) -> None:
        """Stop looking after everything and leave it running, for a later Fairway to adopt."""
        await self._chores.end()
        if self.supervisor is not None:
            await self.supervisor.abandon()
        if self._relaying is not None:
            await self._relaying
        self._receiver.leave()
        self._held.close()

    def hurry(self) -> None:
        """Skip the grace periods of a `stop` under way."""
        self._processes.hurry()

    async def follow(self) -> None:
        """Decide by the present policies on the present app: returns when mesh and replicas do."""
        assert self._govern is not None, "start comes first"
        rules = self._govern(self.app)
        changed = self._rules is None or rules.bundle != self._rules.bundle
        self._rules = rules
        self._receiver.tell()
        self._handouts.write_bundle(rules.bundle)
        await asyncio.gather(
            self._data_plane.apply(), asyncio.sleep(_BUNDLE_READ if changed else 0.0)
        )

    async def want(self, desired: Desired) -> None:
        """From now on this should be here, whatever happens: kept first, then files and mesh
        follow. Starts and stops no service.
        """
        known = self._wish.blueprint_of(desired).known_secrets()  # raises before anything is kept
        self._secrets |= known
        self._wish.keep(desired)
        self._services.pin()
        self._plan = self._new_plan(self.meshed)
        self._handouts.write(self.app, desired, self._secrets)
        self._data_plane.identities(self.app)  # clients that are new get their identity
        await self.follow()

    async def unpin(self) -> None:
        """Nothing of a release is left: the working tree runs again, and is reloaded."""
        self._wish.forget()
        self._handouts.write_flags(self.desired.flags)
        await self.follow()
        self._services.watch_files()
        self._services.catch_up()

    @property
    def bundle_edited(self) -> bool:
        """Whether someone else has changed the policies that services read."""
        return self._rules is not None and not self._handouts.bundle_is(self._rules.bundle)

    def healthy(self, service: str, version: str) -> int:
        """How many replicas of a version are up (or, of a job, done)."""
        found = self.supervisor.status() if self.supervisor else ()
        return sum(
            1
            for replica in found
            if (replica.service, replica.version) == (service, version) and replica.up
        )

    async def restart(self, service: str) -> None:
        """Replace the replicas of every version of a service, one after the other."""
        await self._services.restart(service)

    async def scale(self, service: str, replicas: int) -> None:
        """Run so many replicas of a service, of the version that gets most requests."""
        self._wish.scaled(service, replicas)
        await self._services.scale(service, replicas)

    async def revive(self, service: str, version: str) -> None:
        """Have all replicas of a version up that should be, without waiting for their turn."""
        await self._services.revive(service, version)
        await self.run({(service, version)})

    async def run(self, keys: Collection[Key]) -> None:
        """Have these versions run healthily, as often as is desired; Unavailable with evidence."""
        specs = [
            self._spec(service, version)
            for service, version in self.desired.running
            if (service, version.name) in keys
        ]
        await self._services.run(specs)

    async def exchange(self, stop: Collection[Key], start: Collection[Key]) -> None:
        """First stop versions, then have others run: for what may not run beside each other."""
        await asyncio.gather(*(self._services.remove(*key) for key in stop))
        await self.run(start)

    async def leave(self, keys: Collection[Key]) -> None:
        """These versions should not be here any more: from now on they get no new request."""
        self._wish.leave(keys)
        await self.want(self.desired.without(keys))

    async def end(self, keys: Collection[Key]) -> None:
        """Stop versions that have nothing to do any more, and forget their ports."""
        await asyncio.gather(*(self._services.remove(*key) for key in keys))
        self._wish.left(keys)
        for service, version in keys:
            if version != WORKING_TREE:
                self._ports.release_all(f"{version_label(service, version)}.")
        self._plan = self._new_plan(self.meshed)
        await self.follow()

    async def hand_out_secrets(self) -> None:
        """Give every service the present values; who cannot read a changed one is restarted."""
        found = self._blueprint.known_secrets()
        changed = {name for name, secret in found.items() if self._secrets.get(name) != secret}
        self._secrets |= found
        self._handouts.write_secrets(self.app, self._secrets)
        restarts = [
            self._renew_replicas(name, version)
            for name, version in self.desired.versions
            if changed.intersection(version.service.secrets) and not version.service.library
        ]
        for outcome in await asyncio.gather(*restarts, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _renew_replicas(self, name: str, version: DesiredVersion) -> None:
        """Replace the replicas of a version by ones that are given the present secrets."""
        if self.supervisor is None:
            return
        running = self.supervisor.wanted_replicas(name, version.name)
        if running is not None:
            await self.supervisor.update(self._spec(name, replace(version, replicas=running)))

    async def rotate_keys(self, name: str) -> str:
        """A new signing key for a caller, known to its callees before it signs; returns its id."""
        return await self._handouts.keys.rotate(name)

    def signers(self) -> tuple[str, ...]:
        """Who signs calls."""
        return tuple(sorted(signing_callers(self._blueprint.app)))

    async def envoys(self) -> Mapping[str, EnvoyState]:
        """The state of every Envoy, asked from it now."""
        return await self._data_plane.status()

    async def _take_stock(self) -> tuple[ProcessRecord, ...]:
        survey = self._processes.survey()
        if survey.strays:
            await self._processes.clear(survey.strays)
            self._report("system.cleared", "", f"ended {len(survey.strays)} stray processes")
        if survey.running:
            what = ", ".join(sorted({record.name for record in survey.running}))
            self._report("system.found", "", f"still running: {what}")
        return survey.running

    def _new_supervisor(self) -> Supervisor:
        specs = [self._spec(*each) for each in self.desired.running]
        return Supervisor(
            specs,
            self._blueprint.state,
            self._processes,
            self._ports,
            on_endpoints_changed=self._move_traffic,
        )

    def _spec(self, service: str, version: DesiredVersion) -> ServiceSpec:
        return self._blueprint.spec(service, version, self.ports, self._secrets)

    def _new_plan(self, running: Collection[str], *, receiving: bool = True) -> PortPlan:
        """The ports of the mesh; the Envoys that are `running` keep theirs.

        Where telemetry goes stays as it is until the next start.
        """
        plan = port_plan(
            self._blueprint, self._ports, running, self._wish.released, receiving=receiving
        )
        told = plan.telemetry if self._plan is None else self._plan.telemetry
        return replace(plan, telemetry=told if self._receiver.wanted else None)

    async def _start_services(self, running: tuple[ProcessRecord, ...]) -> None:
        try:
            await self._services.start(running)
        except Unavailable as error:
            if self.desired.at_rest:
                raise
            self._report("service.failed", "", error.message)

    async def _move_traffic(self, service: str, endpoints: tuple[Endpoint, ...]) -> None:
        """Route to these replicas."""
        self._endpoints[service] = endpoints
        await self._data_plane.apply_when_up()

    async def _close(self) -> None:
        """Nobody from outside is let in any more: else they would fail while services stop."""
        self._closed = True
        with contextlib.suppress(FairwayError, OSError):  # a mesh that cannot be told goes as well
            await self._data_plane.apply_when_up()

    def _view(self) -> MeshView:
        view = self._open_view()
        return replace(view, gateway=replace(view.gateway, routes=())) if self._closed else view

    def _open_view(self) -> MeshView:
        assert self._rules is not None, "start comes first"
        divided = versions(self.desired, self._wish.leaving, self._endpoints)
        return mesh_view(
            self.app,
            self.ports,
            divided,
            self._rules.access,
            self.state.environment,
            routing=self.desired.routing,
            legacy=legacy_shares(self.desired, divided),
        )

    async def _relay(self, events: AsyncIterator[Event]) -> None:
        async for event in events:
            self._on_replica(event)

    async def _renew(self) -> None:
        await self._data_plane.renew()
        self._data_plane.identities(self.app)  # renews what clients call with
