"""What the relay hands events to: one listener outside of Fairway.

`webhook`, `slack` and `bus` implement it; `listeners` makes them from the app file. Guarantee asked
of an implementation: `send` returns once the other side has taken the event, raises `Unavailable`
when it may take it later, `Refused` when it never will, and names no secret in either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fairway.delivery.events import Json
from fairway.errors import Unavailable

SecretOf = Callable[[str], str | None]
"""The value of a secret by its name, None while it has none; asked anew for every event."""


class Sink(Protocol):
    """One listener."""

    @property
    def name(self) -> str:
        """The same after every restart, unlike any other's, and without secrets."""
        ...

    def wants(self, kind: str) -> bool:
        """Whether it listens to this type: `DeploymentSucceeded`."""
        ...

    async def send(self, event: Json) -> None:
        """Hand over a CloudEvent."""
        ...

    async def close(self) -> None:
        """Give connections up."""
        ...


def value_of(secret_of: SecretOf, name: str) -> str:
    """The value of a secret; Unavailable while nobody has set it."""
    value = secret_of(name)
    if value is None:
        raise Unavailable(
            "secret-unset",
            f"the secret {name} has no value",
            remedy=f"set it with `fairway secrets set {name}`",
        )
    return value
