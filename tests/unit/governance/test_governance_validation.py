"""Every problem of a policy has the right place, and a remedy that names what was meant."""

from __future__ import annotations

import pytest
from tests.unit.governance.governance_samples import SHOP, findings, problems

from fairway.governance.cedar_text import Source, combine, split_policies, tokenize
from fairway.governance.generate import generate_policies
from fairway.governance.validation import validate
from fairway.model.app import App

SOUND = """\
// orbit reasons; a ; and a } in a comment
@id("orbit;reasons")
permit (
  principal == Service::"orbit",
  action == Action::"reason",
  resource == Service::"axon"
) when { context.hour < 18 && context.path like "/r;*" };

@id("web") permit (principal == Client::"web", action, resource);
"""


def test_sound_policies_have_no_findings() -> None:
    assert findings(SOUND).problems == ()
    assert findings(SOUND).warnings == ()
    assert findings("").problems == ()
    assert findings("// nothing here\n").problems == ()


def test_generated_policies_are_sound() -> None:
    assert findings(generate_policies(SHOP)).problems == ()
    assert findings(generate_policies(SHOP)).warnings == ()


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('permit (principal,\n action = Action::"item", resource);', 2, 9),
        ("permit (principal action, resource);", 1, 19),
        ("permit (principal, action, resource)\nwhen { context.hour == };", 2, 24),
        ("permitt (principal, action, resource);", 1, 1),
        ("permit (principal, resource, action);", 1, 20),
        ("permit (principal, action, resource) when { foo(1) };", 1, 45),
        ("permit (principal, action, resource)\n  when { 1 === 2 };", 2, 14),
        ("permit (principal, action, resource) if { true };", 1, 38),
        ('permit (principal, action, resource) when { "a };', 1, 45),
        ("@id(x) permit (principal, action, resource);", 1, 5),
        ("permit (principal, action, resource)", 1, 36),
        (";", 1, 1),
    ],
)
def test_a_syntax_error_is_found_where_it_is(text: str, line: int, column: int) -> None:
    sound = "permit (principal, action, resource);\n"
    assert problems(text) == [("policy-syntax", line, column)]
    assert problems(sound + text)[-1] == ("policy-syntax", line + 1, column)


def test_every_problem_is_reported_not_only_the_first() -> None:
    text = (
        'permit (principal == Service::"orbt", action == Action::"reasn", resource);\n'
        "permit (principal action, resource);\n"
        "permit (principal is Servise, action, resource) when { context.our < 3 };\n"
        'permit (principal, action == Action::"reason", resource) when { context.hour == "3" };\n'
        "permit (principal == ?principal, action, resource);\n"
    )
    assert problems(text) == [
        ("unknown-service", 1, 31),
        ("unknown-intent", 1, 57),
        ("policy-syntax", 2, 19),
        ("unknown-entity-type", 3, 22),
        ("unknown-context-key", 3, 64),
        ("policy-type", 4, 1),
        ("policy-template", 5, 22),
    ]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ('permit (principal == Service::"orbt", action, resource);', "did you mean 'orbit'?"),
        ('permit (principal, action == Action::"raeson", resource);', "did you mean 'reason'?"),
        ('permit (principal == Gateway::"publik", action, resource);', "did you mean 'public'?"),
        ('permit (principal == Servce::"orbit", action, resource);', "did you mean 'Service'?"),
        ('permit (principal == Client::"zzz", action, resource);', "known: web"),
        (
            'permit (principal, action == Action::"reason", resource) when { context["our"] < 3 };',
            "did you mean 'hour'?",
        ),
    ],
)
def test_a_mistyped_name_is_recognised(text: str, remedy: str) -> None:
    (problem,) = findings(text).problems
    assert remedy in problem.remedy


def test_cedars_type_errors_point_into_the_policy() -> None:
    text = (
        'permit (principal, action == Action::"reason", resource)\n'
        "  when { principal.team == 1 };\n"
    )
    assert problems(text) == [("policy-type", 2, 20)]


