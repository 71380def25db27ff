"""access.auto.tfvars: every permission of every service's role, each with its reason. Pure.

The permissions are derived in `grants/`; the root module resolves what they are about to ARNs.
"""

from __future__ import annotations

from typing import Any

from fairway.targets.aws.values.hcl import Assign, Note, Value
from fairway.targets.aws.values.place import Place


def access(place: Place) -> tuple[Assign, ...]:
    """The variable `grants`, by service."""
    try:
        from fairway.targets.aws.grants import grants_of  # noqa: PLC0415
    except ModuleNotFoundError:
        return ()
    environment = place.standing.environment
    entries: dict[str, Value] = {
        name: [
            _grant(grant) for grant in grants_of(place.app, environment, place.region, name)
        ]
        for name, service in sorted(place.app.services.items())
        if service.kind != "static"
    }
    return (Assign("grants", entries),)


def _grant(grant: Any) -> Value:
    statement: dict[str, Value] = {
        "sid": grant.sid,
        "actions": list(grant.actions),
        "resource": {"kind": grant.resource.kind, "name": grant.resource.name},
    }
    if grant.conditions:
        statement["conditions"] = [dict(each) for each in grant.conditions]
    return Note(statement, grant.reason)
