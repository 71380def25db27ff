"""Are these policies right for this app? Every problem with file, line, column and remedy, at once.

Called by `fairway validate`, `fairway policy validate` and before a policy set is created. Pure.
Steps, each on what the step before found sound:

    syntax of each policy ── names and ids ── Cedar's own type check ── what the mesh can enforce

Guarantees: any text whatever gives findings, never another exception; text without problems is
accepted by the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from cedarpy import Schema, validate_policies

from fairway.governance.bundle import declared_calls, public_calls
from fairway.governance.cedar_text import (
    PolicyText,
    Source,
    Token,
    context_references,
    entity_references,
    split_policies,
    type_references,
)
from fairway.governance.schema import cedar_schema, entity_names
from fairway.governance.syntax import DEEPEST, MOST_OPERATORS, error_of, locate, mentioned, too_deep
from fairway.model.app import App
from fairway.model.names import did_you_mean
from fairway.model.places import Findings, Place
from fairway_runtime.policy.bundle import DeclaredCall
from fairway_runtime.policy.engine import CONTEXT
from fairway_runtime.policy.slices import Policy, misses, parse_policies


def validate(app: App, sources: Iterable[Source]) -> Findings:
    """Problems (the policies must not be used) and warnings (a policy that can never apply)."""
    findings = Findings()
    written = [policy for source in sources for policy in split_policies(source)]
    _check_ids(written, findings)
    readable = [policy for policy in written if _is_readable(policy, findings)]
    names = entity_names(app)
    known = [policy for policy in readable if _names_exist(policy, names, findings)]
    _check_types(known, app, findings)
    _check_reach(known, app, findings)
    return findings


def _check_ids(policies: Iterable[PolicyText], findings: Findings) -> None:
    first: dict[str, PolicyText] = {}
    for policy in policies:
        other = first.setdefault(policy.id, policy)
        if other is not policy:
            place = _place(other, other.tokens[0])
            findings.error(
                _place(policy, policy.tokens[0]),
                "duplicate-policy-id",
                f"two policies have the id '{policy.id}'",
                f"give each its own @id; the other is at {place.file}:{place.line}",
            )


def _is_readable(policy: PolicyText, findings: Findings) -> bool:
    if not policy.ended:
        findings.error(
            _place(policy, policy.tokens[-1]),
            "policy-syntax",
            "the policy does not end",
            "end every policy with a semicolon",
        )
        return False
    deep = too_deep(policy)
    if deep is not None:
        findings.error(
            _place(policy, deep),
            "policy-too-large",
            f"the policy has more than {DEEPEST} nested brackets or {MOST_OPERATORS} operators",
            "split it into several policies",
        )
        return False
    error = error_of(policy.text)
    if error is not None:
        findings.error(
            _place(policy, locate(policy, error)),
            "policy-syntax",
            f"not a Cedar policy: {error}",
            "correct it; the syntax is at https://docs.cedarpolicy.com/policies/syntax-policy.html",
        )
        return False
    return not _has_slot(policy, findings)


def _has_slot(policy: PolicyText, findings: Findings) -> bool:
    slot = next((token for token in policy.tokens if token.text == "?"), None)
    if slot is not None:
        findings.error(
            _place(policy, slot),
            "policy-template",
            "the policy is a template: it has a slot that nothing fills, so it never applies",
            "name the principal or resource instead of the slot",
        )
    return slot is not None


def _names_exist(
    policy: PolicyText, known: Mapping[str, tuple[str, ...]], findings: Findings
) -> bool:
    sound = True
    for reference in entity_references(policy.tokens):
        if reference.kind not in known:
            sound = _unknown_kind(policy, reference.kind_token, reference.kind, findings)
        elif reference.name not in known[reference.kind]:
            names = known[reference.kind]
            sound = _unknown_name(policy, reference.name_token, reference.kind, names, findings)
    for token in type_references(policy.tokens):
        if token.text not in known:
            sound = _unknown_kind(policy, token, token.text, findings)
    for token in context_references(policy.tokens):
        if token.value not in CONTEXT:
            sound = _unknown_key(policy, token, findings)
    return sound


def _unknown_kind(policy: PolicyText, token: Token, kind: str, findings: Findings) -> bool:
    findings.error(
        _place(policy, token),
        "unknown-entity-type",
        f"there is no entity type '{kind}'",
        did_you_mean(
            kind, ("Service", "Client", "Gateway", "Action"), "use a type of the app's schema"
        ),
    )
    return False


def _unknown_name(
    policy: PolicyText, token: Token, kind: str, names: Iterable[str], findings: Findings
) -> bool:
    noun = {"Action": "intent", "Gateway": "gateway"}.get(kind, kind.lower())
    findings.error(
        _place(policy, token),
        f"unknown-{noun}",
        f"the app file declares no {noun} '{token.value}'",
        did_you_mean(token.value, names, "declare it in the app file, or correct the policy"),
    )
    return False


def _unknown_key(policy: PolicyText, token: Token, findings: Findings) -> bool:
    findings.error(
        _place(policy, token),
        "unknown-context-key",
        f"the context has no key '{token.value}'",
        did_you_mean(token.value, CONTEXT, f"the context has: {', '.join(CONTEXT)}"),
    )
    return False


def _check_types(policies: list[PolicyText], app: App, findings: Findings) -> None:
    schema = Schema.from_str(cedar_schema(app))
    result = validate_policies("\n".join(policy.text for policy in policies), schema)
    reported: set[tuple[str, Token]] = set()
    for found in result.errors:
        policy = policies[int(found.policy_id.removeprefix("policy"))]
        message = found.error.removeprefix(f"for policy `{found.policy_id}`").lstrip(",: ")
        token = mentioned(policy, message) or policy.head
        if (found.policy_id, token) in reported:
            continue  # Cedar repeats an error for each principal type and each action
        reported.add((found.policy_id, token))
        findings.error(
            _place(policy, token),
            "policy-type",
            f"policy '{policy.id}' does not fit the app: {message}",
            "see docs/how-to/write-policies.md for the entities and the context that exist",
        )


def _check_reach(written: list[PolicyText], app: App, findings: Findings) -> None:
    calls = tuple(chain(declared_calls(app), public_calls(app)))
    by_callee = _by_callee(calls)
    for policy, parsed in zip(written, _parsed(written), strict=True):
        reached = [call for call in _candidates(parsed, by_callee, calls) if _applies(parsed, call)]
        if not reached and parsed.effect == "permit":
            _warn_unreachable(policy, findings)
        if not parsed.context_free:
            blind = sorted({call[2] for call in reached if not app.services[call[2]].library})
            _check_enforceable(policy, blind, findings)


def _check_enforceable(policy: PolicyText, blind: Iterable[str], findings: Findings) -> None:
    for service in blind:
        findings.error(
            _place(policy, policy.head),
            "unenforceable-policy",
            f"policy '{policy.id}' reads the context, and applies to service '{service}', which "
            "does not use the library: only the library can evaluate a context",
            f"use fairway-runtime in '{service}' and set 'library: true' there, or limit the "
            "policy to other services, or take the condition away",
        )


def _warn_unreachable(policy: PolicyText, findings: Findings) -> None:
    findings.warn(
        _place(policy, policy.head),
        "unreachable-policy",
        f"policy '{policy.id}' can never apply: the app file declares no call that it permits",
        "declare the call under 'calls' of the caller, or delete the policy",
    )


def _by_callee(calls: Iterable[DeclaredCall]) -> dict[str, list[DeclaredCall]]:
    grouped: dict[str, list[DeclaredCall]] = {}
    for call in calls:
        grouped.setdefault(call[2], []).append(call)
    return grouped


def _candidates(
    policy: Policy, by_callee: dict[str, list[DeclaredCall]], calls: Iterable[DeclaredCall]
) -> Iterable[DeclaredCall]:
    """Where the resource is named, only the calls to it: 10,000 policies stay quick to check."""
    if policy.resource is None or policy.resource[1] is None:
        return calls
    return by_callee.get(policy.resource[1], ())


def _applies(policy: Policy, call: DeclaredCall) -> bool:
    kind, caller, callee, intent = call
    return not misses(policy, (kind, caller), ("Action", intent), ("Service", callee))


def _parsed(written: Iterable[PolicyText]) -> Iterator[Policy]:
    return iter(parse_policies("\n".join(policy.text for policy in written)))


def _place(policy: PolicyText, token: Token) -> Place:
    return Place(policy.source.file, *policy.source.position(token.offset))
