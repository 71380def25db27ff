"""A small app's bundle for the tests of this folder."""

from __future__ import annotations

from fairway_runtime.intents import IntentRoute
from fairway_runtime.policy.bundle import BundleService, PolicyBundle, PublicPath
from fairway_runtime.policy.engine import Principal

ORBIT = Principal("Service", "orbit")
WEB = Principal("Client", "web")
PUBLIC = Principal("Gateway", "public")

NOON = {
    "environment": "local", "method": "POST", "path": "/reason", "release": "r1", "signed": True,
    "cohort": "", "hour": 12, "weekday": 3, "source": "mesh",
}  # fmt: skip

POLICIES = """
@id("reason")
permit (
  principal == Service::"orbit", action == Action::"reason", resource == Service::"axon"
);
@id("by-day")
permit (principal, action == Action::"item", resource == Service::"axon")
when { context.hour < 18 };
@id("no-unsigned")
forbid (principal, action == Action::"item", resource) unless { context.signed };
@id("web")
permit (
  principal == Client::"web", action == Action::"dispatch", resource == Service::"orbit"
);
@id("front")
permit (principal == Gateway::"public", action == Action::"dispatch", resource);
"""


def bundle(policies: str = POLICIES, version: int = 3) -> PolicyBundle:
    """orbit may ask axon to reason and for items; web and the public may ask orbit to dispatch."""
    return PolicyBundle(
        version=version,
        app="shop",
        environment="local",
        policies=policies,
        services={
            "axon": BundleService(
                {
                    "reason": IntentRoute("reason", "POST", "/reason"),
                    "item": IntentRoute("item", "GET", "/items/{id}"),
                },
                health="/health",
                library=True,
            ),
            "orbit": BundleService(
                {
                    "dispatch": IntentRoute("dispatch", "POST", "/api/dispatch"),
                    "admin": IntentRoute("admin", "POST", "/admin"),
                },
                public=(PublicPath("/api"),),
            ),
        },
        clients=("web",),
        calls=frozenset(
            {
                ("Service", "orbit", "axon", "reason"),
                ("Service", "orbit", "axon", "item"),
                ("Client", "web", "orbit", "dispatch"),
                ("Client", "web", "axon", "reason"),
            }
        ),
    )
