"""Why a decision was made, in words for the person who reads a 403 or the audit log.

Called by the engine only, once per remembered verdict, so that the hot path formats nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from fairway_runtime.policy.bundle import PUBLIC, PolicyBundle
from fairway_runtime.policy.slices import Entity, Key, Policy, PolicyIndex, misses

_CLOSE_SHOWN = 3


class Asked(NamedTuple):
    """The question: which principal `(kind, name)` asks which service for which intent."""

    principal: Entity
    service: str
    intent: str

    def __str__(self) -> str:
        return f"{who(self.principal)} to ask {self.service} for {self.intent}"


def who(principal: Entity) -> str:
    """`service orbit`, `client web`, `the public gateway`."""
    kind, name = principal
    return "the public gateway" if kind == "Gateway" else f"{kind.lower()} {name}"


def allowed(asked: Asked, policies: Sequence[str]) -> str:
    """`policy a permits service orbit to ask axon for reason`."""
    return f"{_named(policies)} {_verb('permit', policies)} {asked}"


def forbidden(asked: Asked, policies: Sequence[str]) -> str:
    """`policy b forbids service orbit to ask axon for reason`."""
    return f"{_named(policies)} {_verb('forbid', policies)} {asked}"


def unsure(asked: Asked, errors: Iterable[str]) -> str:
    """A forbid could not be evaluated, so it counts as if it applied."""
    return f"a policy that may forbid {asked} cannot be evaluated: {'; '.join(errors)}"


def not_permitted(
    asked: Asked, matching: Iterable[Policy], index: PolicyIndex, errors: Sequence[str]
) -> str:
    """No permit applied: names the permits that come closest and what differs in each."""
    close = [
        f"{each.id} (its condition does not hold)"
        for each in matching
        if each.effect == "permit" and each.conditional
    ]
    scope = (asked.principal, ("Action", asked.intent), ("Service", asked.service))
    close += [
        f"{policy.id} ({_difference(policy, *scope)})"
        for policy in islice(index.near(*scope), _CLOSE_SHOWN)
    ]
    text = f"no policy permits {asked}"
    if close:
        text += f"; permits that come close: {', '.join(close[:_CLOSE_SHOWN])}"
    if errors:
        text += f"; not evaluated: {'; '.join(errors)}"
    return text


def undeclared(bundle: PolicyBundle | None, principal: Entity, service: str, intent: str) -> str:
    """Why the app file rules the call out before any policy is asked; empty when it does not."""
    if bundle is None or bundle.declares(*principal, service, intent):
        return ""
    kind, name = principal
    callee = bundle.services.get(service)
    if callee is None:
        return f"the app file declares no service {service}"
    if intent not in callee.intents:
        return f"service {service} declares no intent {intent}"
    if kind == "Gateway":
        known = name == PUBLIC
        return (
            f"intent {intent} of {service} is under no public route" if known
            else f"unknown principal Gateway {name}"
        )  # fmt: skip
    if name not in (bundle.services if kind == "Service" else bundle.clients):
        return f"the app file declares no {kind.lower()} {name}"
    return f"the app file declares no call of {who(principal)} to {service} for {intent}"


def _named(policies: Sequence[str]) -> str:
    return f"{'policy' if len(policies) == 1 else 'policies'} {', '.join(policies)}"


def _verb(verb: str, policies: Sequence[str]) -> str:
    return verb + "s" if len(policies) == 1 else verb


def _difference(policy: Policy, principal: Entity, action: Entity, resource: Entity) -> str:
    match misses(policy, principal, action, resource):
        case ("principal",):
            return f"is for {_described(policy.principal)}"
        case ("action",):
            return f"is for {', '.join(_described(action) for action in policy.actions)}"
        case _:
            return f"is for {_described(policy.resource)}"


def _described(key: Key) -> str:
    if key is None:
        return "anything"
    kind, name = key
    return f"any {kind}" if name is None else f'{kind}::"{name}"'
