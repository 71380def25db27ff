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
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fairway.errors import FairwayError, Unavailable
from fairway.model.app import App
from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.artifacts import ArtifactStore
from fairway.targets.local.blueprint import Blueprint, port_plan
from fairway.targets.local.desired import Desired, DesiredFile, DesiredVersion, Key
from fairway.targets.local.group import Endpoint
from fairway.targets.local.identity.authority import LEAF_LIFETIME, Authority
from fairway.targets.local.identity.signing import (
    REFRESH,
    SigningKeys,
    signing_callers,
    verifying_services,
)
from fairway.targets.local.layout import StateDir, open_sockets, remove_sockets, write_private
from fairway.targets.local.ledger import Ledger, ProcessRecord
from fairway.targets.local.lock import Holder, hold
from fairway.targets.local.mesh.binary import envoy_binary
from fairway.targets.local.mesh.build import Access, mesh_view
from fairway.targets.local.mesh.envoys import Mesh, MeshPlaces
from fairway.targets.local.mesh.launching import SupervisedLauncher
from fairway.targets.local.mesh.status import EnvoyState
from fairway.targets.local.mesh.view import GATEWAY, MeshView, PortPlan, Version
from fairway.targets.local.naming import version_label
from fairway.targets.local.ports import Ports
from fairway.targets.local.processes import Processes
from fairway.targets.local.runner import Event
from fairway.targets.local.secret_files import Secret, SecretStore, available, hand_out, require
from fairway.targets.local.specs import ServiceSpec
from fairway.targets.local.supervisor import Supervisor
from fairway_runtime.policy.bundle import PolicyBundle

_HEAL_INTERVAL = 1.0
"""Between looks whether every Envoy lives, in seconds."""
_RENEW_INTERVAL, _RENEW_SHARE = 60.0, 1 / 8
"""Between looks for certificates past half-life: seconds, and at most this share of a lifetime, so
that a short-lived one is renewed well before its second half is over."""
_BUNDLE_READ = 0.15
"""Until every replica has looked at a new bundle (the library looks every 0.1 s), in seconds."""

Govern = Callable[[App], "Rules"]
"""The rules of the active policies for an app: the union of those in force."""

Report = Callable[[str, str, str], None]
"""Tells people what happened: a dotted kind, whom it is about, and words."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may do what: for the library as a bundle, for the mesh as a table, of one version."""

    bundle: PolicyBundle
    access: Access


