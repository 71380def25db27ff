"""`fairway validate`: every problem of the app file and its policies, with place and remedy."""

from __future__ import annotations

import sys
from collections.abc import Sized
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from fairway.cli.failures import render_problem, report_json_error
from fairway.cli.invocation import DEFAULT_ENVIRONMENT, Invocation, current
from fairway.cli.output import painter, say, say_json
from fairway.cli.place import find_app_file, seen_from_here, workspace_of
from fairway.cli.policies import CheckedPolicies, check_policies
from fairway.errors import FairwayError, Problem

if TYPE_CHECKING:
    from fairway.workspace import Workspace

app = typer.Typer(add_completion=False)


@app.command()
def validate(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
) -> None:
    """Check the app file and its policies; report every problem at once.

    Exit code 2 when there is one. Warnings do not fail.
    """
    invocation = current(context)
    try:
        workspace = workspace_of(invocation)
        checked = _checked(workspace, invocation.environment)
    except FairwayError as error:
        if not as_json:
            raise
        report_json_error(error)
        raise typer.Exit(error.exit_code) from error
    warnings = (*workspace.loaded.warnings, *checked.warnings)
    if as_json:
        say_json({"valid": True, "app": checked.app.app, "problems": [], "warnings": warnings})
    else:
        _show(invocation, checked, warnings)


def _checked(workspace: Workspace, environment: str) -> CheckedPolicies:
    """For the environment, or for every one where `local` is meant and the app has none."""
    declared = workspace.loaded.app.environments
    if environment != DEFAULT_ENVIRONMENT or environment in declared or not declared:
        return check_policies(workspace, environment)
    every = [check_policies(workspace, name) for name in declared]
    warnings = dict.fromkeys(warning for checked in every for warning in checked.warnings)
    return replace(every[0], warnings=tuple(warnings))


def _show(invocation: Invocation, checked: CheckedPolicies, warnings: tuple[Problem, ...]) -> None:
    for warning in warnings:
        text = render_problem(warning, painter(sys.stderr), severity="warning")
        sys.stderr.write(f"{text}\n\n")
    app = checked.app
    files = len(checked.folder.policies) if checked.folder else 0
    policies = f"{files} policy file{'' if files == 1 else 's'}" if files else "generated policies"
    parts = [_count(app.services, "service"), _count(app.clients, "client"), policies]
    file = seen_from_here(find_app_file(invocation))
    say(f"{painter().green('valid')} {file}: {app.app} with {', '.join(parts)}")


def _count(things: Sized, noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
