"""Decisions: who is allowed, why, by what; and that nothing whatever makes `decide` raise."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runtime.tests.policy.policy_samples import NOON, ORBIT, PUBLIC, WEB, bundle

from fairway_runtime.policy.bundle import InvalidBundle
from fairway_runtime.policy.engine import Decision, DecisionIds, PolicyEngine, Principal
from fairway_runtime.policy.slices import InvalidPolicies

ENGINE = PolicyEngine.from_bundle(bundle())


def test_a_permitted_declared_call_is_allowed_and_says_by_what() -> None:
    decision = ENGINE.decide(ORBIT, "axon", "reason", NOON)
    assert decision.allowed
    assert decision.policies == ("reason",)
    assert decision.policy_set == 3
    assert decision.reason == "policy reason permits service orbit to ask axon for reason"


def test_a_condition_decides_by_the_context() -> None:
    assert ENGINE.decide(ORBIT, "axon", "item", NOON).allowed
    late = ENGINE.decide(ORBIT, "axon", "item", {**NOON, "hour": 20})
    assert not late.allowed
    assert late.policies == ()
    assert "by-day (its condition does not hold)" in late.reason


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ("context == {hour: 9}", {"hour": 9}, True),
        ("context == {hour: 9}", {"hour": 9, "signed": True}, False),
        ("{all: context}.all.hour == 9", {"hour": 9, "cohort": "blue"}, True),
        ("{all: context}.all.hour == 9", {"hour": 8}, False),
        ("if principal is Service then context has cohort else false", {"cohort": ""}, True),
        ("if principal is Service then context has cohort else false", {"hour": 1}, False),
        ('context["path"] like "/a*"', {"path": "/ab"}, True),
    ],
)
def test_every_way_to_read_the_context_counts(
    condition: str, context: dict[str, Any], allowed: bool
) -> None:
    """A slice that is believed to read nothing would be decided once, for every context."""
    engine = PolicyEngine.from_text(f"permit (principal, action, resource) when {{ {condition} }};")
    assert engine.decide(ORBIT, "axon", "reason", {"signed": False}).allowed is False
    assert engine.decide(ORBIT, "axon", "reason", context).allowed is allowed


def test_a_forbid_beats_every_permit() -> None:
    decision = ENGINE.decide(ORBIT, "axon", "item", {**NOON, "signed": False})
    assert not decision.allowed
    assert decision.policies == ("no-unsigned",)
    assert decision.reason == "policy no-unsigned forbids service orbit to ask axon for item"


def test_a_forbid_that_cannot_be_evaluated_denies() -> None:
    """Cedar would skip it, and so allow: a missing context key must not open a door."""
    decision = ENGINE.decide(ORBIT, "axon", "item", {"hour": 12})
    assert not decision.allowed
    assert "cannot be evaluated" in decision.reason


def test_the_gateway_is_held_to_public_routes() -> None:
    assert ENGINE.decide(PUBLIC, "orbit", "dispatch", NOON).allowed
    assert "under no public route" in ENGINE.decide(PUBLIC, "orbit", "admin", NOON).reason


def test_a_permit_without_a_declared_call_does_not_allow() -> None:
    engine = PolicyEngine.from_bundle(bundle("permit (principal, action, resource);"))
    assert engine.decide(WEB, "orbit", "dispatch", NOON).allowed
    refused = engine.decide(WEB, "orbit", "admin", NOON)
    assert refused.reason == "the app file declares no call of client web to orbit for admin"


def test_a_denial_names_the_permits_that_come_close() -> None:
    decision = ENGINE.decide(WEB, "axon", "reason", NOON)
    assert decision.reason == (
        "no policy permits client web to ask axon for reason; "
        'permits that come close: reason (is for Service::"orbit")'
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ((Principal("Service", "nobody"), "axon", "reason"), "declares no service nobody"),
        ((ORBIT, "nowhere", "reason"), "declares no service nowhere"),
        ((ORBIT, "axon", "nothing"), "declares no intent nothing"),
        ((Principal("Gateway", "back-door"), "orbit", "dispatch"), "Gateway back-door"),
        ((Principal("Person", "root"), "axon", "reason"), "not 'Person'"),  # type: ignore[arg-type]
        ((ORBIT, "", "reason"), "non-empty"),
    ],
)
def test_unknown_names_are_denied(asked: tuple[Any, str, str], words: str) -> None:
    decision = ENGINE.decide(*asked, NOON)
    assert not decision.allowed
    assert words in decision.reason


@pytest.mark.parametrize(
    "context", [{"hour": "12"}, {"signed": 1}, {"hour": True}, {"colour": "red"}, {1: 2}, [], None]
)
def test_a_malformed_context_is_denied_also_where_no_policy_reads_it(context: Any) -> None:
    assert not ENGINE.decide(ORBIT, "axon", "item", context).allowed
    malformed = ENGINE.decide(ORBIT, "axon", "reason", context)
    assert not malformed.allowed or context == []


def test_a_number_that_cedar_cannot_hold_is_denied() -> None:
    assert not ENGINE.decide(ORBIT, "axon", "item", {**NOON, "hour": 2**70}).allowed


junk = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.binary(), st.lists(st.text()),
    st.dictionaries(st.text(), st.integers()), st.tuples(st.text(), st.text()),
)  # fmt: skip


@given(junk, junk, junk, st.one_of(junk, st.dictionaries(st.sampled_from(list(NOON)), junk)))
@settings(max_examples=300)
def test_nothing_makes_decide_raise_or_allow(
    principal: Any, service: Any, intent: Any, context: Any
) -> None:
    decision = ENGINE.decide(principal, service, intent, context)
    assert isinstance(decision, Decision)
    assert not decision.allowed
    assert decision.reason


@given(st.dictionaries(st.sampled_from(list(NOON)), junk))
def test_no_context_makes_decide_raise(context: Any) -> None:
    assert ENGINE.decide(ORBIT, "axon", "item", context).reason


def test_ids_are_unique_between_threads_and_processes() -> None:
    new_id = DecisionIds()
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.extend(new_id() for _ in range(500))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 2000
    assert new_id() != DecisionIds()()


def test_a_forked_process_cannot_repeat_an_id() -> None:
    new_id = DecisionIds("same")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100).decode() != new_id()


def test_context_keys_tell_what_a_call_depends_on() -> None:
    assert ENGINE.context_keys(ORBIT, "axon", "reason") == frozenset()
    assert ENGINE.context_keys(ORBIT, "axon", "item") == {"hour", "signed"}
    assert ENGINE.context_keys(ORBIT, "axon", "nothing") == frozenset()


@pytest.mark.parametrize("principal", [ORBIT, WEB])
def test_what_reads_no_context_is_settled_once_it_was_decided(principal: Principal) -> None:
    engine = PolicyEngine.from_bundle(bundle())
    asked = (principal, "axon", "reason")
    assert engine.settled(*asked) is None
    decided = engine.decide(*asked, NOON)
    settled = engine.settled(*asked)
    assert settled is not None
    assert settled[:4] == decided[:4]
    assert settled.decision_id != decided.decision_id


@pytest.mark.parametrize("intent", ["item", "undeclared"])
def test_a_condition_and_an_undeclared_call_are_never_settled(intent: str) -> None:
    engine = PolicyEngine.from_bundle(bundle())
    engine.decide(ORBIT, "axon", intent, NOON)
    assert engine.settled(ORBIT, "axon", intent) is None


def test_text_that_is_not_cedar_makes_no_engine() -> None:
    with pytest.raises(InvalidPolicies):
        PolicyEngine.from_text("permit (principal, action);")
    with pytest.raises(InvalidBundle, match="cannot be read"):
        PolicyEngine.from_bundle(bundle("permit (principal, action);"))


def test_no_policies_deny_everything() -> None:
    decision = PolicyEngine.from_bundle(bundle("")).decide(ORBIT, "axon", "reason", NOON)
    assert decision.reason == "no policy permits service orbit to ask axon for reason"


def test_caches_stay_bounded_and_keep_answering() -> None:
    engine = PolicyEngine.from_text(
        'permit (principal, action, resource) when { context.path like "/even*" };'
    )
    for number in range(3000):
        path = f"/even{number}" if number % 2 == 0 else f"/odd{number}"
        assert engine.decide(ORBIT, "axon", "reason", {"path": path}).allowed == (number % 2 == 0)
