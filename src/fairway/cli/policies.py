"""The policies beside the app file, checked: for `validate` and the `policy` commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fairway.cli.place import seen_from_here
from fairway.errors import InvalidAppFile, NotFound, Problem
from fairway.governance.files import PolicyFolder, policies_text, read_policies
from fairway.governance.validation import validate
from fairway.model.app import App
from fairway.model.views import environment_view
from fairway.workspace import Workspace

if TYPE_CHECKING:
    from fairway.governance.testing import TestReport
    from fairway_runtime.policy.engine import Decision, Principal


@dataclass(frozen=True, slots=True)
class CheckedPolicies:
    """Policies without a problem; `folder` is None where the app file's calls decide."""

    app: App
    folder: PolicyFolder | None
    text: str
    warnings: tuple[Problem, ...]


def check_policies(workspace: Workspace, environment: str) -> CheckedPolicies:
    """The policies as an environment sees them; raises InvalidAppFile with every problem."""
    app = environment_view(workspace.loaded.app, environment)
    folder = read_policies(app, workspace.folder)
    findings = validate(app, folder.policies if folder else ())
    if findings.problems:
        raise InvalidAppFile(seen_problems(findings.problems, workspace.folder))
    warnings = tuple(seen_problems(findings.warnings, workspace.folder))
    return CheckedPolicies(app, folder, policies_text(app, folder), warnings)


def seen_problems(problems: Iterable[Problem], folder: Path) -> list[Problem]:
    """Problems with their files named as seen from here."""
    return [replace(problem, file=seen_from_here(folder / problem.file)) for problem in problems]


def run_tests(workspace: Workspace, environment: str) -> TestReport:
    """The report on every `*.test.yaml`; raises NotFound when there is none to run."""
    from fairway.governance.testing import run_policy_tests

    checked = check_policies(workspace, environment)
    tests = checked.folder.tests if checked.folder else ()
    if not tests:
        raise NotFound(
            "no-policy-tests",
            "there is no *.test.yaml in the policies folder",
            where=str(workspace.folder / (checked.app.policies or "")),
            remedy="write one; see docs/how-to/write-policies.md",
        )
    return run_policy_tests(checked.app, environment, checked.text, tests)


def simulate_call(
    workspace: Workspace,
    environment: str,
    principal: Principal,
    asked: tuple[str, str],
    context: Mapping[str, object],
) -> Decision:
    """The decision on `asked` (service, intent) by the policies beside the app file."""
    from fairway.governance.bundle import build_bundle
    from fairway_runtime.policy.engine import PolicyEngine

    checked = check_policies(workspace, environment)
    engine = PolicyEngine.from_bundle(build_bundle(checked.app, environment, 0, checked.text))
    return engine.decide(principal, *asked, context)
