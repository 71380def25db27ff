"""Checks a policy text as someone writes it, and runs the app's test cases on it. Pure.

`LocalRecords` and `SharedRecords` answer with it; the console asks on every pause of a keyboard.
"""

from __future__ import annotations

from collections.abc import Iterable

from fairway.control.policy_findings import PolicyCase, PolicyProblem, PolicyTestReport, Severity
from fairway.errors import InvalidAppFile, NotFound, Problem
from fairway.governance.cedar_text import Source
from fairway.governance.testing import CaseResult, run_policy_tests
from fairway.governance.validation import validate
from fairway.model.app import App

_TEXT = "policies.cedar"


def problems_of(app: App, text: str) -> tuple[PolicyProblem, ...]:
    """Everything wrong with a text, by place; warnings included."""
    findings = validate(app, [Source(_TEXT, text)])
    found = [
        *(_problem(each, "error") for each in findings.problems),
        *(_problem(each, "warning") for each in findings.warnings),
    ]
    return tuple(sorted(found, key=lambda each: (each.line, each.column, each.message)))


def report_of(app: App, environment: str, text: str, files: Iterable[Source]) -> PolicyTestReport:
    """How the cases of these files go by this text.

    Raises NotFound when there is no file, InvalidAppFile when the text is not valid.
    """
    cases = tuple(files)
    if not cases:
        raise no_cases()
    check_sound(app, text)
    report = run_policy_tests(app, environment, text, cases)
    return PolicyTestReport(
        report.passed,
        tuple(map(_case, report.results)),
        tuple(_problem(each, "error", each.file) for each in report.findings.problems),
        report.uncovered,
    )


def check_sound(app: App, text: str) -> None:
    """Raises InvalidAppFile with every problem of a text."""
    findings = validate(app, [Source(_TEXT, text)])
    if findings.problems:
        raise InvalidAppFile(findings.problems)


def no_cases() -> NotFound:
    """There is nothing to run."""
    return NotFound(
        "no-policy-tests",
        "there is no *.test.yaml in the policies folder of the app",
        remedy="write one; see docs/how-to/write-policies.md",
    )


def _problem(found: Problem, severity: Severity, file: str = "") -> PolicyProblem:
    return PolicyProblem(
        found.line, found.column, found.message, found.remedy, found.code, severity, file
    )


def _case(result: CaseResult) -> PolicyCase:
    place = result.place
    return PolicyCase(
        result.name,
        f"{place.file}:{place.line}:{place.column}",
        result.passed,
        result.decision.allowed,
        tuple(result.decision.policies),
        result.problem,
    )