class LocalSystem:
    """The running system of one state folder. Used from one event loop."""

    def __init__(
        self,
        workspace: Blueprint,
        report: Report,
        on_replica: Callable[[Event], None],
        leaf_lifetime: timedelta = LEAF_LIFETIME,
    ) -> None:
        self._workspace = workspace
        self._desired_file = DesiredFile(workspace.state.desired)
        self._desired = workspace.as_desired()
        self._blueprint = workspace
        self._pinned = False
        self._leaving: set[Key] = set()
        self._meshed: frozenset[str] = frozenset()
        self._leaf_lifetime = leaf_lifetime
        self._report = report
        self._on_replica = on_replica
        self._relaying: asyncio.Task[None] | None = None
        self._endpoints: dict[str, tuple[Endpoint, ...]] = {}
        self._secrets: dict[str, Secret] = {}
        self._mesh_settled = asyncio.Event()
        self._mesh_runs = False
        self._chores: set[asyncio.Task[None]] = set()
        self._held = contextlib.ExitStack()
        state = workspace.state
        self._processes = Processes(Ledger(state.ledger), state.instance)
        self._ports = Ports(state.ports, state.instance, workspace.declared_ports)
        self._keys = SigningKeys(
            state, signing_callers(workspace.app), verifying_services(workspace.app)
        )
        self._plan: PortPlan | None = None
        self._govern: Govern | None = None
        self._rules: Rules | None = None
        self._mesh: Mesh | None = None
        self.supervisor: Supervisor | None = None

    @property
    def ports(self) -> PortPlan:
        """The ports of the data plane; known once it starts."""
        assert self._plan is not None, "start comes first"
        return self._plan

    @property
    def app(self) -> App:
        """The app in force: while a deployment is under way, all that old and new may do."""
        return self._blueprint.app

    @property
    def desired(self) -> Desired:
        """What should run."""
        return self._desired

    @property
    def pinned(self) -> bool:
        """Whether a deployment has said what should run: then edited files change nothing."""
        return self._pinned

    @property
    def state(self) -> StateDir:
        """Where everything of it is kept."""
        return self._workspace.state

    @property
    def working_tree(self) -> Desired:
        """What would run without any release."""
        return self._workspace.as_desired()

    @property
    def snapshots(self) -> ArtifactStore:
        """The sources that releases run from."""
        return self._workspace.snapshots

    @property
    def processes(self) -> Processes:
        """What was started here."""
        return self._processes

    @property
    def port_book(self) -> Ports:
        """Which ports were given to whom."""
        return self._ports

    @property
    def mesh(self) -> Mesh:
        """The running Envoys."""
        assert self._mesh is not None, "start comes first"
        return self._mesh

    def lock(self) -> None:
        """Become the only one who supervises this state folder; Conflict names who is already."""
        holder = Holder(os.getpid(), time.time(), "fairway up")
        self._held.enter_context(hold(self._blueprint.state.lock, holder))

    def open(self, *, watch: bool = False) -> None:
        """Find out what should run: what was deployed, else the working tree.

        With `watch` what was deployed is forgotten, and files are reloaded again.
        """
        if watch:
            self._desired_file.forget()
        found = self._desired_file.read()
        if found is not None:
            self._adopt_desired(found)

    async def start(self, govern: Govern) -> None:
        """Have everything run and be healthy; what fails is raised, and `stop` clears the rest.

        While a deployment is under way nothing is raised for a service that fails: the deployment
        goes on, and decides what becomes of it.
        """
        self._govern = govern
        self._secrets |= known_secrets(self._blueprint)
        running = await self._take_stock()
        envoys = {record.name for record in running if record.kind == "envoy"}
        self._plan = self._new_plan(envoys)
        self._rules = govern(self.app)
        self._endpoints = _endpoints_of(running)
        self._write_bundle(self._rules.bundle)
        self._write_files()
        self.supervisor = self._new_supervisor()
        self._relaying = asyncio.create_task(self._relay(self.supervisor.events()))
        launcher = SupervisedLauncher(self._processes, running, dict(self._blueprint.variables))
        self._mesh = self._new_mesh(launcher)
        await _both(self._start_mesh(launcher), self._start_services(running))
        if not self._pinned:
            self.supervisor.watch_files()
        self._do(self._again_and_again(self._heal, _HEAL_INTERVAL, "envoy.failed"))
        self._do(self._again_and_again(self._renew, self._renew_interval(), "certificate.failed"))
        self._do(self._again_and_again(self._keys.refresh, REFRESH, "keys.failed"))

    async def stop(self) -> None:
        """Take everything down; returns when nothing is left. Safe at any moment, and again."""
        self._mesh_settled.set()
        await self._end_chores()
        if self.supervisor is not None:
            await self.supervisor.stop()
        if self._relaying is not None:
            await self._relaying
        if self._mesh is not None:
            await self._mesh.stop()
        await end_all(self._processes)
        remove_sockets(self._blueprint.state)
        self._held.close()

    async def abandon(self) -> None:
        """Stop looking after everything and leave it running, for a later Fairway to adopt."""
        await self._end_chores()
        if self.supervisor is not None:
            await self.supervisor.abandon()
        if self._relaying is not None:
            await self._relaying
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
        self._write_bundle(rules.bundle)
        await asyncio.gather(self._apply(), asyncio.sleep(_BUNDLE_READ if changed else 0.0))

    async def want(self, desired: Desired) -> None:
        """From now on this should be here, whatever happens: kept first, then files and mesh
        follow. Starts and stops no service.
        """
        self._desired_file.write(desired)
        self._adopt_desired(desired)
        if self.supervisor is not None:
            self.supervisor.pin()
        self._secrets |= known_secrets(self._blueprint)
        self._plan = self._new_plan(self._meshed)
        self._write_files()
        await self.follow()

    async def unpin(self) -> None:
        """Nothing of a release is left: the working tree runs again, and is reloaded."""
        self._desired_file.forget()
        self._pinned = False
        self._desired = self._workspace.as_desired()
        self._blueprint = self._workspace
        await self.follow()
        if self.supervisor is not None:
            self.supervisor.watch_files()
            self.supervisor.catch_up()

    def healthy(self, service: str, version: str) -> int:
        """How many replicas of a version are up (or, of a job, done)."""
        found = self.supervisor.status() if self.supervisor else ()
        return sum(
            1
            for replica in found
            if (replica.service, replica.version) == (service, version) and replica.up
        )

    def bundle_edited(self) -> bool:
        """Whether someone else has changed the policies that services read."""
        assert self._rules is not None, "start comes first"
        try:
            return self.state.policy_bundle.read_text("utf-8") != self._rules.bundle.to_json()
        except (FileNotFoundError, UnicodeDecodeError):
            return True

    def listening_ports(self) -> frozenset[int]:
        """Every port on which something of this app should listen, and nobody else."""
        plan, found = self.ports, self.supervisor.status() if self.supervisor else ()
        mesh = (plan.inbound, plan.egress, plan.egress_to, plan.egress_of, plan.egress_to_of)
        replicas = {replica.port for replica in found if replica.port is not None}
        declared = {s.port for s in self.app.services.values() if s.port is not None}
        gateway = {plan.gateway} if GATEWAY in self._meshed else set()
        listeners = {port for ports in mesh for port in ports.values()}
        return frozenset(listeners | replicas | declared | gateway)

    async def restart(self, service: str) -> None:
        """Replace the replicas of every version of a service, one after the other."""
        assert self.supervisor is not None, "start comes first"
        await self.supervisor.restart(service)

    async def scale(self, service: str, replicas: int) -> None:
        """Run so many replicas of a service, of the version that gets most requests."""
        assert self.supervisor is not None, "start comes first"
        version = self._desired.main(service)
        if self._pinned and version is not None:
            fresh = replace(version, replicas=replicas)
            self._desired = self._desired.with_version(service, fresh)
            self._desired_file.write(self._desired)
        await self.supervisor.scale(service, replicas)

    async def revive(self, service: str, version: str) -> None:
        """Have all replicas of a version up that should be, without waiting for their turn."""
        assert self.supervisor is not None, "start comes first"
        await self.supervisor.revive(service, version)
        await self.run({(service, version)})

    async def run(self, versions: Collection[Key]) -> None:
        """Have these versions run healthily, as often as is desired; Unavailable with evidence."""
        assert self.supervisor is not None, "start comes first"
        specs = [
            self._spec(service, version)
            for service, version in self._desired.running
            if (service, version.name) in versions
        ]
        await self.supervisor.run(specs)

    async def exchange(self, stop: Collection[Key], start: Collection[Key]) -> None:
        """First stop versions, then have others run: for what may not run beside each other."""
        assert self.supervisor is not None, "start comes first"
        await asyncio.gather(*(self.supervisor.remove(*key) for key in stop))
        await self.run(start)

    async def leave(self, versions: Collection[Key]) -> None:
        """These versions should not be here any more: from now on they get no new request."""
        self._leaving.update(versions)
        await self.want(self._desired.without(versions))

    async def end(self, versions: Collection[Key]) -> None:
        """Stop versions that have nothing to do any more, and forget their ports."""
        assert self.supervisor is not None, "start comes first"
        await asyncio.gather(*(self.supervisor.remove(*key) for key in versions))
        self._leaving.difference_update(versions)
        for service, version in versions:
            if version != WORKING_TREE:
                self._ports.release_all(f"{version_label(service, version)}.")
        self._adopt_desired(self._desired)
        self._plan = self._new_plan(self._meshed)
        await self.follow()

    async def hand_out_secrets(self) -> None:
        """Give every service the present values; who cannot read a changed one is restarted."""
        found = known_secrets(self._blueprint)
        changed = {name for name, secret in found.items() if self._secrets.get(name) != secret}
        self._secrets |= found
        self._write_secrets()
        restarts = [
            self._renew_replicas(name, version)
            for name, version in self._desired.versions
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
        return await self._keys.rotate(name)

    def signers(self) -> tuple[str, ...]:
        """Who signs calls."""
        return tuple(sorted(signing_callers(self._blueprint.app)))

    async def envoys(self) -> Mapping[str, EnvoyState]:
        """The state of every Envoy, asked from it now."""
        return {} if self._mesh is None else await self._mesh.status()

    async def _take_stock(self) -> tuple[ProcessRecord, ...]:
        survey = self._processes.survey()
        if survey.strays:
            await self._processes.clear(survey.strays)
            self._report("system.cleared", "", f"ended {len(survey.strays)} stray processes")
        if survey.running:
            what = ", ".join(sorted({record.name for record in survey.running}))
            self._report("system.found", "", f"still running: {what}")
        return survey.running

    def _write_files(self) -> None:
        """All that processes read, except the policies."""
        self._write_secrets()
        self._keys.serve(signing_callers(self.app), verifying_services(self.app))
        self._keys.write()
        for name, version in self._desired.versions:
            config = version.service.config
            if config:
                path = self._blueprint.state.config(version_label(name, version.name))
                write_private(path, json.dumps(config, indent=1).encode())

    def _write_bundle(self, bundle: PolicyBundle) -> None:
        write_private(self._blueprint.state.policy_bundle, bundle.to_json().encode())

    def _write_secrets(self) -> None:
        for name, service in self._blueprint.app.services.items():
            if service.secrets:
                own = {secret: self._secrets[secret] for secret in service.secrets}
                hand_out(self._blueprint.state.secrets(name), own)

    def _new_supervisor(self) -> Supervisor:
        specs = [self._spec(*each) for each in self._desired.running]
        return Supervisor(
            specs,
            self._blueprint.state,
            self._processes,
            self._ports,
            on_endpoints_changed=self._move_traffic,
        )

    def _spec(self, service: str, version: DesiredVersion) -> ServiceSpec:
        return self._blueprint.spec(service, version, self.ports, self._secrets)

    def _new_plan(self, running: Collection[str]) -> PortPlan:
        """The ports of the mesh; the Envoys that are `running` keep theirs."""
        versions = {(service, v.name) for service, v in self._desired.versions} | self._leaving
        released = {key for key in versions if key[1] != WORKING_TREE}
        return port_plan(self._blueprint, self._ports, running, released)

    def _adopt_desired(self, desired: Desired) -> None:
        self._desired = desired
        self._pinned = True
        self._blueprint = self._workspace.of(desired, {service for service, _ in self._leaving})

    async def _start_services(self, running: tuple[ProcessRecord, ...]) -> None:
        assert self.supervisor is not None, "made by start"
        try:
            await self.supervisor.start(running)
        except Unavailable as error:
            if self._desired.at_rest:
                raise
            self._report("service.failed", "", error.message)

    def _new_mesh(self, launcher: SupervisedLauncher) -> Mesh:
        state = self._blueprint.state
        places = MeshPlaces(state.home / "mesh", state.logs, open_sockets(state))
        binary = envoy_binary(self._blueprint.variables)
        return Mesh(places, binary, launcher, self._authority(), _now)

    def _authority(self) -> Authority:
        state, app = self._blueprint.state, self._blueprint.app
        domain = f"{app.app}.{state.environment}"
        authority = Authority.open(
            state.ca, state.home / "identity", domain, _now(), self._leaf_lifetime
        )
        for client in app.clients:
            authority.leaf(client, _now())
        return authority

    async def _start_mesh(self, launcher: SupervisedLauncher) -> None:
        assert self._mesh is not None, "made by start"
        view = self._view()
        self._meshed = frozenset(view.names)
        adopted = await self._mesh.start(view)
        await launcher.clear()
        self._mesh_runs = True
        self._mesh_settled.set()
        for name in view.names:
            kind = "adopted" if name in adopted else "running"
            self._report(f"envoy.{kind}", f"{name} envoy", f"Envoy {kind}")

    async def _move_traffic(self, service: str, endpoints: tuple[Endpoint, ...]) -> None:
        """Route to these replicas; while the mesh starts, wait for it, and if it never does, stop
        waiting as soon as the system is stopped.
        """
        self._endpoints[service] = endpoints
        await self._mesh_settled.wait()
        if self._mesh_runs:
            await self._apply()

    async def _apply(self) -> None:
        view = self._view()
        self._meshed = frozenset(view.names)
        await self.mesh.apply(view)

    def _view(self) -> MeshView:
        assert self._rules is not None, "start comes first"
        desired = self._desired
        names = {*desired.services, *(service for service, _ in self._leaving)}
        return mesh_view(
            self.app,
            self.ports,
            {name: self._versions(name) for name in names},
            self._rules.access,
            self._blueprint.state.environment,
            routing=desired.routing,
        )

    def _versions(self, service: str) -> tuple[Version, ...]:
        """The versions of a service as the mesh sees them, those that leave without a share."""
        weights = {v.name: v.weight for v in self._desired.services.get(service, ())}
        weights |= {version: 0 for name, version in self._leaving if name == service}
        found = self._endpoints.get(service, ())
        return tuple(
            Version(name, weight, tuple(e.port for e in found if e.version == name))
            for name, weight in sorted(weights.items())
        )

    async def _relay(self, events: AsyncIterator[Event]) -> None:
        async for event in events:
            self._on_replica(event)

    async def _heal(self) -> None:
        assert self._mesh is not None, "start comes first"
        for name in await self._mesh.heal():
            self._report("envoy.running", f"{name} envoy", "died and was started again")

    async def _renew(self) -> None:
        assert self._mesh is not None, "start comes first"
        for name in await self._mesh.renew():
            self._report("certificate.renewed", name, "certificate renewed")
        self._authority()  # renews what clients call with

    def _renew_interval(self) -> float:
        return min(_RENEW_INTERVAL, self._leaf_lifetime.total_seconds() * _RENEW_SHARE)

    async def _again_and_again(
        self, work: Callable[[], Awaitable[None]], interval: float, failed: str
    ) -> None:
        """Do something for as long as the system runs: a failure is told once, and outlived."""
        told = ""
        while True:
            await asyncio.sleep(interval)
            try:
                await work()
                told = ""
            except (FairwayError, OSError) as error:
                if str(error) != told:
                    told = str(error)
                    self._report(failed, "mesh", told)

    async def _end_chores(self) -> None:
        chores = tuple(self._chores)
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)

    def _do(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


def known_secrets(blueprint: Blueprint) -> dict[str, Secret]:
    """The value of every declared secret; InvalidInput names all that have none."""
    stored = SecretStore(blueprint.state.secret_store).all()
    found = available(blueprint.secret_names, stored, blueprint.variables)
    require({name: each.secrets for name, each in blueprint.app.services.items()}, found)
    return found


async def end_all(processes: Processes, grace: float = 5.0) -> tuple[str, ...]:
    """End every process of a state folder, recorded or stray; returns their names."""
    survey = processes.survey()
    await asyncio.gather(*(processes.stop(record, grace) for record in survey.running))
    await processes.clear(survey.strays)
    names = [f"{record.label} ({record.kind})" for record in survey.running]
    return (*names, *(f"process {stray.pid}" for stray in survey.strays))


def _endpoints_of(running: tuple[ProcessRecord, ...]) -> dict[str, tuple[Endpoint, ...]]:
    """Where replicas that outlived their control plane listen: they serve all along."""
    found: dict[str, list[Endpoint]] = {}
    for record in running:
        if record.kind == "service" and record.port is not None:
            found.setdefault(record.name, []).append(Endpoint(record.version, record.port))
    return {name: tuple(sorted(endpoints)) for name, endpoints in found.items()}


async def _both(*work: Coroutine[Any, Any, None]) -> None:
    """All at once; the first failure ends the others and is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _now() -> datetime:
    return datetime.now(UTC)
