"""`fairway rollback`: bring an earlier release back by a deployment of its own."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import Reason, about_releases, needs_reason
from fairway.cli.delivering.door import Door, open_door
from fairway.cli.delivering.shipping import confirm, refuse_busy, ship, show_plan
from fairway.delivery.going_back import release_before
from fairway.delivery.port import WhenBusy, Wish
from fairway.plan.plan import Plan

app = typer.Typer(add_completion=False)


@app.command()
def rollback(
    context: typer.Context,
    release: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ENV] [N]", help="Where, and which release; absent: the one before."
        ),
    ] = None,
    emergency: Annotated[
        bool,
        typer.Option("--emergency", help="At once: no approval, windows, steps or analysis."),
    ] = False,
    reason: Reason = "",
    supersede: Annotated[
        bool, typer.Option("--supersede", help="End the deployment that is under way.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or only begin it.")
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Agree to what is destructive.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print plan, events and numbers as JSON lines.")
    ] = False,
) -> None:
    """Bring an earlier release back: services, configuration and policies.

    A normal deployment, with plan, gates and analysis, and the same exit codes as `deploy`. With
    --emergency it skips them all, ends whatever is under way, and is told to everyone.
    """
    invocation, numbers = about_releases(context, release or (), 0, 1)
    if emergency:
        reason = needs_reason(reason, "an emergency needs a reason")
    busy: WhenBusy = "supersede" if supersede or emergency else "refuse"
    door = open_door(invocation)
    wish, plan = asyncio.run(_planned(door, numbers, busy, emergency, reason))
    show_plan(plan, None, as_json=as_json, emergency=emergency)
    if plan.empty:
        return
    confirm(plan, agreed=yes or emergency)
    raise typer.Exit(asyncio.run(ship(door, wish, wait=wait, as_json=as_json)))


async def _planned(
    door: Door, numbers: tuple[int, ...], busy: WhenBusy, emergency: bool, reason: str
) -> tuple[Wish, Plan]:
    if busy == "refuse":
        await refuse_busy(door.delivery)
    number = numbers[0] if numbers else await release_before(door.delivery)
    note = f"back to r{number}" + (f": {reason}" if reason else "")
    wish = Wish(release=number, note=note, when_busy=busy, emergency=emergency, reason=reason)
    return wish, await door.delivery.plan(wish)
