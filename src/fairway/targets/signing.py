"""Who signs calls, and what a caller and a callee are given for it. Pure.

Used by every target, which keeps the secrets its own way. A callee is given keys that are derived
for itself and for some days (UTC), which forge nothing elsewhere; only declared callers are in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from fairway.model.app import App
from fairway_runtime.sigv4.keys import derive_signing_key

KNOWN_AFTER = 150.0
"""Until every task far away has heard of a new key: its agent looks once a minute. Seconds."""
OVERLAP = timedelta(minutes=15)
"""How long the key before a rotation stays valid: requests are refused after 5 minutes anyway."""
AROUND = range(-1, 2)
"""Yesterday, today and tomorrow: clocks differ, and nobody renews at midnight sharp."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signs calls, and whom it may call."""

    kind: Literal["Service", "Client"]
    callees: frozenset[str]


@dataclass(frozen=True, slots=True)
class Key:
    """One secret of a caller. `expires` (seconds since the epoch) is set once it is replaced.

    `since` is set of a key that signs only from then on, because its callees have yet to hear of it
    from far away; it stands before the one that signs until then.
    """

    key_id: str
    secret: str = field(repr=False)
    expires: float | None = None
    since: float = 0.0

    def valid(self, now: float) -> bool:
        """Whether it may still be used to verify."""
        return self.expires is None or now < self.expires


Keys = Mapping[str, tuple[Key, ...]]


def signing_callers(app: App) -> dict[str, Caller]:
    """Who signs in an app: services that use the library, and clients."""
    services = {
        name: Caller("Service", frozenset(service.calls))
        for name, service in app.services.items()
        if service.library
    }
    clients = {name: Caller("Client", frozenset(c.calls)) for name, c in app.clients.items()}
    return services | clients


def verifying_services(app: App) -> frozenset[str]:
    """Who verifies signatures: services that use the library."""
    return frozenset(name for name, service in app.services.items() if service.library)


def signing_document(name: str, caller: Caller, region: str, keys: Sequence[Key]) -> dict[str, Any]:
    """The content of a caller's `signing.json`: its last key signs. Pure."""
    return {
        "identity": name,
        "kind": caller.kind,
        "region": region,
        "keys": [{"key_id": key.key_id, "secret": key.secret} for key in keys],
    }


def verifying_document(  # noqa: PLR0913, PLR0917 - the parts of one document
    service: str,
    region: str,
    callers: Mapping[str, Caller],
    keys: Keys,
    now: datetime,
    around: Iterable[int] = AROUND,
) -> dict[str, Any]:
    """The content of a callee's `verifying.json`: derived keys of its declared callers. Pure."""
    days = [(now + timedelta(days=shift)).strftime("%Y%m%d") for shift in around]
    entries = [
        {
            "key_id": key.key_id,
            "caller": name,
            "kind": caller.kind,
            "date": day,
            "key": derive_signing_key(key.secret, day, region, service).hex(),
        }
        for name, caller in sorted(callers.items())
        if service in caller.callees
        for key in keys[name]
        if key.valid(now.timestamp())
        for day in days
    ]
    return {"service": service, "region": region, "keys": entries}
