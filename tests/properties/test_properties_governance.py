"""Properties of governance: slicing never changes a decision, the mesh is never stricter than the
library nor more open than the app file, any policy text validates or is refused with a place.
"""

from __future__ import annotations

import re
from typing import Any

import cedarpy
from hypothesis import given, settings
from hypothesis import strategies as st

from fairway.governance.access import compile_access
from fairway.governance.bundle import build_bundle
from fairway.governance.cedar_text import Source, combine, split_policies, tokenize
from fairway.governance.validation import validate
from fairway.model.app import App
from fairway_runtime.policy.engine import PolicyEngine, Principal
from fairway_runtime.policy.slices import PolicyIndex, parse_policies

NAMES = ("axon", "orbit", "web")
INTENTS = ("reason", "item", "dispatch")

entities = st.builds(
    '{}::"{}"'.format, st.sampled_from(["Service", "Client", "Gateway"]), st.sampled_from(NAMES)
)
kinds = st.sampled_from(["Service", "Client", "Gateway", "Space::Service"])
actions = st.sampled_from([f'Action::"{name}"' for name in INTENTS])


def scopes(variable: str) -> st.SearchStrategy[str]:
    return st.one_of(
        st.just(variable),
        st.builds(f"{variable} == {{}}".format, entities),
        st.builds(f"{variable} in {{}}".format, entities),
        st.builds(f"{variable} is {{}}".format, kinds),
        st.builds(f"{variable} is {{}} in {{}}".format, kinds, entities),
    )


action_scopes = st.one_of(
    st.just("action"),
    st.builds("action == {}".format, actions),
    st.builds("action in {}".format, actions),
    st.lists(actions, max_size=3).map(lambda chosen: f"action in [{', '.join(chosen)}]"),
)
tests = st.sampled_from(
    [
        "true", "false", "context.hour < 12", 'context.path like "/a*"', "context.signed",
        'context["source"] == "mesh"', "context has cohort", "context has colour",
        "context has cohort && context.cohort == \"blue\"", "context.colour == 1",
        "context == {hour: 9}", "{all: context}.all.hour > 9", "principal == resource",
        "principal is Service", "principal in resource", "principal.team == 1", "1 + 1 == 2",
        'action == Action::"reason"', "context.hour + 9223372036854775807 > 0",
        'if context.signed then context.hour == 9 else principal is Client',
        "[9, 10].contains(context.hour)", 'resource == Service::"axon"',
    ]
)  # fmt: skip
conditions = st.one_of(
    tests,
    st.builds("({}) && ({})".format, tests, tests),
    st.builds("({}) || ({})".format, tests, tests),
    st.builds("!({})".format, tests),
)
clauses = st.lists(
    st.builds("{} {{ {} }}".format, st.sampled_from(["when", "unless"]), conditions), max_size=2
).map(" ".join)
policies = st.builds(
    "{} ({}, {}, {}) {};".format,
    st.sampled_from(["permit", "permit", "forbid"]),
    scopes("principal"),
    action_scopes,
    scopes("resource"),
    clauses,
)
policy_sets = st.lists(policies, max_size=12).map("\n".join)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "hour": st.sampled_from([0, 9, 10, 23]),
        "path": st.sampled_from(["/a", "/b"]),
        "signed": st.booleans(),
        "source": st.sampled_from(["mesh", "gateway"]),
        "cohort": st.sampled_from(["", "blue"]),
    },
)
principals = st.builds(
    Principal, st.sampled_from(["Service", "Client", "Gateway"]), st.sampled_from(NAMES)
)


@given(
    policy_sets,
    st.lists(
        st.tuples(principals, st.sampled_from(NAMES), st.sampled_from(INTENTS), contexts),
        min_size=1,
        max_size=6,
    ),
)
@settings(max_examples=400)
def test_a_sliced_decision_equals_the_decision_of_the_whole_set(
    text: str, questions: list[tuple[Principal, str, str, dict[str, Any]]]
) -> None:
    engine = PolicyEngine.from_text(text)
    for principal, service, intent, context in questions:
        decision = engine.decide(principal, service, intent, context)
        expected, ids = _whole_set(text, principal, service, intent, context)
        assert decision.allowed == expected
        assert set(decision.policies) == ids
        assert engine.decide(principal, service, intent, context).allowed == expected


