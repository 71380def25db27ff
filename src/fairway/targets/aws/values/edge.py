"""edge.auto.tfvars: what the public reaches, and services that a load balancer divides. Pure.

Public requests go to the gateway's Envoys, which know every route (their files are no values); only
services outside the mesh and static sites need a rule of a load balancer or of CloudFront.
"""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.services import PublicRoute, Service
from fairway.targets.aws.names import GATEWAY, load_balancer, target_group
from fairway.targets.aws.standing.state import SLOTS, StandingVersion
from fairway.targets.aws.values.hcl import Assign, Value
from fairway.targets.aws.values.place import FIRST, Place


def edge(place: Place) -> tuple[Assign, ...]:
    """Names of load balancers and target groups, static sites, and rules."""
    return (*_public(place), *_internal(place), *_static(place), *_rules(place))


def _public(place: Place) -> Iterator[Assign]:
    app, environment = place.app.app, place.standing.environment
    if has_gateway(place) or any(service.public for _, service in _outside(place)):
        yield Assign("public_load_balancer", load_balancer(app, environment, "public"))
        if len(place.regions) > 1 and (path := health_path(place)) != "/":
            yield Assign("health_path", path)
    if has_gateway(place):
        group = target_group(app, environment, GATEWAY, SLOTS[0])
        comment = "The Envoys behind it open the public routes of the app file."
        yield Assign("gateway", {"target_group": group}, comment)


def _internal(place: Place) -> Iterator[Assign]:
    called = {callee for service in place.app.services.values() for callee in service.calls}
    if any(name in called for name, _ in _outside(place)):
        name = load_balancer(place.app.app, place.standing.environment, "internal")
        comment = "Calls to services outside the mesh go through it."
        yield Assign("internal_load_balancer", name, comment, apart=True)


def _static(place: Place) -> Iterator[Assign]:
    sites = {name: _site(place, name, service) for name, service in _sites(place)}
    if sites and place.role == "primary":
        yield Assign("sites", sites, "CloudFront serves them in all regions.", apart=True)


def _rules(place: Place) -> Iterator[Assign]:
    rules = {name: _rule(place, name, service) for name, service in _outside(place)}
    if rules:
        comment = "Services outside the mesh: load balancers divide their requests."
        yield Assign("rules", rules, comment, apart=True)


def health_path(place: Place) -> str:
    """A public path that answers 2xx while the region works: a health path below a public one."""
    for _, service in sorted(place.app.services.items()):
        path = service.health.path
        for route in service.public:
            if path is not None and route.host is None and _is_below(path, route.path):
                return path
    return "/"


def _is_below(path: str, public: str) -> bool:
    return path == public or path.startswith(public.rstrip("/") + "/")


def has_gateway(place: Place) -> bool:
    """Whether a service in the mesh is public."""
    services = place.app.services.items()
    return any(service.public and place.in_mesh(name, service) for name, service in services)


def _sites(place: Place) -> Iterator[tuple[str, Service]]:
    for name, service in sorted(place.app.services.items()):
        if service.kind == "static":
            yield name, service


def _outside(place: Place) -> Iterator[tuple[str, Service]]:
    for name, service in sorted(place.app.services.items()):
        if service.serves and service.kind != "static" and not place.in_mesh(name, service):
            yield name, service


def _site(place: Place, name: str, service: Service) -> Value:
    versions = sorted(place.versions(name), key=lambda version: version.weight)
    shown = versions[-1].name if versions else FIRST
    return {"hosts": _hosts(place, name, service), "folder": f"/{shown}"}


def _hosts(place: Place, name: str, service: Service) -> list[str]:
    """As declared; else its own name below the domain, whose load balancer has the others."""
    domain = place.environment.aws.domain or ""
    declared = [route.host for route in service.public if route.host is not None]
    return list(dict.fromkeys(declared)) or [f"{name}.{domain}"]


def _route(route: PublicRoute) -> Value:
    return {"path": route.path, **({"host": route.host} if route.host else {})}


def _rule(place: Place, name: str, service: Service) -> Value:
    found: dict[str, Value] = {}
    if service.public:
        found["public"] = [_route(route) for route in service.public]
    found["weights"] = weights(place.versions(name))
    return found


def weights(versions: tuple[StandingVersion, ...]) -> dict[str, Value]:
    """Percent by slot when the rule is made; afterwards a deployment shifts them.

    All slots are in it, free ones with nothing: Terraform leaves the rule alone later, and ECS
    takes a target group only once a rule knows it.
    """
    now = {version.slot: version.weight for version in versions} or {SLOTS[0]: 100}
    return {slot: now.get(slot, 0) for slot in SLOTS}
