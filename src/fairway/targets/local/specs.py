"""What the supervisor is asked to run: one `ServiceSpec` per service, derived from the app file.

`system.py` builds the specs, the supervisor and its runners read them. Everything a replica's
process depends on is in here, so that two equal launches mean that nothing has to be restarted.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from fairway.errors import InvalidInput
from fairway.model.services import Health, Kind, Service
from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.commands import shell
from fairway.targets.local.environment import Variables
from fairway.targets.local.naming import replica_label
from fairway.targets.local.processes import Launch
from fairway.targets.local.replica import Backoff, Rules

Environment = Callable[[int, int | None], Variables]
"""The variables of a replica, from its index and its port (None: it does not listen).

Asked at every start, so that a start after a rotation has the new value of a secret.
"""

_GIVE_UP_FACTOR = 3
"""An unhealthy replica is replaced after this many times the probes that made it unhealthy."""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One version of a service to keep running. Paths are absolute.

    `command` is how people know it.
    `version` names it, `declaration` tells whether a running process was started from the same.
    `port` is a declared one; `http2` says that it speaks HTTP/2 without TLS and nothing else.
    """

    name: str
    kind: Kind
    argv: tuple[str, ...]
    command: str
    cwd: Path
    environment: Environment
    replicas: int = 1
    health: Health = field(default_factory=Health)
    grace: float = 10.0
    calls: frozenset[str] = frozenset()
    watch: tuple[Path, ...] = ()
    port: int | None = None
    http2: bool = False
    version: str = WORKING_TREE
    declaration: str = ""
    backoff: Backoff = field(default_factory=Backoff)

    @property
    def serves(self) -> bool:
        """Whether it listens on a port."""
        return self.kind not in ("worker", "job")

    @property
    def rules(self) -> Rules:
        """When its replicas count as healthy."""
        return Rules(
            healthy=self.health.healthy,
            unhealthy=self.health.unhealthy,
            give_up=self.health.unhealthy * _GIVE_UP_FACTOR,
            start_timeout=self.health.start_timeout,
            runs_once=self.kind == "job",
            backoff=self.backoff,
        )

    @property
    def starts_before_stopping(self) -> bool:
        """Whether a new replica may run beside the old one while it is replaced.

        Not with a declared port, which only one process can hold, and not where nobody would
        move traffic: two workers might do the same work twice.
        """
        return self.serves and self.port is None

    @property
    def key(self) -> tuple[str, str]:
        """Which version of which service it is."""
        return self.name, self.version

    def label(self, replica: int) -> str:
        """How people and files call one of its replicas."""
        return replica_label(self.name, self.version, replica)

    def launch(self, replica: int, port: int | None, log: Path) -> Launch:
        """The process that replica `replica` should be."""
        variables = self.environment(replica, port)
        return Launch(
            kind="service",
            name=self.name,
            argv=self.argv,
            cwd=self.cwd,
            log=log,
            replica=replica,
            environment=variables.own,
            inherited=variables.inherited,
            port=port,
            version=self.version,
            declaration=self.declaration,
        )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a service gets that its declaration does not say.

    `snapshot` is where its source is kept, None for the working tree.
    """

    app_dir: Path
    environment: Environment
    declaration: str
    version: str = WORKING_TREE
    snapshot: Path | None = None


def service_spec(name: str, service: Service, around: Surroundings) -> ServiceSpec:
    """The spec of a declared service; InvalidInput when nothing says how to run it locally."""
    folder = around.snapshot or _folder(service, around.app_dir)
    argv, command = _arguments(name, service, around)
    return ServiceSpec(
        name=name,
        kind=service.kind,
        argv=argv,
        command=command,
        cwd=folder,
        environment=around.environment,
        replicas=service.desired_replicas,
        health=service.health,
        grace=service.stop.grace,
        calls=frozenset(service.calls),
        watch=() if around.snapshot else _watched(service, around.app_dir, folder),
        port=service.port,
        http2=service.speaks == "http2",
        version=around.version,
        declaration=around.declaration,
    )


def source_folder(service: Service, app_dir: Path) -> Path:
    """What is to be kept of a service so that it can be started again: its source."""
    root = service.root if service.kind == "static" else None
    return app_dir / (root or service.build or ".")


def _arguments(name: str, service: Service, around: Surroundings) -> tuple[tuple[str, ...], str]:
    if service.run is not None:
        return shell(service.run), service.run
    argv = _own_server(name, service, around)
    return argv, shlex.join(["python", *argv[1:]])


def _own_server(name: str, service: Service, around: Surroundings) -> tuple[str, ...]:
    match service.kind:
        case "static":
            root = around.snapshot or source_folder(service, around.app_dir)
            return (sys.executable, "-m", "fairway.targets.local.static_site", str(root))
        case "function" if service.handler is not None:
            module = "fairway.targets.local.function_host"
            return (sys.executable, "-m", module, service.handler)
        case "function":
            raise _nothing_to_run(name, "handler: module:callable")
        case "http" | "grpc" | "websocket" | "worker" | "job":
            raise _nothing_to_run(name, "run: <the command that starts it on $PORT>")
        case _:
            assert_never(service.kind)


def _nothing_to_run(name: str, line: str) -> InvalidInput:
    return InvalidInput(
        "nothing-to-run",
        f"nothing says how to start {name} on this machine",
        where=f"services.{name}",
        remedy=f"add `{line}` to it; the local target starts no containers",
    )


def _folder(service: Service, app_dir: Path) -> Path:
    return app_dir / service.build if service.build else app_dir


def _watched(service: Service, app_dir: Path, folder: Path) -> tuple[Path, ...]:
    """What a change of reloads it. A static site is read at every request: nothing to reload."""
    if service.watch:
        return tuple(app_dir / path for path in service.watch)
    return (folder,) if service.build and service.kind != "static" else ()