def _whole_set(
    text: str, principal: Principal, service: str, intent: str, context: dict[str, Any]
) -> tuple[bool, set[str]]:
    """Cedar on everything at once, with the one stricter rule: a forbid that fails denies."""
    request = {
        "principal": {"type": principal.kind, "id": principal.name},
        "action": {"type": "Action", "id": intent},
        "resource": {"type": "Service", "id": service},
        "context": context,
    }
    result = cedarpy.is_authorized(request, text, "[]")
    forbids = "\n".join(line for line in text.splitlines() if line.startswith("forbid"))
    if result.allowed and cedarpy.is_authorized(request, forbids, "[]").diagnostics.errors:
        return False, set()
    return result.allowed, set(result.diagnostics.reasons)


@given(policy_sets)
@settings(max_examples=150)
def test_a_slice_holds_exactly_the_policies_whose_scope_matches(text: str) -> None:
    index = PolicyIndex(parse_policies(text))
    for policy in index.policies:
        for service in NAMES:
            chosen = index.slice(("Service", "orbit"), ("Action", "item"), ("Service", service))
            alone = re.sub(r"\) (when|unless).*;$", ");", text.splitlines()[int(policy.id[6:])])
            request = {
                "principal": 'Service::"orbit"',
                "action": 'Action::"item"',
                "resource": f'Service::"{service}"',
            }
            applies = bool(cedarpy.is_authorized(request, alone, "[]").diagnostics.reasons)
            assert (policy in chosen) == applies


APP = App.model_validate(
    {
        "app": "shop",
        "services": {
            "axon": {
                "run": "x",
                "library": True,
                "intents": {"reason": "POST /reason", "item": "GET /items/{id}"},
            },
            "orbit": {
                "run": "x",
                "public": "/api",
                "intents": {"dispatch": "POST /api/dispatch", "item": "GET /items/{id}"},
                "calls": {"axon": ["reason", "item"]},
            },
        },
        "clients": {"web": {"calls": {"orbit": ["dispatch"], "axon": ["item"]}}},
    }
)


@given(policy_sets, st.lists(contexts, min_size=1, max_size=5))
@settings(max_examples=150)
def test_the_mesh_lets_in_whoever_the_library_may_allow_and_only_declared_callers(
    text: str, seen: list[dict[str, Any]]
) -> None:
    table = compile_access(APP, text)
    engine = PolicyEngine.from_bundle(build_bundle(APP, "local", 1, text))
    conditional = {(service, intent) for service, intent, _ in table.conditional}
    everybody = [
        Principal("Service", "orbit"),
        Principal("Client", "web"),
        Principal("Service", "axon"),
        Principal("Gateway", "public"),
    ]
    for service, declared in APP.services.items():
        for intent in declared.intents:
            for principal in everybody:
                name = "gateway" if principal.kind == "Gateway" else principal.name
                let_in = name in table.principals(service, intent)
                decisions = [
                    engine.decide(principal, service, intent, each).allowed for each in seen
                ]
                assert let_in or not any(decisions)
                exact = not engine.context_keys(principal, service, intent)
                assert not exact or let_in == all(decisions)
                assert exact or not let_in or (service, intent) in conditional


fragments = st.lists(
    st.sampled_from(
        [
            "permit",
            "(",
            "principal",
            ",",
            "action",
            "resource",
            ")",
            ";",
            "when",
            "{",
            "}",
            "==",
            "context",
            ".",
            "hour",
            "<",
            "3",
            '"',
            "@id",
            "//",
            "\n",
            "Service",
            "::",
            '"axon"',
            "?",
            "is",
            "\\",
        ]
    ),
    max_size=25,
).map(" ".join)


@given(st.one_of(st.text(max_size=80), policy_sets, fragments))
@settings(max_examples=400)
def test_any_text_validates_or_is_refused_with_a_place_in_it(text: str) -> None:
    findings = validate(APP, [Source("p.cedar", text)])
    lines = text.split("\n")
    for problem in (*findings.problems, *findings.warnings):
        assert problem.message
        assert problem.remedy
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
    if not findings.problems:
        PolicyEngine.from_text(combine([Source("p.cedar", text)]))


@given(st.text(max_size=120))
def test_tokens_and_policies_lose_no_text(text: str) -> None:
    offset = 0
    for token in tokenize(text):
        assert text[token.offset : token.offset + len(token.text)] == token.text
        assert token.offset >= offset
        offset = token.offset + len(token.text)
    found = [token for each in split_policies(Source("p", text)) for token in each.tokens]
    assert found == list(tokenize(text))
