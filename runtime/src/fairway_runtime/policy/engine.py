"""May this principal ask this service for this intent? Decided in process, default deny.

The ASGI wrapper asks for every request, the client for `ask`, the control plane for `/v1/decide`.
Policies are parsed once and sliced by scope (`slices.py`); a slice whose policies read no context
is evaluated once and remembered, any other is given only the context keys that it reads.

Guarantees: `decide` never raises; whatever is unknown, undeclared or malformed is denied. One rule
is stricter than Cedar's: when a `forbid` cannot be evaluated (a context key is missing) the answer
is deny, where Cedar would skip the forbid.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

from cedarpy import Entities, PolicySet, is_authorized

from fairway_runtime.forks import process_id
from fairway_runtime.policy import reasons
from fairway_runtime.policy.bundle import InvalidBundle, PolicyBundle
from fairway_runtime.policy.slices import (
    Entity,
    InvalidPolicies,
    Policy,
    PolicyIndex,
    parse_policies,
    subset,
)

Kind = Literal["Service", "Client", "Gateway"]
KINDS: Final = frozenset({"Service", "Client", "Gateway"})

CONTEXT: Final[Mapping[str, type]] = {
    "environment": str,
    "method": str,
    "path": str,
    "release": str,
    "signed": bool,
    "cohort": str,
    "hour": int,
    "weekday": int,
    "source": str,
}
"""The fixed context: every key a policy may read, and its type (Cedar String, Bool, Long)."""

_SLICES_KEPT = 16_384
_VERDICTS_KEPT = 1_024
_NO_ENTITIES = Entities.from_json_str("[]")
_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode

Context = Mapping[str, object]


class Principal(NamedTuple):
    """Who asks: `Principal("Service", "orbit")`. A tuple, because it is hashed on every request."""

    kind: Kind
    name: str


class Decision(NamedTuple):
    """The answer to one request; `policies` are the ids that decided, `policy_set` the version."""

    allowed: bool
    reason: str
    policies: tuple[str, ...]
    policy_set: int
    decision_id: str


class Verdict(NamedTuple):
    """A decision without its identity: what the policies say, the same each time."""

    allowed: bool
    reason: str
    policies: tuple[str, ...]


class DecisionIds:
    """Unique ids from a random prefix, the process id (so a fork cannot repeat one) and a count."""

    __slots__ = ("_count", "_prefix")

    def __init__(self, prefix: str | None = None) -> None:
        self._prefix = prefix if prefix is not None else os.urandom(8).hex()
        self._count = itertools.count(1)

    def __call__(self) -> str:
        """The next id."""
        return f"{self._prefix}-{process_id():x}-{next(self._count):x}"


class PolicyEngine:
    """The policies of one version, ready to decide. Immutable to its users; one per bundle."""

    __slots__ = ("_index", "_new_id", "_slices", "bundle", "policy_set")

    def __init__(
        self,
        policies: str,
        *,
        policy_set: int = 0,
        bundle: PolicyBundle | None = None,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self.policy_set = policy_set
        self.bundle = bundle
        self._index = PolicyIndex(parse_policies(policies))
        self._slices: dict[tuple[Principal, str, str], Slice] = {}
        self._new_id = new_id or DecisionIds()

    @classmethod
    def from_bundle(
        cls, bundle: PolicyBundle, *, new_id: Callable[[], str] | None = None
    ) -> PolicyEngine:
        """Decides by the bundle's policies AND its declared calls; raises InvalidBundle."""
        try:
            return cls(bundle.policies, policy_set=bundle.version, bundle=bundle, new_id=new_id)
        except InvalidPolicies as error:
            raise InvalidBundle(f"its policies cannot be read: {error}") from error

    @classmethod
    def from_text(
        cls, policies: str, *, policy_set: int = 0, new_id: Callable[[], str] | None = None
    ) -> PolicyEngine:
        """Decides by policies alone (no declared calls to check); raises InvalidPolicies."""
        return cls(policies, policy_set=policy_set, new_id=new_id)

    def decide(self, principal: Principal, service: str, intent: str, context: Context) -> Decision:
        """The answer, always: an unknown name, a malformed context or a failure is a denial."""
        try:
            verdict = self._verdict(principal, service, intent, context)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the caller gets a denial
            verdict = Verdict(False, f"the decision failed: {error!r}", ())
        allowed, reason, policies = verdict
        return Decision(allowed, reason, policies, self.policy_set, self._new_id())

    def settled(self, principal: Principal, service: str, intent: str) -> Decision | None:
        """What `decide` answers in any well-formed context, if that is known; None if it is not.

        Known is what was asked before and depends on policies that read no context.
        """
        found = self._slices.get((principal, service, intent))
        if found is None or found.fixed is None:
            return None
        return Decision(*found.fixed, self.policy_set, self._new_id())

    def refuse(self, reason: str) -> Decision:
        """A denial for a request that cannot even be asked, with an id like any other."""
        return Decision(False, reason, (), self.policy_set, self._new_id())

    def context_keys(self, principal: Principal, service: str, intent: str) -> frozenset[str]:
        """The context keys that matter to this call: empty means that the context is not read."""
        if reasons.undeclared(self.bundle, principal, service, intent):
            return frozenset()
        return frozenset(self._slice(principal, service, intent).keys)

    def _verdict(
        self, principal: Principal, service: str, intent: str, context: Context
    ) -> Verdict:
        found = self._slices.get((principal, service, intent))
        if found is None:
            refusal = _malformed_request(principal, service, intent) or reasons.undeclared(
                self.bundle, principal, service, intent
            )
            if refusal:
                return Verdict(False, refusal, ())
            found = self._slice(principal, service, intent)
        for key, value in context.items():
            if CONTEXT.get(key) is not type(value):
                return Verdict(False, _malformed_key(key, value), ())
        return found.fixed or found.verdict(context)

    def _slice(self, principal: Principal, service: str, intent: str) -> Slice:
        key = (principal, service, intent)
        found = self._slices.get(key)
        if found is None:
            if len(self._slices) >= _SLICES_KEPT:
                self._slices.clear()
            found = self._slices[key] = Slice(self._index, principal, service, intent)
        return found


