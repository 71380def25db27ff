"""Who is asking, and whether their role is enough: `by: Deployer` in a route's parameters.

The guard has established the actor; here a route says which role it needs. FastAPI puts the same
declaration into the OpenAPI document, as the role in an operation's `security`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes

from fairway.control.door import may
from fairway.delivery.port import Actor, Role
from fairway.errors import Refused

_documented = HTTPBearer(scheme_name="token", auto_error=False)
"""Only for the document: whoever comes this far has passed the guard."""


def actor_of(
    request: Request,
    needed: SecurityScopes,
    _: Annotated[object, Depends(_documented)],
) -> Actor:
    """Who asks; Refused with the role that is needed."""
    actor: Actor = request.state.actor
    for role in needed.scopes:
        check(actor, role)  # type: ignore[arg-type]  # the roles named below, as FastAPI types them
    return actor


def check(actor: Actor, role: Role) -> None:
    """Refused when the actor's role does not include `role`."""
    if not may(actor, role):
        raise Refused(
            "role-missing",
            f"this needs the role {role}; {actor.name} is {_with_article(actor.role)}",
            remedy=f"ask an admin for a token with the role {role}",
        )


def _with_article(role: Role) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"


Viewer = Annotated[Actor, Security(actor_of, scopes=["viewer"])]
Deployer = Annotated[Actor, Security(actor_of, scopes=["deployer"])]
Approver = Annotated[Actor, Security(actor_of, scopes=["approver"])]
Admin = Annotated[Actor, Security(actor_of, scopes=["admin"])]
