"""The policy bundle of an app: what every replica gets to decide by (`FAIRWAY_POLICY_FILE`).

Built by the control plane at each policy activation and each change of the app file. Pure: the
version arrives as an argument, equal arguments give an equal bundle and an equal digest.
"""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.app import App
from fairway.model.services import Calls, Service
from fairway_runtime.intents import IntentRoute, covers
from fairway_runtime.policy.bundle import (
    PUBLIC,
    BundleService,
    DeclaredCall,
    PolicyBundle,
    PublicPath,
)


def build_bundle(app: App, environment: str, version: int, policies_text: str) -> PolicyBundle:
    """The bundle of policy-set `version`; the text is not validated here (see `validation.py`)."""
    return PolicyBundle(
        version=version,
        app=app.app,
        environment=environment,
        policies=policies_text,
        services={name: _bundle_service(each) for name, each in sorted(app.services.items())},
        clients=tuple(sorted(app.clients)),
        calls=frozenset(declared_calls(app)),
    )


def declared_calls(app: App) -> Iterator[DeclaredCall]:
    """Every call that the app file declares, services before clients, in the file's order."""
    for name, service in app.services.items():
        yield from _calls("Service", name, service.calls)
    for name, client in app.clients.items():
        yield from _calls("Client", name, client.calls)


def public_calls(app: App) -> Iterator[DeclaredCall]:
    """What the anonymous gateway may ask for: each intent under a public route of its service."""
    for name, service in app.services.items():
        for intent, route in service.intents.items():
            if any(covers(public.path, route.path) for public in service.public):
                yield "Gateway", PUBLIC, name, intent


def _calls(kind: str, caller: str, calls: Calls) -> Iterator[DeclaredCall]:
    for callee, call in calls.items():
        for intent in call.intents:
            yield kind, caller, callee, intent


def _bundle_service(service: Service) -> BundleService:
    return BundleService(
        intents={
            name: IntentRoute(name, intent.method, intent.path, intent.stream)
            for name, intent in service.intents.items()
        },
        public=tuple(PublicPath(route.path, route.host) for route in service.public),
        health=service.health.path,
        library=service.library,
    )
