"""What legacy upstreams still get of public routes, by the versions that should be there. Pure.

Used by every target for its view of the mesh: a version says for each of its routes whether it
leaves it where it was, so a route is shifted by the very weights that shift its service.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from fairway.plan.legacy import LegacyPart, RouteKey, legacy_parts
from fairway.plan.release import Json
from fairway.targets.contract import Routing
from fairway.targets.mesh.view import STABLE, LegacyShare, LegacyUpstream, Version


class Intended(Protocol):
    """A version that should be there: its name, its declaration, its percent of new requests."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def declared(self) -> Json: ...  # noqa: D102

    @property
    def weight(self) -> int: ...  # noqa: D102


def legacy_shares(
    services: Mapping[str, Sequence[Intended]],
    routing: Routing | None,
    divided: Mapping[str, Iterable[Version]],
) -> dict[RouteKey, LegacyShare]:
    """What legacy upstreams get of public routes: the requests of the versions that leave it them.

    The others are for the versions that do not, whatever the weights between all of them. While
    none of these has a healthy replica (`divided` says who has), the upstream gets theirs as well.
    """
    return {
        key: _share(key, part, versions, (service, routing), divided.get(service, ()))
        for service, versions in services.items()
        for key, part in legacy_parts(
            {v.name: v.declared for v in versions}, {v.name: v.weight for v in versions}
        ).items()
    }


def leavers(
    services: Mapping[str, Sequence[Intended]], routing: Routing | None, service: str
) -> dict[RouteKey, str]:
    """By route, the version of a service that leaves it as it was; of several, the stable one."""
    candidate = _candidate(routing, service)
    leaving: dict[RouteKey, str] = {}
    for version in sorted(services.get(service, ()), key=lambda v: v.name == candidate):
        for key in _left(version):
            leaving.setdefault(key, version.name)
    return leaving


def _share(
    key: RouteKey,
    part: LegacyPart,
    versions: Sequence[Intended],
    traffic: tuple[str, Routing | None],
    divided: Iterable[Version],
) -> LegacyShare:
    upstream = LegacyUpstream(part.url)
    takers = {v.name for v in versions if key not in _left(v)}
    if not any(version.endpoints for version in divided if version.name in takers):
        return LegacyShare(upstream)
    service, routing = traffic
    return LegacyShare(upstream, part.percent, _cohort(routing, service, takers))


def _cohort(routing: Routing | None, service: str, takers: Collection[str]) -> str:
    """The cohort that a route goes to while a deployment moves it; empty without one."""
    candidate = _candidate(routing, service)
    if routing is None or candidate is None or not routing.cohort:
        return ""
    return routing.cohort if candidate in takers else STABLE


def _candidate(routing: Routing | None, service: str) -> str | None:
    split = routing.services.get(service) if routing is not None else None
    return split.candidate if split is not None else None


def _left(version: Intended) -> Collection[RouteKey]:
    """The routes that a version leaves to a legacy upstream."""
    return legacy_parts({version.name: version.declared}, {})
