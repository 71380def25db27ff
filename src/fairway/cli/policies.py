"""The policies beside the app file, checked: for `validate` and the `policy` commands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fairway.cli.place import seen_from_here
from fairway.errors import InvalidAppFile, Problem
from fairway.governance.files import PolicyFolder, policies_text, read_policies
from fairway.governance.validation import validate
from fairway.model.app import App
from fairway.model.views import environment_view
from fairway.workspace import Workspace


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
        raise InvalidAppFile([_seen(problem, workspace.folder) for problem in findings.problems])
    warnings = tuple(_seen(problem, workspace.folder) for problem in findings.warnings)
    return CheckedPolicies(app, folder, policies_text(app, folder), warnings)


def _seen(problem: Problem, folder: Path) -> Problem:
    return replace(problem, file=seen_from_here(folder / problem.file))
