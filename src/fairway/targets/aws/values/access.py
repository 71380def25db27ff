"""access.auto.tfvars: every permission of every service's role, each with its reason. Pure.

The permissions are derived in `grants/`; the root module resolves what they are about to ARNs.
"""

from __future__ import annotations

from collections.abc import Iterator

from fairway.targets.aws import names
from fairway.targets.aws.grants.derive import grants_of
from fairway.targets.aws.grants.grant import Grant
from fairway.targets.aws.values.edge import has_gateway
from fairway.targets.aws.values.hcl import Assign, Note, Value
from fairway.targets.aws.values.place import Place


def access(place: Place) -> tuple[Assign, ...]:
    """The variable `grants`, by service; the gateway is one of them."""
    environment = place.standing.environment
    entries: dict[str, Value] = {
        name: [_grant(grant) for grant in grants_of(place.app, environment, place.region, name)]
        for name in _holders(place)
    }
    return (Assign("grants", entries),)


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
