"""From what should be here and what is healthy to what the mesh divides: versions of services, and
public routes between a service and what was before it. Pure.

Used by `LocalSystem` for every view of the mesh.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from fairway.plan.legacy import RouteKey
from fairway.targets.local.desired import Desired, Key
from fairway.targets.local.group import Endpoint
from fairway.targets.local.ledger import ProcessRecord
from fairway.targets.mesh import legacy
from fairway.targets.mesh.view import LegacyShare, Version

Endpoints = Mapping[str, tuple[Endpoint, ...]]
"""Where the healthy replicas of each service listen, all versions together."""


def versions(
    desired: Desired, leaving: Collection[Key], endpoints: Endpoints
) -> dict[str, tuple[Version, ...]]:
    """The versions of every service with their weights; those that are `leaving` have none, and
    finish what they were given.
    """
    weights = {(service, v.name): v.weight for service, v in desired.versions}
    weights |= dict.fromkeys(leaving, 0)
    found: dict[str, tuple[Version, ...]] = {}
    for (service, name), weight in sorted(weights.items()):
        ports = tuple(e.port for e in endpoints.get(service, ()) if e.version == name)
        found[service] = (*found.get(service, ()), Version(name, weight, ports))
    return found


def legacy_shares(
    desired: Desired, divided: Mapping[str, Iterable[Version]]
) -> dict[RouteKey, LegacyShare]:
    """What legacy upstreams get of public routes; `divided` says which versions are healthy."""
    return legacy.legacy_shares(desired.services, desired.routing, divided)


def leavers(desired: Desired, service: str) -> dict[RouteKey, str]:
    """By route, the version of a service that leaves it as it was; of several, the stable one."""
    return legacy.leavers(desired.services, desired.routing, service)


def endpoints_of(running: Iterable[ProcessRecord]) -> dict[str, tuple[Endpoint, ...]]:
    """Where replicas that outlived their control plane listen: they serve all along."""
    found: dict[str, list[Endpoint]] = {}
    for record in running:
        if record.kind == "service" and record.port is not None:
            found.setdefault(record.name, []).append(Endpoint(record.version, record.port))
    return {name: tuple(sorted(endpoints)) for name, endpoints in found.items()}
