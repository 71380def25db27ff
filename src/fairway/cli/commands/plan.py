"""`fairway plan`: what a deployment would change, and why. Changes nothing.

No source is sent to a shared server, only its digest: whoever may only look may plan.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson, EnvironmentName, about
from fairway.cli.delivering.door import open_door
from fairway.cli.delivering.image_artifacts import say_that_it_takes_long
from fairway.cli.delivering.plan_file import write_plan
from fairway.cli.delivering.plan_text import plan_lines
from fairway.cli.delivering.servers import server_of, user_variables
from fairway.cli.invocation import Invocation
from fairway.cli.output import note, painter, say, say_json
from fairway.cli.place import reach, state_of, workspace_of
from fairway.plan.plan import Plan
from fairway.workspace import Workspace

app = typer.Typer(add_completion=False)
CHANGES = 2


@app.command()
def plan(
    context: typer.Context,
    environment: EnvironmentName = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Keep the plan, for `deploy --plan FILE`."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a deployment would change, and why.

    Destructive parts are named. Exit code 0 when nothing would change, 2 when something would.
    """
    from fairway.delivery.codec import plain

    invocation = about(context, environment)
    workspace = workspace_of(invocation)
    found = _planned(invocation, workspace, exact=out is not None)
    if out is not None:
        write_plan(out, found)
    if as_json:
        say_json(plain(found))
    else:
        declared = workspace.loaded.app.environments.get(invocation.environment)
        say("\n".join(plan_lines(found, declared, painter())))
        if not found.empty:
            given = f" --plan {out}" if out is not None else ""
            note(f"apply it with: fairway deploy {found.environment}{given}")
    if not found.empty:
        raise typer.Exit(CHANGES)


def _planned(invocation: Invocation, workspace: Workspace, *, exact: bool) -> Plan:
    """The plan; an `exact` one, which is kept to be deployed, names images that are there."""
    from fairway.cli.delivering.unstarted import first_plan, never_ran
    from fairway.cli.delivering.wish import wish_of

    environment = invocation.environment
    here = server_of(workspace, environment, user_variables()) is None
    wish = wish_of(workspace, environment, build=exact)
    state = state_of(invocation)
    if here and reach(state) is None and never_ran(state):
        note(f"{environment} never ran here: this is what its first deployment would start\n")
        return first_plan(wish, environment)
    door = open_door(invocation)
    say_that_it_takes_long(workspace.loaded.app, environment)
    return asyncio.run(door.delivery.plan(wish))
