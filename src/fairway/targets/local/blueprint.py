"""What one app needs on this machine, derived from its app file: ports, variables, specs.

`system.py` builds a `Blueprint` once per start and asks it for everything that it hands to the
supervisor and the mesh. Nothing here starts, writes or waits; ports come from the port book, values
from the secret store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from fairway.errors import Conflict
from fairway.model.app import App
from fairway.model.environments import Environment
from fairway.model.services import Service
from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.artifacts import ArtifactStore
from fairway.targets.local.desired import Desired, DesiredVersion, Key, working_tree
from fairway.targets.local.environment import (
    ReplicaContext,
    Shell,
    Variables,
    inherited_variables,
    own_variables,
)
from fairway.targets.local.layout import StateDir
from fairway.targets.local.naming import version_label
from fairway.targets.local.ports import Ports
from fairway.targets.local.secret_files import Secret, SecretStore, available, require
from fairway.targets.local.specs import ServiceSpec, Surroundings, service_spec
from fairway.targets.merging import merged
from fairway.targets.mesh.view import GATEWAY, PortPlan, TelemetryPorts

GATEWAY_PORT = 8080
"""Where the gateway listens unless the app file says otherwise or it is taken."""
TELEMETRY_PORTS = "telemetry:otlp"
"""In the port book; the colon keeps it apart from services."""
OTLP_HTTP_PORT, OTLP_GRPC_PORT = 4318, 4317
"""Where OTLP is received unless it is taken: every SDK tries these by itself."""
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1", "0.0.0.0")  # noqa: S104 - compared only
_METRICS_EVERY = {"OTEL_METRIC_EXPORT_INTERVAL": "5000"}
"""Milliseconds; a minute, the default, is too long for somebody who looks on."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One app in one environment, with the user's side of it.

    `app` has the environment's overrides merged in; `variables` are the process's own over those
    of `.env` files; `venv` is the virtual environment that Fairway runs in, if it does.
    """

    app: App
    state: StateDir
    variables: Mapping[str, str]
    venv: Path | None

    @property
    def declared(self) -> Environment:
        """The environment as the app file declares it."""
        return self.app.environments[self.state.environment]

    @property
    def secret_names(self) -> frozenset[str]:
        """Every secret that some service reads."""
        return frozenset(name for service in self.app.services.values() for name in service.secrets)

    def known_secrets(self) -> dict[str, Secret]:
        """The value of every declared secret; InvalidInput names all that have none."""
        stored = SecretStore(self.state.secret_store).all()
        found = available(self.secret_names, stored, self.variables)
        require({name: each.secrets for name, each in self.app.services.items()}, found)
        return found

    @property
    def declared_ports(self) -> frozenset[int]:
        """Ports that the app file names, which nobody else may be given."""
        ports = {service.port for service in self.app.services.values()}
        own = (*ports, self.declared.gateway.port, self._collector_port)
        return frozenset(port for port in own if port is not None)

    @property
    def _collector_port(self) -> int | None:
        """The port of a collector on this machine, also while it does not run."""
        url = urlsplit(self.declared.telemetry.otlp or "")
        return (url.port or OTLP_HTTP_PORT) if url.hostname in _THIS_MACHINE else None

    def as_desired(self) -> Desired:
        """The working tree in the words of a desired state."""
        digests = {name: service_version(each) for name, each in self.app.services.items()}
        return working_tree(self.app, digests, self.declared.telemetry.otlp)

    def of(self, desired: Desired, leaving: Collection[str] = ()) -> Blueprint:
        """The blueprint of what should run: with the union of the apps that are in force.

        Services that are `leaving` stay in it although nothing of them should be here.
        """
        apps = [App.model_validate(each.app) for each in desired.apps]
        return replace(self, app=merged(apps, {*desired.services, *leaving}))

    def spec(
        self, name: str, version: DesiredVersion, ports: PortPlan, secrets: Mapping[str, Secret]
    ) -> ServiceSpec:
        """How the supervisor shall run a version of a service.

        `secrets` is looked into at every start: a replica gets the values of then. Dependencies
        are no part of a snapshot: its PATH leads to those of the working tree.
        """
        service = version.service.model_copy(update={"replicas": version.replicas})
        folder = self.state.app_dir / service.build if service.build else self.state.app_dir
        own = {secret: secrets[secret] for secret in service.secrets}
        context = self._context(name, version, service, ports, own)
        shell = Shell(self.variables, self.secret_names, self.venv)

        def variables(index: int, port: int | None) -> Variables:
            values = {secret: secrets[secret].value for secret in service.secrets}
            inherited = inherited_variables(shell, values, self.state.app_dir, folder)
            own = own_variables(context, index, port)
            return Variables(own, {**(_METRICS_EVERY if context.otlp else {}), **inherited})

        snapshot = self.snapshots.path(version.artifact) if version.artifact else None
        around = Surroundings(self.state.app_dir, variables, version.digest, version.name, snapshot)
        return service_spec(name, service, around)

    @property
    def snapshots(self) -> ArtifactStore:
        """The sources that releases run from."""
        return ArtifactStore(self.state.artifacts)

    def _context(
        self,
        name: str,
        version: DesiredVersion,
        service: Service,
        ports: PortPlan,
        secrets: Mapping[str, Secret],
    ) -> ReplicaContext:
        meshed = service.serves or service.calls
        return ReplicaContext(
            app=self.app.app,
            environment=self.state.environment,
            name=name,
            service=service,
            state=self.state,
            release=version.name,
            egress={
                callee: ports.egress_to_port(name, callee, version.name)
                for callee in service.calls
                if callee in self.app.services[name].calls
            },
            egress_port=ports.egress_port(name, version.name) if meshed else None,
            otlp=ports.telemetry.url if ports.telemetry else version.otlp,
            secret_versions={secret: found.version for secret, found in secrets.items()},
        )


def service_version(service: Service) -> str:
    """Eight hex digits that change when the declaration of a service does; replicas do not count.

    A running process of the same version may go on: scaling is no reason to restart anything.
    """
    declared = service.model_dump_json(exclude={"replicas", "scale"})
    return hashlib.sha256(declared.encode()).hexdigest()[:8]


def port_plan(
    blueprint: Blueprint,
    ports: Ports,
    adopted: Collection[str],
    released: Collection[Key] = (),
    *,
    receiving: bool = False,
) -> PortPlan:
    """The ports of the data plane; `adopted` names the Envoys that run and keep theirs.

    `released` are the versions beside the working tree: each calls through ports of its own.
    `receiving` says that telemetry is received already, on the ports that it has.
    """

    def listener(name: str, purpose: str, version: str = WORKING_TREE) -> int:
        key = f"{version_label(name, version)}.{purpose}"
        return ports.assign(key, keep=name in adopted)

    services = blueprint.app.services
    meshed = {
        name: service for name, service in services.items() if service.serves or service.calls
    }
    return PortPlan(
        inbound={name: listener(name, "inbound") for name, s in meshed.items() if s.serves},
        egress={name: listener(name, "egress") for name in meshed},
        egress_to={
            (name, callee): listener(name, f"egress-{callee}")
            for name, service in meshed.items()
            for callee in service.calls
        },
        gateway=_gateway_port(blueprint, ports, keep=GATEWAY in adopted),
        egress_of={
            (name, version): listener(name, "egress", version)
            for name, version in released
            if name in meshed
        },
        egress_to_of={
            (name, callee, version): listener(name, f"egress-{callee}", version)
            for name, version in released
            if name in meshed
            for callee in meshed[name].calls
        },
        telemetry=_telemetry_ports(blueprint, ports, receiving, running=bool(adopted)),
    )


def _telemetry_ports(
    blueprint: Blueprint, ports: Ports, receiving: bool, *, running: bool
) -> TelemetryPorts | None:
    """Those that running programs send to stay, at a fresh start the usual ones come first."""
    if not blueprint.declared.keeps_telemetry:
        return None
    usual = {"http": OTLP_HTTP_PORT, "grpc": OTLP_GRPC_PORT}
    found = {}
    for purpose, port in usual.items():
        key = f"{TELEMETRY_PORTS}.{purpose}"
        if receiving or running or port in blueprint.declared_ports:
            found[purpose] = ports.assign(key, keep=receiving)
        else:
            found[purpose] = _claim_or_assign(ports, key, port)
    return TelemetryPorts(found["http"], found["grpc"])


def _claim_or_assign(ports: Ports, key: str, port: int) -> int:
    try:
        return ports.claim(key, port)
    except Conflict:
        return ports.assign(key)


def _gateway_port(blueprint: Blueprint, ports: Ports, *, keep: bool) -> int:
    declared = blueprint.declared.gateway.port
    if declared is not None:
        return ports.claim(GATEWAY, declared, where="gateway.port", keep=keep)
    if keep:
        return ports.assign(GATEWAY, keep=True)
    return _claim_or_assign(ports, GATEWAY, GATEWAY_PORT)
