"""What an app file means must hold together: names resolve, ports are unique, kinds agree.

Called by `load`, for the app as declared and again for every environment with overrides. Each
check is a pure function from a `Subject` to findings; adding a rule is adding a function to
`CHECKS`. A check sees only what is valid on its own, and asks `Subject` before it concludes
anything from something's absence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fairway.model.check.aws import check_aws
from fairway.model.check.aws_names import check_aws_names
from fairway.model.check.calls import check_calls
from fairway.model.check.cost import check_cost
from fairway.model.check.environments import check_environments
from fairway.model.check.flags import check_flags
from fairway.model.check.gates import check_gates
from fairway.model.check.hooks import check_hooks
from fairway.model.check.identities import check_identities
from fairway.model.check.kinds import check_kinds
from fairway.model.check.notify import check_notify
from fairway.model.check.ports import check_ports
from fairway.model.check.rotation import check_rotation
from fairway.model.check.routes import check_routes
from fairway.model.check.secrets import check_secrets
from fairway.model.check.slos import check_slos
from fairway.model.check.stores import check_stores
from fairway.model.check.subject import Finding, Subject

__all__ = ["CHECKS", "Finding", "Subject", "check_app"]

CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    check_identities,
    check_kinds,
    check_calls,
    check_routes,
    check_ports,
    check_secrets,
    check_slos,
    check_stores,
    check_environments,
    check_aws,
    check_aws_names,
    check_rotation,
    check_cost,
    check_gates,
    check_hooks,
    check_notify,
    check_flags,
)


def check_app(subject: Subject) -> Iterator[Finding]:
    """Everything that does not hold together, in no particular order."""
    for check in CHECKS:
        yield from check(subject)
