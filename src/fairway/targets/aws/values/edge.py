"""edge.auto.tfvars: what the public reaches, and services that a load balancer divides. Pure.

Public requests go to the gateway's Envoys, which know every route (their files are no values); only
services outside the mesh and static sites need a rule of a load balancer or of CloudFront.
"""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.services import PublicRoute, Service
from fairway.targets.aws.names import load_balancer, target_group
from fairway.targets.aws.standing import SLOTS, StandingVersion
from fairway.targets.aws.values.hcl import Assign, Value
from fairway.targets.aws.values.place import Place


def edge(place: Place) -> tuple[Assign, ...]:
    """Names of load balancers and target groups, static sites, and rules."""
    app, environment = place.app.app, place.standing.environment
    assigns = []
    if public(place):
        gateway = {
            "load_balancer": load_balancer(app, environment, "public"),
            "target_group": target_group(app, environment, "gateway", "a"),
        }
        assigns.append(Assign("gateway", gateway, "Who opens the public routes of the services."))
    sites = {name: _site(service) for name, service in _sites(place)}
    if sites and place.role == "primary":
        assigns.append(Assign("sites", sites, apart=True))
    rules = {name: _rule(place, name, service) for name, service in _outside(place)}
    if rules:
        comment = "Services outside the mesh: load balancers divide their requests."
        assigns.append(Assign("rules", rules, comment, apart=True))
    return tuple(assigns)


def public(place: Place) -> bool:
    """Whether anything that runs is public, so that there is a gateway."""
    return any(it.public and it.kind != "static" for it in place.app.services.values())


def _sites(place: Place) -> Iterator[tuple[str, Service]]:
    for name, service in sorted(place.app.services.items()):
        if service.kind == "static":
            yield name, service


def _outside(place: Place) -> Iterator[tuple[str, Service]]:
    for name, service in sorted(place.app.services.items()):
        if service.serves and service.kind != "static" and not place.in_mesh(name, service):
            yield name, service


def _site(service: Service) -> Value:
    return {"routes": [_route(route) for route in service.public]}


def _route(route: PublicRoute) -> Value:
    return {"path": route.path, **({"host": route.host} if route.host else {})}


def _rule(place: Place, name: str, service: Service) -> Value:
    found: dict[str, Value] = {}
    if service.public:
        found["public"] = [_route(route) for route in service.public]
    found["weights"] = weights(place.versions(name))
    return found


def weights(versions: tuple[StandingVersion, ...]) -> dict[str, Value]:
    """Percent by slot when the rule is made; afterwards a deployment shifts them."""
    if not versions:
        return {SLOTS[0]: 100}
    return {version.slot: version.weight for version in versions}
