"""access.auto.tfvars: every permission of every service's role, each with its reason. Pure.

The permissions are derived in `grants/`; the root module resolves what they are about to ARNs.
"""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.app import App
from fairway.targets.aws import names
from fairway.targets.aws.grants.derive import grants_of, starting_grants_of
from fairway.targets.aws.grants.grant import Grant
from fairway.targets.aws.values.edge import has_gateway
from fairway.targets.aws.values.hcl import Assign, Note, Value
from fairway.targets.aws.values.place import Place
from fairway.targets.aws.values.services import secrets_in_use


def access(place: Place) -> tuple[Assign, ...]:
    """What programs may do, and what ECS may to start them, by service; the gateway is one."""
    where = (_in_use(place), place.standing.environment, place.region)
    running: dict[str, Value] = {
        name: [_grant(grant) for grant in grants_of(*where, name)] for name in _holders(place)
    }
    starting: dict[str, Value] = {
        name: [_grant(grant) for grant in starting_grants_of(*where, name)]
        for name in _holders(place)
    }
    comment = "What ECS may do to start their tasks."
    return (Assign("grants", running), Assign("starting_grants", starting, comment, apart=True))


def _in_use(place: Place) -> App:
    """The app with the secrets of versions that still run: their tasks are started anew as well."""
    services = {
        name: service.model_copy(update={"secrets": secrets_in_use(place, name, service)})
        for name, service in place.app.services.items()
    }
    return place.app.model_copy(update={"services": services})


def _holders(place: Place) -> Iterator[str]:
    if has_gateway(place):
        yield names.GATEWAY
    for name, service in sorted(place.app.services.items()):
        if service.kind != "static":
            yield name


def _grant(grant: Grant) -> Value:
    statement: dict[str, Value] = {
        "sid": grant.sid,
        "actions": list(grant.actions),
        "resource": {"kind": grant.resource.kind, "name": grant.resource.name},
    }
    if grant.conditions:
        statement["conditions"] = [
            {"test": each.test, "variable": each.variable, "values": list(each.values)}
            for each in grant.conditions
        ]
    return Note(statement, f"because {grant.reason}")
