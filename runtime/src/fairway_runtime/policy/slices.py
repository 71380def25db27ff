"""Which policies can matter to one (principal, action, resource), and which context keys they read.

Used by the engine and by the control plane's access table. Pure. It guarantees that evaluating a
slice gives what evaluating the whole set gives: a policy is left out only when its scope cannot
match, and Cedar ignores such a policy. Entities have no parents here (see
docs/how-to/write-policies.md), so `in` means `==` and every scope is one key: anything, a type, or
one entity.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from itertools import product
from typing import Any, Literal, assert_never

from cedarpy import PolicySet, pst

Key = tuple[str, str | None] | None
"""What a scope asks for: None anything, `("Service", None)` a type, `("Service", "axon")` one."""

Entity = tuple[str, str]
Effect = Literal["permit", "forbid"]


class InvalidPolicies(ValueError):
    """Policy text that Cedar cannot read; the text is Cedar's own."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One parsed policy. `reads` are the context keys it reads; None means the whole context."""

    id: str
    effect: Effect
    conditional: bool
    reads: frozenset[str] | None
    principal: Key
    actions: tuple[Key, ...]
    resource: Key
    node: pst.Template

    @property
    def context_free(self) -> bool:
        """Whether the outcome depends on principal, action and resource alone."""
        return self.reads is not None and not self.reads


def parse_policies(text: str) -> tuple[Policy, ...]:
    """The policies of a Cedar text, in order; raises InvalidPolicies. Templates are left out:
    nothing links them here, so they can never apply.
    """
    try:
        nodes = PolicySet.from_str(text).to_pst().static_policies
    except ValueError as error:
        raise InvalidPolicies(str(error)) from error
    ordered = sorted(nodes.values(), key=lambda node: int(node.id.removeprefix("policy")))
    return tuple(_policy(node) for node in ordered)


class PolicyIndex:
    """All policies by scope: a slice costs what it holds, however many policies there are."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies: tuple[Policy, ...] = tuple(policies)
        self._by_scope: dict[tuple[Key, Key, Key], list[int]] = defaultdict(list)
        self._permits_by_action: dict[Key, list[Policy]] = defaultdict(list)
        self._permits_by_principal: dict[Key, list[Policy]] = defaultdict(list)
        for position, policy in enumerate(self.policies):
            for action in policy.actions:
                self._by_scope[policy.principal, action, policy.resource].append(position)
            if policy.effect == "permit":
                self._index_permit(policy)

    def slice(self, principal: Entity, action: Entity, resource: Entity) -> tuple[Policy, ...]:
        """Every policy whose scope matches, in the order of the text."""
        scopes = product(_keys(principal), (action, None), _keys(resource))
        found = {position for scope in scopes for position in self._by_scope.get(scope, ())}
        return tuple(self.policies[position] for position in sorted(found))

    def near(self, principal: Entity, action: Entity, resource: Entity) -> Iterator[Policy]:
        """Permits whose scope differs from the request in exactly one of its three parts."""
        candidates = [
            *self._permits_by_action.get(action, ()),
            *self._permits_by_principal.get(principal, ()),
        ]
        seen: set[str] = set()
        for policy in candidates:
            if policy.id not in seen and len(misses(policy, principal, action, resource)) == 1:
                seen.add(policy.id)
                yield policy

    def _index_permit(self, policy: Policy) -> None:
        for action in policy.actions:
            self._permits_by_action[action].append(policy)
        self._permits_by_principal[policy.principal].append(policy)


def misses(
    policy: Policy, principal: Entity, action: Entity, resource: Entity
) -> tuple[Literal["principal", "action", "resource"], ...]:
    """The parts of the policy's scope that do not match the request."""
    found: list[Literal["principal", "action", "resource"]] = []
    if policy.principal not in _keys(principal):
        found.append("principal")
    if action not in policy.actions and None not in policy.actions:
        found.append("action")
    if policy.resource not in _keys(resource):
        found.append("resource")
    return tuple(found)


def subset(policies: Iterable[Policy]) -> PolicySet:
    """A Cedar policy set of just these, each under its original (positional) Cedar id."""
    nodes = pst.FrozenMap({policy.node.id: policy.node for policy in policies})
    return PolicySet.from_pst(
        pst.PolicySet(templates=pst.FrozenMap(), static_policies=nodes, template_links=())
    )


def context_keys(node: pst.Template) -> frozenset[str] | None:
    """The context keys that the conditions read; None where the context is used as a whole."""
    keys: set[str] = set()
    stack: list[Any] = list(node.clauses)
    while stack:
        current = stack.pop()
        match current:
            case pst.GetAttr(base=pst.Var(name="context"), attr=attr):
                keys.add(attr)
            case pst.HasAttr(base=pst.Var(name="context"), attrs=attrs):
                keys.add(attrs[0])
            case pst.Var(name="context"):
                return None
            case _:
                stack.extend(_children(current))
    return frozenset(keys)


def _children(node: Any) -> Iterable[Any]:
    if isinstance(node, Mapping):
        return node.values()
    if isinstance(node, tuple):
        return node
    if is_dataclass(node):
        return [getattr(node, field.name) for field in fields(node)]
    return ()


def _policy(node: pst.Template) -> Policy:
    return Policy(
        id=node.annotations.get("id") or node.id,
        effect=node.effect,
        conditional=bool(node.clauses),
        reads=context_keys(node),
        principal=_scope_key(node.principal),
        actions=_action_keys(node.action),
        resource=_scope_key(node.resource),
        node=node,
    )


_NEVER: Key = ("", None)
"""No entity type has an empty name."""


def _scope_key(scope: pst.PrincipalOrResourceConstraint) -> Key:
    match scope:
        case pst.ScopeAny():
            return None
        case pst.ScopeIs(entity_type=kind):
            return str(kind), None
        case pst.ScopeEq(entity=entity) | pst.ScopeIn(entity=entity):
            return _entity_key(entity)
        case pst.ScopeIsIn(entity_type=kind, entity=entity):
            key = _entity_key(entity)
            return key if key is not None and key[0] == str(kind) else _NEVER
        case _:
            assert_never(scope)


def _action_keys(scope: pst.ActionConstraint) -> tuple[Key, ...]:
    match scope:
        case pst.ScopeAny():
            return (None,)
        case pst.ActionEq(entity=entity):
            return (_entity_key(entity),)
        case pst.ActionIn(entities=entities):
            return tuple(dict.fromkeys(_entity_key(entity) for entity in entities))
        case _:
            assert_never(scope)


def _entity_key(entity: pst.EntityOrSlot) -> Key:
    return (str(entity.type), entity.id) if isinstance(entity, pst.EntityUid) else _NEVER


def _keys(entity: Entity) -> tuple[Key, Key, Key]:
    return entity, (entity[0], None), None
