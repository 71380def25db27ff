"""From what should be here and what is healthy to what the mesh divides: versions of services, and
public routes between a service and what was before it. Pure.

Used by `LocalSystem` for every view of the mesh.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from fairway.plan.legacy import LegacyPart, RouteKey, legacy_parts
from fairway.plan.release import Json
from fairway.targets.local.desired import Desired, DesiredVersion, Key
from fairway.targets.local.group import Endpoint
from fairway.targets.local.ledger import ProcessRecord
from fairway.targets.mesh.view import STABLE, LegacyShare, LegacyUpstream, Version

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
    """What legacy upstreams get of public routes: the requests of the versions that leave it them.

    The others are for the versions that do not, whatever the weights between all of them. While
    none of these has a healthy replica (`divided` says who has), the upstream gets theirs as well.
    """
    return {
        key: _share(desired, service, key, part, divided.get(service, ()))
        for service, found in desired.services.items()
        for key, part in legacy_parts(*_declared_and_weights(found)).items()
    }


def leavers(desired: Desired, service: str) -> dict[RouteKey, str]:
    """By route, the version of a service that leaves it as it was; of several, the stable one."""
    candidate = _candidate(desired, service)
    leaving: dict[RouteKey, str] = {}
    for version in sorted(desired.services.get(service, ()), key=lambda v: v.name == candidate):
        for key in _left(version):
            leaving.setdefault(key, version.name)
    return leaving


def _share(
    desired: Desired, service: str, key: RouteKey, part: LegacyPart, divided: Iterable[Version]
) -> LegacyShare:
    upstream = LegacyUpstream(part.url)
    takers = {v.name for v in desired.services[service] if key not in _left(v)}
    if not any(version.endpoints for version in divided if version.name in takers):
        return LegacyShare(upstream)
    return LegacyShare(upstream, part.percent, _cohort(desired, service, takers))


def _cohort(desired: Desired, service: str, takers: Collection[str]) -> str:
    """The cohort that a route goes to while a deployment moves it; empty without one."""
    candidate = _candidate(desired, service)
    if desired.routing is None or candidate is None or not desired.routing.cohort:
        return ""
    return desired.routing.cohort if candidate in takers else STABLE


def _candidate(desired: Desired, service: str) -> str | None:
    split = desired.routing.services.get(service) if desired.routing is not None else None
    return split.candidate if split is not None else None


def _left(version: DesiredVersion) -> Collection[RouteKey]:
    """The routes that a version leaves to a legacy upstream."""
    return legacy_parts({version.name: version.declared}, {})


def _declared_and_weights(
    versions: Iterable[DesiredVersion],
) -> tuple[dict[str, Json], dict[str, int]]:
    found = tuple(versions)
    return {v.name: v.declared for v in found}, {v.name: v.weight for v in found}


def endpoints_of(running: Iterable[ProcessRecord]) -> dict[str, tuple[Endpoint, ...]]:
    """Where replicas that outlived their control plane listen: they serve all along."""
    found: dict[str, list[Endpoint]] = {}
    for record in running:
        if record.kind == "service" and record.port is not None:
            found.setdefault(record.name, []).append(Endpoint(record.version, record.port))
    return {name: tuple(sorted(endpoints)) for name, endpoints in found.items()}
