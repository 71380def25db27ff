"""What one may ask of, and do to, the services that run on this machine.

`LocalControlPlane` extends it with the life of the whole system and with delivery. Nothing here is
kept: a service that was stopped is started again by the next `fairway up`, unless a deployment said
how many replicas it has.
"""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fairway.control.connections import topology
from fairway.control.event_log import EventLog
from fairway.control.explored import CallOutcome, CallRequest, OfferedIntent, ServiceVariables
from fairway.control.port import Phase, ServiceStatus, SystemStatus
from fairway.control.receiving import nothing_kept, open_telemetry
from fairway.control.records import LocalRecords
from fairway.control.statuses import overall, replica_status
from fairway.control.topology import Topology
from fairway.control.variables import masked
from fairway.errors import Conflict, NotFound, Unavailable
from fairway.governance.access import AccessTable
from fairway.model.names import did_you_mean
from fairway.model.services import Service
from fairway.targets.local.blueprint import Blueprint
from fairway.targets.local.system import LocalSystem

if TYPE_CHECKING:
    from fairway.telemetry.port import Telemetry

NO_ACCESS = AccessTable({}, ())


class RunningServices(LocalRecords):
    """The services of a running system; whoever extends it starts one and says its phase."""

    _system: LocalSystem

    def __init__(self, blueprint: Blueprint) -> None:
        super().__init__(blueprint.app, blueprint.state)
        self._blueprint = blueprint
        self._log = EventLog()
        self._phase: Phase = "stopped"
        self._access_now = NO_ACCESS
        self._replicas_before: dict[str, int] = {}
        self._read_telemetry: Telemetry | None = None

    @abstractmethod
    async def status(self) -> SystemStatus:
        """How everything is, now."""

    async def restart(self, service: str) -> None:
        """Replace every replica of a service; return when the new ones are healthy."""
        await self._running.restart(service)

    async def scale(self, service: str, replicas: int) -> None:
        """Run this many replicas; return when they are healthy or gone."""
        await self._running.scale(service, replicas)
        self._log.add("service.scaled", service, f"runs {replicas} replicas")

    async def stop_service(self, service: str) -> None:
        """End every replica of a service, gracefully; it stays down until it is started again."""
        replicas = self._wanted_replicas(service)
        if len(self._running.desired.services.get(service, ())) > 1:
            raise Conflict(
                "deployment-under-way",
                f"{service} runs in several versions: a deployment is under way",
                where=service,
                remedy="pause or abort the deployment: fairway abort",
            )
        if replicas:
            await self._running.scale(service, 0)
            self._replicas_before[service] = replicas
            self._log.add("service.stopped", service, "stopped: nothing of it runs")

    async def start_service(self, service: str) -> None:
        """Run a stopped service again; return when it is healthy. Nothing happens if it runs."""
        if self._wanted_replicas(service) == 0:
            declared = self.app.services[service].desired_replicas
            replicas = self._replicas_before.pop(service, declared) or 1
            await self._running.scale(service, replicas)
            self._log.add("service.started", service, f"runs {replicas} replicas")

    def telemetry(self) -> Telemetry:
        """What services and Envoys told; `Unavailable` where the app file switched it off."""
        if self._read_telemetry is None:
            if not self._blueprint.declared.keeps_telemetry:
                raise nothing_kept(self.state)
            self._read_telemetry = open_telemetry(self.state)
        return self._read_telemetry

    async def topology(self) -> Topology:
        """What is connected with what, and how it is, now."""
        weights: dict[str, dict[str, int]] = {}
        for service, version in self._system.desired.versions:
            weights.setdefault(service, {})[version.name] = version.weight
        return topology(self.app, await self.status(), weights, self._access_now)

    async def variables(self, service: str) -> ServiceVariables:
        """The environment of a service (of the version that gets most requests), masked."""
        self._service_named(service)
        version = self._running.desired.main(service)
        if version is None:
            raise self._no_such(service)
        present = self._blueprint.of(self._system.desired)
        spec = present.spec(service, version, self._system.ports, present.known_secrets())
        shown = masked(spec.environment(0, None).own, version.service.secrets)
        return ServiceVariables(service, version.name, shown)

    async def openapi(self, service: str) -> Mapping[str, Any]:
        """The OpenAPI document of a service, asked from it; `NotFound` if it has none."""
        self._service_named(service)
        found = self._running.supervisor.status() if self._running.supervisor else ()
        main = self._system.desired.main(service)
        ports = [
            each.port
            for each in found
            if each.service == service and each.port is not None and each.up
            if main is None or each.version == main.name
        ]
        if not ports:
            raise Unavailable(
                "nobody-answers",
                f"no healthy replica of {service} listens",
                where=service,
                remedy=f"see `fairway logs {service}`",
            )
        # Late: only whoever explores needs an HTTP client.
        from fairway.control.asking import openapi_document  # noqa: PLC0415

        return await asyncio.to_thread(openapi_document, service, ports[0])

    async def intents(self, service: str) -> tuple[OfferedIntent, ...]:
        """What callers may ask of a service, in the order of the app file."""
        declared = self._service_named(service).intents.items()
        return tuple(OfferedIntent(name, each.method, each.path) for name, each in declared)

    async def call(self, request: CallRequest) -> CallOutcome:
        """Send a request as an identity, through the mesh, and wait for the answer."""
        # Late: likewise, and TLS.
        from fairway.control.calling.explore import send  # noqa: PLC0415

        assert self._running, "what does not run raises"
        return await asyncio.to_thread(send, request, self.state, self.bundle())

    @property
    def _running(self) -> LocalSystem:
        if self._phase != "running":
            raise Unavailable(
                "not-running", f"the system is {self._phase}", remedy="try again once it runs"
            )
        return self._system

    def _gateway_url(self) -> str | None:
        public = any(service.public for service in self.app.services.values())
        return f"http://127.0.0.1:{self._system.ports.gateway}" if public else None

    def _service(self, name: str, service: Service) -> ServiceStatus:
        now, url = time.time(), self._gateway_url()
        main = self._system.desired.main(name)
        found = self._system.supervisor.status() if self._system.supervisor else ()
        replicas = tuple(replica_status(each, now) for each in found if each.service == name)
        return ServiceStatus(
            name=name,
            kind=service.kind,
            state=overall(replica.state for replica in replicas),
            desired=len(replicas),
            release=main.name if main else "",
            replicas=replicas,
            urls=tuple(f"{url}{route.path}" for route in service.public),
            inbound_port=self._system.ports.inbound.get(name),
        )

    def _wanted_replicas(self, service: str) -> int:
        """How many replicas of a declared service are kept running, of all versions."""
        self._service_named(service)
        system = self._running
        assert system.supervisor is not None, "a running system has its supervisor"
        versions = system.desired.services.get(service, ())
        found = (system.supervisor.wanted_replicas(service, each.name) for each in versions)
        return sum(count or 0 for count in found)

    def _service_named(self, service: str) -> Service:
        if service not in self.app.services:
            raise self._no_such(service)
        return self.app.services[service]

    def _no_such(self, service: str) -> NotFound:
        known = did_you_mean(service, self.app.services, "see `fairway status`")
        return NotFound("no-such-service", f"there is no service '{service}'", remedy=known)
