"""One app out of those that are in force at once: what both releases of a deployment may do. Pure.

Targets give the result to the mesh and to the policies. Until a deployment has settled, the
old version and the new one run side by side: each keeps its intents, its calls and its public
routes, and where the two disagree the newer one's word counts. Afterwards the newer app alone is in
force, and what only the old one could do is refused again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

from fairway.errors import InvalidInput
from fairway.model.app import App
from fairway.model.services import Call, Client, Health, Service


def merged(apps: Sequence[App], running: Iterable[str] = ()) -> App:
    """The union of `apps`, the newest last.

    A service that the newest no longer has stays for as long as it is `running`.
    """
    union = reduce(_both, apps)
    wanted = {*apps[-1].services, *running}
    services = {name: service for name, service in union.services.items() if name in wanted}
    return union.model_copy(update={"services": _without_lost_callees(services)})


def _both(old: App, new: App) -> App:
    services = {**old.services, **new.services}
    for name in old.services.keys() & new.services.keys():
        services[name] = _service(name, old.services[name], new.services[name])
    clients = {**old.clients, **new.clients}
    for name in old.clients.keys() & new.clients.keys():
        clients[name] = Client(calls=_calls(old.clients[name].calls, new.clients[name].calls))
    return new.model_copy(update={"services": services, "clients": clients})


def _service(name: str, old: Service, new: Service) -> Service:
    if (old.speaks, old.serves) != (new.speaks, new.serves):
        raise InvalidInput(
            "protocol-changes",
            f"{name} cannot be reached in two ways at once ({_way(old)}, {_way(new)}), as "
            "it would have to be beside its version before",
            where=f"services.{name}",
            remedy="give the service of the other kind or protocol another name",
        )
    joint = {
        "intents": {**old.intents, **new.intents},
        "calls": _calls(old.calls, new.calls),
        "public": tuple(dict.fromkeys((*new.public, *_kept_routes(old, new)))),
        "secrets": tuple(dict.fromkeys((*old.secrets, *new.secrets))),
        "health": _health(old.health, new.health),
    }
    return new.model_copy(update=joint)


def _way(service: Service) -> str:
    return service.speaks if service.serves else "not at all"


def _kept_routes(old: Service, new: Service) -> list[object]:
    """The old public routes at whose place the new version has none."""
    places = {(route.host, route.path) for route in new.public}
    return [route for route in old.public if (route.host, route.path) not in places]


def _calls(old: Mapping[str, Call], new: Mapping[str, Call]) -> dict[str, Call]:
    calls = {**old, **new}
    for callee in old.keys() & new.keys():
        intents = tuple(dict.fromkeys((*new[callee].intents, *old[callee].intents)))
        calls[callee] = new[callee].model_copy(update={"intents": intents})
    return calls


def _health(old: Health, new: Health) -> Health:
    """The mesh checks all versions alike: with two paths only whether the port is open.

    The supervisor goes on checking each by its own path, and tells the mesh who is healthy.
    """
    return new if old.path == new.path else new.model_copy(update={"path": None})


def _without_lost_callees(services: Mapping[str, Service]) -> dict[str, Service]:
    """Nobody calls what is not there any more."""
    return {
        name: service.model_copy(
            update={"calls": {c: call for c, call in service.calls.items() if c in services}}
        )
        for name, service in services.items()
    }
