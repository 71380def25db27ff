"""`fairway validate`: every problem of the app file and its policies, with place and remedy."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fairway.cli.failures import render_problem, report_json_error
from fairway.cli.invocation import Invocation, current
from fairway.cli.output import painter, say, say_json
from fairway.cli.place import find_app_file, seen_from_here, workspace_of
from fairway.cli.policies import check_policies
from fairway.errors import FairwayError
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
        workspace = check_everything(invocation)
    except FairwayError as error:
        if not as_json:
            raise
        report_json_error(error)
        raise typer.Exit(error.exit_code) from error
    _report(invocation, workspace, as_json)


def check_everything(invocation: Invocation) -> Workspace:
    """The workspace; raises InvalidAppFile with the problems of the app file or of the policies."""
    workspace = workspace_of(invocation)
    check_policies(workspace, invocation.environment)
    return workspace


def _report(invocation: Invocation, workspace: Workspace, as_json: bool) -> None:
    app = workspace.loaded.app
    warnings = workspace.loaded.warnings
    if as_json:
        found = {"valid": True, "app": app.app, "problems": [], "warnings": warnings}
        say_json(found)
        return
    paint = painter(sys.stderr)
    for warning in warnings:
        sys.stderr.write(f"{render_problem(warning, paint, severity='warning')}\n\n")
    file = seen_from_here(find_app_file(invocation))
    counts = f"{_count(app.services, 'service')}, {_count(app.clients, 'client')}"
    say(f"{painter().green('valid')} {file}: {app.app} with {counts}")


def _count(things: object, noun: str) -> str:
    number = len(things)  # type: ignore[arg-type]
    return f"{number} {noun}{'' if number == 1 else 's'}"
