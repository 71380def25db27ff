"""`fairway deploy`: bring what is in the app's folder into force, and see it through."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from fairway.cli.background import bring_up
from fairway.cli.client import ControlClient
from fairway.cli.delivering.arguments import (
    EnvironmentName,
    Reason,
    about,
    needs_reason,
)
from fairway.cli.delivering.door import Door, open_door
from fairway.cli.delivering.image_artifacts import say_that_it_takes_long
from fairway.cli.delivering.plan_file import check_fresh, read_plan
from fairway.cli.delivering.shipping import confirm, refuse_busy, ship, show_plan
from fairway.cli.invocation import Invocation
from fairway.cli.output import note
from fairway.cli.place import state_of, workspace_of
from fairway.cli.progress import choose
from fairway.delivery.port import WhenBusy, Wish
from fairway.errors import InvalidInput
from fairway.plan.plan import Plan
from fairway.targets.local.layout import StateDir
from fairway.workspace import Workspace

app = typer.Typer(add_completion=False)


@app.command()
def deploy(
    context: typer.Context,
    environment: EnvironmentName = "",
    plan_file: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="Do exactly this plan; refused when stale."),
    ] = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Wait for the deployment that is under way.")
    ] = False,
    supersede: Annotated[
        bool, typer.Option("--supersede", help="End the deployment that is under way, go back.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or only begin it.")
    ] = True,
    message: Annotated[
        str, typer.Option("--message", "-m", help="What for, for the history.")
    ] = "",
    emergency: Annotated[
        bool,
        typer.Option("--emergency", help="Skip approval, windows and analysis; told to everyone."),
    ] = False,
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Agree to what is destructive.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print plan, events and numbers as JSON lines.")
    ] = False,
) -> None:
    """Deploy the app as it is in its folder, and follow the deployment to its end.

    Exit code 0 when it succeeded, 3 when it was rolled back, 4 while another one is under way or
    when the plan is stale, 6 when it was refused, 7 when it failed, 8 when it waits for a person.

    Ctrl-C ends the following, not the deployment. `local` is started first if it does not run.
    """
    seen = read_plan(plan_file) if plan_file else None
    invocation = about(context, environment or (seen.environment if seen else ""))
    asked = Wish(
        note=message,
        when_busy=when_busy(queue=queue, supersede=supersede),
        emergency=emergency,
        reason=needs_reason(reason, "an emergency needs a reason") if emergency else reason,
    )
    workspace = workspace_of(invocation)
    door = open_door(invocation, start=lambda which: _started(which, as_json=as_json))
    if asked.when_busy == "refuse":
        asyncio.run(refuse_busy(door.delivery))
    wish = _whole(asked, door, workspace)
    say_that_it_takes_long(workspace.loaded.app, door.environment)
    found = asyncio.run(door.delivery.plan(wish))
    if seen is not None and plan_file is not None:
        check_fresh(seen, found, plan_file)
    declared = workspace.loaded.app.environments.get(door.environment)
    show_plan(found, declared, as_json=as_json, emergency=emergency)
    if found.empty:
        return
    confirm(found, agreed=yes or seen is not None)
    pinned = replace(wish, fingerprint=_fingerprint(wish, found, pinned=seen is not None))
    code = asyncio.run(ship(door, pinned, wait=wait, as_json=as_json))
    raise typer.Exit(code)


def when_busy(*, queue: bool, supersede: bool) -> WhenBusy:
    """What to do while another deployment is under way; raises InvalidInput for both at once."""
    if queue and supersede:
        raise InvalidInput(
            "queue-or-supersede",
            "a deployment either waits for the other one or ends it",
            where="--queue, --supersede",
            remedy="choose one of them",
        )
    return "queue" if queue else "supersede" if supersede else "refuse"


def _started(invocation: Invocation, *, as_json: bool) -> ControlClient:
    note(why_started(state_of(invocation)))
    return bring_up(invocation, choose(as_json=as_json, verbose=bool(invocation.verbose)))


def why_started(state: StateDir) -> str:
    """Why a control plane is started before anything is deployed."""
    if state.control.exists():  # whoever ends in peace takes it away
        return (
            f"the control plane of {state.environment} is dead: another one is started, which "
            "adopts what still runs and goes on with a deployment that was under way"
        )
    yet = "" if state.journal.exists() else " yet"
    return f"{state.environment} does not run here{yet}: it is started first"


def _whole(asked: Wish, door: Door, workspace: Workspace) -> Wish:
    from fairway.cli.delivering.wish import artifact_store, send_artifacts, wish_of

    made = wish_of(workspace, door.environment, build=True)
    for service in send_artifacts(door, made, artifact_store(workspace.folder, door.environment)):
        note(f"sent the source of {service}")
    return replace(asked, app=made.app, artifacts=made.artifacts, policies=made.policies)


def _fingerprint(wish: Wish, plan: Plan, *, pinned: bool) -> str | None:
    """What was shown is what happens; not for one that waits while others change what is there."""
    return plan.fingerprint if pinned or wish.when_busy == "refuse" else None
