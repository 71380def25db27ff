"""The configuration of the receiver of telemetry: the model's words in those of `telemetry/`. Pure.

`receiving.py` asks, once services are up.
"""

from __future__ import annotations

from fairway.model.app import App, Slo
from fairway.model.services import Service
from fairway.model.telemetry import Kept
from fairway.targets.local.layout import StateDir
from fairway.targets.local.ports import LOOPBACK
from fairway.targets.local.receiver import Run
from fairway.targets.mesh.view import TelemetryPorts
from fairway.telemetry.config import (
    Address,
    IntentPath,
    Objective,
    ReceiverConfig,
    Retention,
    ServiceFacts,
)


def receiver_config(app: App, state: StateDir, ports: TelemetryPorts, run: Run) -> ReceiverConfig:
    """Everything that the receiver is told."""
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


def _retention(kept: Kept) -> Retention:
    return Retention(kept.full, kept.sampled, kept.size, kept.rate, kept.slow)


def _facts(service: Service) -> ServiceFacts:
    intents = service.intents.items()
    paths = tuple(IntentPath(name, each.method, each.path) for name, each in intents)
    return ServiceFacts(paths, library=service.library)


def _objective(name: str, slo: Slo) -> Objective:
    return Objective(name, slo.service, slo.intent, slo.availability, slo.p95, slo.p99, slo.window)
