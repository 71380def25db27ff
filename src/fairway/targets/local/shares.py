"""From what should be here and what is healthy to the versions that the mesh divides. Pure.

Used by `LocalSystem` for every view of the mesh.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from fairway.targets.local.desired import Desired, Key
from fairway.targets.local.group import Endpoint
from fairway.targets.local.ledger import ProcessRecord
from fairway.targets.local.mesh.view import Version

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


def endpoints_of(running: Iterable[ProcessRecord]) -> dict[str, tuple[Endpoint, ...]]:
    """Where replicas that outlived their control plane listen: they serve all along."""
    found: dict[str, list[Endpoint]] = {}
    for record in running:
        if record.kind == "service" and record.port is not None:
            found.setdefault(record.name, []).append(Endpoint(record.version, record.port))
    return {name: tuple(sorted(endpoints)) for name, endpoints in found.items()}
