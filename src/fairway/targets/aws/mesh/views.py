"""From what should stand to the view of one Envoy: a version's sidecar, or the gateway. Pure.

On ECS every task has its own Envoy, so the callers divide the requests of a service: each view
names all versions of the callees as `remotes`, with their weights and cohorts, and of its own
service only its own version. A task is exactly one version: what it calls belongs to its cohort.

Grants and public routes come from the union of the apps in force, as everywhere; port, health and
calls from the version's own declaration. Services without a sidecar (static sites, `outside_mesh`)
are in no view: a load balancer or a CDN answers for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fairway.model.app import App
from fairway.targets.aws import names
from fairway.targets.aws.mesh import ports
from fairway.targets.aws.standing.state import Standing, StandingVersion
from fairway.targets.mesh.build import Access, egress_to, mesh_view
from fairway.targets.mesh.legacy import legacy_shares
from fairway.targets.mesh.view import MeshView, Place, PortPlan, Remote, Sidecar, Version


@dataclass(frozen=True, slots=True)
class Ground:
    """Where tasks are, and who resolves names; the usual is a task with a network of its own.

    Tests put several tasks on one machine: `places` by service and version, the gateway's by
    `("gateway", "")`.
    """

    resolver: tuple[str, int] | None = None
    places: Mapping[tuple[str, str], Place] = field(default_factory=dict)

    def place(self, service: str, version: str) -> Place:
        """Where the Envoy of a version is; behind the gateway's is a load balancer."""
        anywhere = "0.0.0.0"  # noqa: S104 - its security group says who may come
        found = self.places.get((service, version), Place(inbound=anywhere))
        health = ports.HEALTH if service == names.GATEWAY else None
        return replace(found, resolver=self.resolver, health_port=health)


class Views:
    """The views of all Envoys of an environment; what they share is worked out once."""

    def __init__(self, standing: Standing, access: Access, ground: Ground) -> None:
        self._ground = ground
        self._app = _in_mesh(standing)
        self._whole = _whole(standing, self._app, access)
        self._remotes = {
            name: _remote(sidecar)
            for name, sidecar in self._whole.sidecars.items()
            if sidecar.inbound_port is not None
        }

    @property
    def services(self) -> tuple[str, ...]:
        """Every service with a sidecar."""
        return tuple(self._whole.sidecars)

    @property
    def has_gateway(self) -> bool:
        """Whether anything is public."""
        return bool(self._whole.gateway.routes)

    def of_version(self, service: str, version: StandingVersion) -> MeshView:
        """What the Envoy beside the tasks of a version sees."""
        sidecar = self._sidecar(service, version)
        callees = {egress.callee for egress in sidecar.egress}
        return self._placed(service, version.name, {service: sidecar}, callees)

    def of_gateway(self) -> MeshView:
        """What the Envoy in front of the public routes sees."""
        services = {route.service for route in self._whole.gateway.routes}
        return self._placed(names.GATEWAY, "", {}, services)

    def _placed(
        self, service: str, version: str, sidecars: Mapping[str, Sidecar], callees: set[str]
    ) -> MeshView:
        remotes = {name: self._remotes[name] for name in sorted(callees) if name in self._remotes}
        place = self._ground.place(service, version)
        return replace(self._whole, sidecars=sidecars, remotes=remotes, place=place)

    def _sidecar(self, service: str, version: StandingVersion) -> Sidecar:
        """Only its own version, marked with its cohort; whoever called has chosen already."""
        whole, own = self._whole.sidecars[service], version.service
        cohort = whole.cohort_of(version.name)
        port = own.port or ports.APP
        here = ports.callee_ports(service, [c for c in own.calls if c in self._app.services])
        return replace(
            whole,
            versions=(Version(version.name, 100, (port,) if own.serves else (), cohort),),
            trial=None,
            health=own.health,
            egress=tuple(
                egress_to(own.calls[callee], callee, self._app.services[callee], outgoing)
                for callee, outgoing in here.items()
            ),
        )


def _in_mesh(standing: Standing) -> App:
    app = standing.model
    outside = app.environments[standing.environment].aws.outside_mesh
    inside = {
        name: service
        for name, service in app.services.items()
        if service.kind != "static" and name not in outside
    }
    named = {
        name: service.model_copy(
            update={"calls": {c: call for c, call in service.calls.items() if c in inside}}
        )
        for name, service in inside.items()
    }
    return app.model_copy(update={"services": named})


def _whole(standing: Standing, app: App, access: Access) -> MeshView:
    versions = {name: _versions(standing, name) for name in app.services}
    inside = {name: found for name, found in standing.services.items() if name in app.services}
    legacy = legacy_shares(inside, standing.routing, versions)
    view = mesh_view(
        app, _ports(app), versions, access, standing.environment, standing.routing, legacy
    )
    telemetry = app.environments[standing.environment].telemetry
    return replace(view, otlp=ports.OTLP if telemetry.enabled else telemetry.otlp)


def _versions(standing: Standing, service: str) -> tuple[Version, ...]:
    """A version without tasks has nobody who could answer."""
    return tuple(
        Version(version.name, version.weight, (ports.INBOUND,) if version.replicas else ())
        for version in standing.services.get(service, ())
    )


def _ports(app: App) -> PortPlan:
    return PortPlan(
        inbound={n: ports.INBOUND for n, service in app.services.items() if service.serves},
        egress=dict.fromkeys(app.services, ports.EGRESS),
        egress_to={
            (name, callee): ports.callee_port(callee)
            for name, service in app.services.items()
            for callee in service.calls
        },
        gateway=ports.GATEWAY,
    )


def _remote(sidecar: Sidecar) -> Remote:
    hosts = {v.name: names.host(sidecar.service, v.name) for v in sidecar.versions}
    return Remote(sidecar.division, hosts, ports.INBOUND)