def test_a_duplicate_id_names_the_other_place() -> None:
    text = '@id("a") permit (principal, action, resource);\n' * 2
    (problem,) = findings(text).problems
    assert (problem.code, problem.line) == ("duplicate-policy-id", 2)
    assert "policies/p.cedar:1" in problem.remedy


def test_duplicates_are_found_across_files() -> None:
    text = '@id("a") permit (principal, action, resource);'
    found = validate(SHOP, [Source("one.cedar", text), Source("two.cedar", text)])
    assert [(each.file, each.code) for each in found.problems] == [
        ("two.cedar", "duplicate-policy-id")
    ]


def test_a_policy_without_an_id_gets_its_place_as_id() -> None:
    allow, deny = "permit (principal, action, resource);", "forbid (principal, action, resource);"
    source = Source("p.cedar", f"\n{allow}\n\n\n{deny} {allow}")
    assert [each.id for each in split_policies(source)] == [
        "p.cedar:2",
        "p.cedar:5",
        "p.cedar:5:39",
    ]
    again = Source("other", combine([source]))
    assert [each.id for each in split_policies(again)] == ["p.cedar:2", "p.cedar:5", "p.cedar:5:39"]


@pytest.mark.parametrize(
    "scope", ["resource", 'resource == Service::"files"', "resource is Service"]
)
def test_a_context_condition_needs_the_library_at_every_callee_it_touches(scope: str) -> None:
    text = f"permit (principal, action, {scope})\nwhen {{ context.hour < 18 }};"
    found = findings(text).problems
    assert {each.code for each in found} == {"unenforceable-policy"}
    assert any("'files'" in each.message for each in found)
    assert all("library: true" in each.remedy for each in found)


@pytest.mark.parametrize(
    "text",
    [
        'permit (principal, action, resource == Service::"axon") when { context.hour < 18 };',
        'forbid (principal, action, resource) when { resource == Service::"files" };',
        "permit (principal is Service, action, resource) when { context.hour < 18 };",
    ],
)
def test_conditions_that_can_be_enforced_are_sound(text: str) -> None:
    assert findings(text).problems == ()


def test_a_permit_for_a_call_that_nobody_declared_is_a_warning() -> None:
    text = 'permit (principal == Client::"web", action == Action::"reason", resource);'
    (warning,) = findings(text).warnings
    assert warning.code == "unreachable-policy"
    assert findings(text.replace("permit", "forbid")).warnings == ()


@pytest.mark.parametrize(
    "condition",
    [
        "[" * 30_000 + "1" + "]" * 30_000 + " == 1",
        "(" * 60 + "true" + ")" * 60,
        " && ".join(["true"] * 30_000),
        "if true then " * 30_000 + "true" + " else true" * 30_000,
        "context" + ".a" * 30_000,
        "context" + '["a"]' * 30_000,
        "!" * 30_000 + "true",
        "1 == 1" + " + 1" * 150,
    ],
)
def test_a_text_too_deep_for_the_parser_is_a_problem_and_not_a_crash(condition: str) -> None:
    found = problems(f"permit (principal, action, resource) when {{ {condition} }};")
    assert found[0][0] in ("policy-too-large", "policy-syntax")


def test_a_long_list_is_not_deep() -> None:
    listed = ", ".join(f'"/{number}"' for number in range(5000))
    text = f"""permit (principal, action == Action::"reason", resource)
    when {{ [{listed}].contains(context.path) }};"""
    assert problems(text) == []
    assert problems(text.replace('"/4999"', "="))[0][0] == "policy-syntax"


def test_an_app_without_clients_and_intents_can_be_validated() -> None:
    app = App.model_validate({"app": "bare", "services": {"one": {"run": "x"}}})
    assert problems('permit (principal == Client::"web", action, resource);', app)[0][0] == (
        "unknown-client"
    )


def test_strings_know_what_they_mean() -> None:
    (token,) = tokenize(r'"a\"b\n\u{e9}\x41\\"')
    assert token.value == 'a"b\né' + "A\\"
