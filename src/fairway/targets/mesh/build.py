"""From the app, its ports, the running versions and the access table to a `MeshView`. Pure.

Who calls it: the local system, whenever replicas, weights or policies change. It guarantees
default deny twice over: a caller appears in a grant only if the app file declares the call *and*
the access table says that a policy may allow it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from fairway.model.app import App
from fairway.model.services import (
    Call,
    CircuitBreaking,
    Client,
    PublicRoute,
    Retries,
    Service,
)
from fairway.targets.contract import Routing
from fairway.targets.mesh.trials import STICKY_COOKIE, on_trial
from fairway.targets.mesh.view import (
    GATEWAY,
    Egress,
    GatewayRoute,
    GatewayView,
    Grant,
    LegacyShare,
    LegacyUpstream,
    MeshView,
    PortPlan,
    Sidecar,
    Stream,
    Trial,
    Version,
    VersionEgress,
)

RouteKey = tuple[str | None, str]
"""A public route by its host (None: any) and its path."""


class Access(Protocol):
    """What the mesh needs of governance's access table."""

    def principals(self, service: str, intent: str) -> Collection[str]:
        """The names that a policy may allow to ask `service` for `intent`."""
        ...


def mesh_view(  # noqa: PLR0913, PLR0917 - what the whole data plane depends on, each of its own origin
    app: App,
    ports: PortPlan,
    versions: Mapping[str, tuple[Version, ...]],
    access: Access,
    environment: str,
    routing: Routing | None = None,
    legacy: Mapping[RouteKey, LegacyShare] | None = None,
) -> MeshView:
    """The data plane of `environment`. `app` has the environment's overrides merged in already.

    `routing` is the traffic of a deployment under way: it gives the versions of its services their
    weights and cohorts. Services that it does not name keep the weights that `versions` gives.
    `legacy` says of public routes, by host and path, how much of them a legacy upstream still gets;
    of others that declare one, it gets all.
    """
    telemetry = app.environments[environment].telemetry
    here = ports.telemetry
    sidecars = {
        name: _sidecar(app, name, ports, on_trial(name, versions.get(name, ()), routing), access)
        for name, service in app.services.items()
        if service.serves or service.calls
    }
    return MeshView(
        app=app.app,
        environment=environment,
        sidecars=sidecars,
        gateway=_gateway(app, ports, sidecars, routing, legacy or {}),
        otlp=here.url if here else telemetry.otlp,
        sampling=telemetry.share(kept_here=here is not None),
    )


def _sidecar(
    app: App,
    name: str,
    ports: PortPlan,
    state: tuple[tuple[Version, ...], Trial | None],
    access: Access,
) -> Sidecar:
    service = app.services[name]
    versions, trial = state
    return Sidecar(
        service=name,
        protocol=service.speaks,
        inbound_port=ports.inbound[name] if service.serves else None,
        egress_port=ports.egress[name],
        versions=versions,
        grants=_grants(app, name, access),
        public=service.public,
        health=service.health,
        limits=_limits(_callers(app, name)),
        egress=tuple(
            egress_to(call, callee, app.services[callee], ports.egress_to[name, callee])
            for callee, call in service.calls.items()
        ),
        trial=trial,
        own_egress=_own_egress(name, service, ports),
    )


def _own_egress(name: str, service: Service, ports: PortPlan) -> tuple[VersionEgress, ...]:
    versions = sorted(version for owner, version in ports.egress_of if owner == name)
    return tuple(
        VersionEgress(
            version,
            ports.egress_port(name, version),
            {callee: ports.egress_to_of[name, callee, version] for callee in service.calls},
        )
        for version in versions
    )


def _grants(app: App, name: str, access: Access) -> tuple[Grant, ...]:
    callers = _callers(app, name)
    grants = []
    for intent, declared in app.services[name].intents.items():
        may_ask = {caller for caller, call in callers.items() if intent in call.intents}
        allowed = (may_ask | {GATEWAY}) & set(access.principals(name, intent))
        grants.append(
            Grant(intent, declared.method, declared.path, tuple(sorted(allowed)), declared.stream)
        )
    return tuple(grants)


def _callers(app: App, callee: str) -> dict[str, Call]:
    everyone: dict[str, Service | Client] = {**app.services, **app.clients}
    return {
        name: caller.calls[callee] for name, caller in everyone.items() if callee in caller.calls
    }


def _limits(callers: Mapping[str, Call]) -> CircuitBreaking:
    """Limits towards the replicas: room for the widest caller, ejection as the strictest wants.

    Callers see one address (the sidecar), so only the sidecar can eject a single replica.
    """
    if not callers:
        return CircuitBreaking()
    wishes = [call.circuit_breaking for call in callers.values()]
    return CircuitBreaking().model_copy(
        update={
            "max_connections": max(wish.max_connections for wish in wishes),
            "max_pending": max(wish.max_pending for wish in wishes),
            "max_requests": max(wish.max_requests for wish in wishes),
            "max_retries": max(wish.max_retries for wish in wishes),
            "consecutive_errors": min(wish.consecutive_errors for wish in wishes),
            "ejection": max(wish.ejection for wish in wishes),
        }
    )


def egress_to(call: Call, callee: str, service: Service, port: int) -> Egress:
    """One declared call, as the caller's sidecar makes it."""
    asked = [service.intents[intent] for intent in call.intents]
    return Egress(
        callee=callee,
        port=port,
        timeout=call.timeout,
        retries=call.retries,
        circuit_breaking=call.circuit_breaking,
        # Not by the fields that were set: of an app that was kept as JSON, all were.
        retry_unsafe=call.retries != Retries(),
        streams=tuple(Stream(intent.method, intent.path) for intent in asked if intent.stream),
    )


def _gateway(
    app: App,
    ports: PortPlan,
    sidecars: Mapping[str, Sidecar],
    routing: Routing | None,
    legacy: Mapping[RouteKey, LegacyShare],
) -> GatewayView:
    tried = routing is not None and any(sidecar.trial for sidecar in sidecars.values())
    return GatewayView(
        ports.gateway,
        _gateway_routes(app, legacy),
        cohort=routing.cohort if routing is not None and tried else "",
        remember_users=routing is not None and tried and routing.sticky == STICKY_COOKIE,
    )


def _gateway_routes(app: App, legacy: Mapping[RouteKey, LegacyShare]) -> tuple[GatewayRoute, ...]:
    return tuple(
        GatewayRoute(
            route.host,
            route.path,
            name,
            legacy.get((route.host, route.path)) or _declared_legacy(route),
        )
        for name, service in app.services.items()
        for route in service.public
    )


def _declared_legacy(route: PublicRoute) -> LegacyShare | None:
    return None if route.legacy is None else LegacyShare(LegacyUpstream(route.legacy))
