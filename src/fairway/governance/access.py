"""Who may POSSIBLY reach which intent: the part of the policies that the mesh can enforce.

The mesh renders it into RBAC, so policies bind every program, with or without the library. Exact
where the policies of a call read no context; where they do, the caller is let through to the
library, which decides (and validation refuses such policies on services without the library).
Declared calls only: the mesh is never more open than the app file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fairway.governance.bundle import declared_calls, public_calls
from fairway.governance.generate import generate_policies
from fairway.model.app import App
from fairway_runtime.policy.bundle import DeclaredCall
from fairway_runtime.policy.engine import Slice
from fairway_runtime.policy.slices import Policy, PolicyIndex, parse_policies

GATEWAY = "gateway"
"""How the public gateway is named in SPIFFE identities and in this table."""

Conditional = tuple[str, str, tuple[str, ...]]
"""`(service, intent, policy ids)`: policies that only the library can decide."""


@dataclass(frozen=True, slots=True)
class AccessTable:
    """`allowed` maps `(service, intent)` to names; absent means nobody."""

    allowed: Mapping[tuple[str, str], frozenset[str]]
    conditional: tuple[Conditional, ...]

    def principals(self, service: str, intent: str) -> frozenset[str]:
        """The names (`orbit`, `web`, `gateway`) that may possibly be allowed."""
        return self.allowed.get((service, intent), frozenset())


def compile_access(app: App, policies_text: str | None) -> AccessTable:
    """The table for an app and its policies; None stands for the generated policies.

    Raises InvalidPolicies when the text cannot be parsed.
    """
    text = generate_policies(app) if policies_text is None else policies_text
    policies = parse_policies(text)
    everything = PolicyIndex(policies)
    context_free = PolicyIndex(policy for policy in policies if policy.context_free)
    allowed: dict[tuple[str, str], set[str]] = {}
    conditional: dict[tuple[str, str], list[str]] = {}
    for call in (*declared_calls(app), *public_calls(app)):
        kind, caller, service, intent = call
        reading = _reading_context(everything, call)
        if _possible(context_free, call, reading):
            allowed.setdefault((service, intent), set()).add(
                GATEWAY if kind == "Gateway" else caller
            )
            conditional.setdefault((service, intent), []).extend(each.id for each in reading)
    return AccessTable(
        allowed={key: frozenset(names) for key, names in allowed.items()},
        conditional=tuple(
            (service, intent, tuple(dict.fromkeys(ids)))
            for (service, intent), ids in conditional.items()
            if ids
        ),
    )


def _reading_context(index: PolicyIndex, call: DeclaredCall) -> tuple[Policy, ...]:
    kind, caller, service, intent = call
    matching = index.slice((kind, caller), ("Action", intent), ("Service", service))
    return tuple(policy for policy in matching if not policy.context_free)


def _possible(context_free: PolicyIndex, call: DeclaredCall, reading: Iterable[Policy]) -> bool:
    """Whether some context allows it: a permit may apply and no forbid applies regardless."""
    forbidden, permitted = _regardless(context_free, call)
    return not forbidden and (permitted or any(policy.effect == "permit" for policy in reading))


def _regardless(context_free: PolicyIndex, call: DeclaredCall) -> tuple[bool, bool]:
    """Whether the policies that read no context forbid the call, and whether they permit it."""
    kind, caller, service, intent = call
    matching = context_free.slice((kind, caller), ("Action", intent), ("Service", service))
    if not any(policy.conditional for policy in matching):
        effects = {policy.effect for policy in matching}
        return "forbid" in effects, "permit" in effects
    verdict = Slice(context_free, (kind, caller), service, intent).fixed
    assert verdict is not None  # policies that read no context are decided at once
    return not verdict.allowed and bool(verdict.policies), verdict.allowed
