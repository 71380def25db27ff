"""Policy tests: cases pass or fail with a reason, files are located, coverage is told."""

from __future__ import annotations

import pytest
from tests.unit.governance.governance_samples import SHOP

from fairway.governance.cedar_text import Source
from fairway.governance.testing import TestReport, run_policy_tests

POLICIES = """
@id("day") permit (principal == Service::"orbit", action, resource) when { context.hour < 18 };
@id("web") permit (principal == Client::"web", action, resource);
@id("no-blue") forbid (principal, action, resource == Service::"axon")
when { context.cohort == "blue" };
"""

CASE = """\
cases:
  - name: by day
    given: {{principal: {principal}, context: {context}}}
    when: {{service: axon, intent: {intent}}}
    expect: {expect}
"""


def run(text: str) -> TestReport:
    return run_policy_tests(SHOP, "local", POLICIES, [Source("policies/p.test.yaml", text)])


def case(
    expect: str, principal: str = "Service::orbit", context: str = "{}", intent: str = "reason"
) -> TestReport:
    return run(CASE.format(principal=principal, context=context, intent=intent, expect=expect))


@pytest.mark.parametrize(
    ("expect", "context"),
    [
        ("allow", "{}"),
        ("{decision: allow, policies: [day]}", "{hour: 17}"),
        ("{decision: allow, policies: day}", "{signed: false}"),
        ("deny", "{hour: 18}"),
        ("{decision: deny, policies: [no-blue]}", "{cohort: blue}"),
        ("{decision: deny, policies: []}", "{hour: 20}"),
    ],
)
def test_a_met_expectation_passes(expect: str, context: str) -> None:
    report = case(expect, context=context)
    assert [result.problem for result in report.results] == [""]
    assert report.passed


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ("deny", "expected deny, got allow: policy day permits"),
        ("{decision: allow, policies: [web]}", "by day instead of web"),
        ("{decision: allow, policies: []}", "by day instead of no policy"),
    ],
)
def test_an_unmet_expectation_says_what_happened(expect: str, words: str) -> None:
    report = case(expect)
    assert words in report.results[0].problem
    assert report.results[0].place[1:] == (2, 5)
    assert not report.passed


def test_policies_that_decide_no_case_are_named() -> None:
    assert case("allow").uncovered == ("web", "no-blue")
    assert case("deny", context="{cohort: blue}").uncovered == ("day", "web")


@pytest.mark.parametrize(
    ("wrong", "line", "words"),
    [
        ({"principal": "Service::orbt"}, 3, "no service 'orbt'"),
        ({"principal": "orbit"}, 3, "not a principal"),
        ({"principal": "[orbit]"}, 3, "expected a text"),
        ({"context": "{our: 3}"}, 3, "no key 'our'"),
        ({"context": "{hour: noon}"}, 3, "whole number"),
        ({"context": "{signed: 1}"}, 3, "true or false"),
        ({"intent": "raeson"}, 4, "no intent of service 'axon'"),
        ({"expect": "allowed"}, 5, "no decision"),
        ({"expect": "{policies: [day]}"}, 5, "'decision' is missing"),
    ],
)
def test_what_is_wrong_in_a_case_is_located(wrong: dict[str, str], line: int, words: str) -> None:
    assert_problem(case(**{"expect": "allow", **wrong}), line, words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("case: []", "no key 'case'"),
        ("cases: 3", "must be a list"),
        ("cases: [3]", "expected the keys"),
        ("cases: [", ""),
    ],
)
def test_a_malformed_file_is_a_located_problem(text: str, words: str) -> None:
    assert_problem(run(text), 1, words)


def assert_problem(report: TestReport, line: int, words: str) -> None:
    assert not report.passed
    assert report.results == ()
    problem = report.findings.problems[0]
    assert (problem.file, problem.line) == ("policies/p.test.yaml", line)
    assert words in problem.message


def test_the_sound_cases_of_a_file_still_run() -> None:
    text = CASE.format(principal="Service::orbit", context="{}", intent="reason", expect="allow")
    report = run(text + "  - {given: 3}\n")
    assert [result.passed for result in report.results] == [True]
    assert len(report.findings.problems) == 1
    assert not report.passed
