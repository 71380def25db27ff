"""Names of callers: services and clients share one namespace, in which `gateway` is taken."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.check.subject import Finding, Subject

GATEWAY = "gateway"
"""The name of the gateway's own SPIFFE ID."""


def check_identities(subject: Subject) -> Iterator[Finding]:
    """No two callers have one identity."""
    for key in ("services", "clients"):
        if GATEWAY in subject.names(key):
            yield Finding(
                (key, GATEWAY),
                "reserved-name",
                f"the name '{GATEWAY}' belongs to Fairway's own gateway",
                f"choose another name, such as 'edge-{GATEWAY}'",
                at_key=True,
            )
    for name in sorted(subject.names("services") & subject.names("clients")):
        yield Finding(
            ("clients", name),
            "name-collision",
            f"the client '{name}' has the name of a service: both would be one identity",
            f"rename one of them, such as '{name}-client'",
            at_key=True,
        )
