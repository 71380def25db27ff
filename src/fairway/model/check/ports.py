"""Fixed ports: a port belongs to one service, or to the gateway of an environment."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.check.subject import Finding, Subject


def check_ports(subject: Subject) -> Iterator[Finding]:
    """No port is taken twice."""
    taken: dict[int, str] = {}
    for name, service in subject.app.services.items():
        if service.port is None:
            continue
        if service.port in taken:
            yield Finding(
                ("services", name, "port"),
                "duplicate-port",
                f"the port {service.port} is already that of '{taken[service.port]}'",
                "choose another port, or remove it: Fairway assigns a free one",
            )
        taken.setdefault(service.port, name)
    yield from _gateways(subject, taken)


def _gateways(subject: Subject, taken: dict[int, str]) -> Iterator[Finding]:
    for name, environment in subject.app.environments.items():
        if subject.environment not in (None, name):
            continue
        # An environment with overrides is judged by its own view, where ports may differ.
        if subject.environment is None and environment.overrides:
            continue
        port = environment.gateway.port
        if port in taken:
            yield Finding(
                ("environments", name, "gateway", "port"),
                "duplicate-port",
                f"the gateway's port {port} is already that of '{taken[port]}'",
                "choose another port for the gateway or for the service",
            )