class Slice:
    """The policies that can matter to one call, parsed apart, with what they said before."""

    __slots__ = (
        "_forbids", "_ids", "_index", "_policies", "_remembered", "_request", "_set",
        "fixed", "keys", "request",
    )  # fmt: skip

    def __init__(self, index: PolicyIndex, principal: Entity, service: str, intent: str) -> None:
        kind, name = principal
        self.request = reasons.Asked((kind, name), service, intent)
        self._index = index
        self._policies = index.slice((kind, name), ("Action", intent), ("Service", service))
        self._ids = {policy.node.id: policy.id for policy in self._policies}
        self._set = subset(self._policies)
        self._forbids = _forbids(self._policies)
        self._request = {
            "principal": {"type": kind, "id": name},
            "action": {"type": "Action", "id": intent},
            "resource": {"type": "Service", "id": service},
        }
        self._remembered: dict[tuple[object, ...], Verdict] = {}
        self.keys = _keys_read(self._policies)
        self.fixed = None if self.keys else self._evaluate({})

    def verdict(self, context: Context) -> Verdict:
        """What the policies say in a context whose keys and types are as in `CONTEXT`."""
        seen = tuple(map(context.get, self.keys))
        found = self._remembered.get(seen)
        if found is None:
            if len(self._remembered) >= _VERDICTS_KEPT:
                self._remembered.clear()
            found = self._remembered[seen] = self._evaluate(
                {key: context[key] for key in self.keys if key in context}
            )
        return found

    def _evaluate(self, context: Context) -> Verdict:
        request = {**self._request, "context": _encode(context)}
        result = is_authorized(request, self._set, _NO_ENTITIES)
        found = result.diagnostics
        decided = set(found.reasons)
        policies = tuple(name for each, name in self._ids.items() if each in decided)
        if not result.allowed:
            return Verdict(False, self._denial(policies, found.errors), policies)
        if found.errors and self._forbids is not None:
            unsure = is_authorized(request, self._forbids, _NO_ENTITIES).diagnostics.errors
            if unsure:
                return Verdict(False, reasons.unsure(self.request, unsure), ())
        return Verdict(True, reasons.allowed(self.request, policies), policies)

    def _denial(self, policies: tuple[str, ...], errors: list[str]) -> str:
        if policies:
            return reasons.forbidden(self.request, policies)
        return reasons.not_permitted(self.request, self._policies, self._index, errors)


def _forbids(policies: tuple[Policy, ...]) -> PolicySet | None:
    forbids = [policy for policy in policies if policy.effect == "forbid"]
    return subset(forbids) if forbids else None


def _keys_read(policies: tuple[Policy, ...]) -> tuple[str, ...]:
    keys: set[str] = set()
    for policy in policies:
        keys |= CONTEXT.keys() if policy.reads is None else policy.reads
    return tuple(sorted(keys))


def _malformed_request(principal: Principal, service: str, intent: str) -> str:
    kind, name = principal
    if kind not in KINDS:
        return f"a principal is a Service, a Client or the Gateway, not {kind!r}"
    if not all(isinstance(part, str) and part for part in (name, service, intent)):
        return "principal, service and intent must be non-empty names"
    return ""


def _malformed_key(key: object, value: object) -> str:
    if not isinstance(key, str) or key not in CONTEXT:
        return f"the context has an unknown key {key!r}; it knows {', '.join(CONTEXT)}"
    return f"context key {key} must be a {CONTEXT[key].__name__}, not a {type(value).__name__}"
