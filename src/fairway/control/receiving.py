"""What the receiver of telemetry on this machine is told, and where what it kept is read.

`plane.py` gives the local target the program; `wiring.open_telemetry` reads also while nothing
runs. Here the model's words meet those of `telemetry/config.py`, which knows neither app nor
target.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from fairway import __version__
from fairway.errors import Unavailable
from fairway.model.app import App, Slo
from fairway.model.services import Service
from fairway.model.telemetry import Kept
from fairway.targets.local.layout import StateDir
from fairway.targets.local.mesh.view import TelemetryPorts
from fairway.targets.local.ports import LOOPBACK
from fairway.targets.local.receiver import ReceiverProgram, Run
from fairway.telemetry.config import (
    HTTP_SOCKET,
    Address,
    IntentPath,
    Objective,
    ReceiverConfig,
    Retention,
    ServiceFacts,
)

if TYPE_CHECKING:
    from fairway.telemetry.port import Telemetry

_MODULE = "fairway.telemetry.receiver"


def receiver_program(app: Callable[[], App], state: StateDir) -> ReceiverProgram | None:
    """The receiver of an environment; None where the app file switches it off.

    `app` gives the app that is in force, asked whenever the configuration is written.
    """
    if not app().environments[state.environment].keeps_telemetry:
        return None

    def configure(ports: TelemetryPorts, run: Run) -> str:
        return receiver_config(app(), state, ports, run).to_json()

    # -P: the state folder, where it runs, has a folder `secrets` that is no module.
    return ReceiverProgram(
        (sys.executable, "-P", "-m", _MODULE), HTTP_SOCKET, __version__, configure
    )


def receiver_config(app: App, state: StateDir, ports: TelemetryPorts, run: Run) -> ReceiverConfig:
    """Everything that the receiver is told. Pure."""
    telemetry = app.environments[state.environment].telemetry
    return ReceiverConfig(
        app=app.app,
        environment=state.environment,
        http=Address(LOOPBACK, ports.http),
        grpc=Address(LOOPBACK, ports.grpc),
        store=state.telemetry,
        logs=state.logs,
        ledger=state.ledger,
        run=run.number,
        started_at=run.started_at,
        retention=_retention(telemetry.store),
        forward=telemetry.otlp,
        services={name: _facts(service) for name, service in app.services.items()},
        slos=tuple(_objective(name, slo) for name, slo in app.slos.items()),
    )


def open_telemetry(state: StateDir) -> Telemetry:
    """What was kept, also while nothing runs; Unavailable where nothing ever was."""
    # Late: the store's reader loads protobuf, which most commands have no use for.
    from fairway.telemetry.store.reading import StoredTelemetry  # noqa: PLC0415

    if not state.telemetry.is_dir():
        raise nothing_kept(state)
    return StoredTelemetry(state.telemetry, time.time)


def nothing_kept(state: StateDir) -> Unavailable:
    """Nobody has ever received telemetry here."""
    return Unavailable(
        "no-telemetry",
        "no telemetry is kept here",
        where=str(state.telemetry),
        remedy="start the app with `fairway up`; see telemetry.enabled in the app file",
    )


def _retention(kept: Kept) -> Retention:
    return Retention(kept.full, kept.sampled, kept.size, kept.rate, kept.slow)


def _facts(service: Service) -> ServiceFacts:
    intents = service.intents.items()
    paths = tuple(IntentPath(name, each.method, each.path) for name, each in intents)
    return ServiceFacts(paths, library=service.library)


def _objective(name: str, slo: Slo) -> Objective:
    return Objective(name, slo.service, slo.intent, slo.availability, slo.p95, slo.p99, slo.window)
