"""`fairway drift`: what runs against what should."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson, EnvironmentName, about
from fairway.cli.delivering.door import Door, open_door
from fairway.cli.delivering.tables import drift_count, drift_table
from fairway.cli.output import is_terminal, painter, say, say_json
from fairway.delivery.codec import plain
from fairway.errors import Refused
from fairway.targets.contract import Drift

app = typer.Typer(add_completion=False)
DRIFT = 2


@app.command()
def drift(
    context: typer.Context,
    environment: EnvironmentName = "",
    fix: Annotated[
        bool, typer.Option("--fix", help="Show how each difference is ended, then do it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before --fix.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare what runs with what was deployed.

    Finds killed and changed processes, edited Envoy files, policies that were changed behind
    Fairway's back, and unknown programs on declared ports. Exit code 0 when nothing differs, 2 when
    something does; with --fix 0 when all of it was repaired.
    """
    door = open_door(about(context, environment))
    found = asyncio.run(door.delivery.drift())
    repaired: tuple[Drift, ...] = ()
    if not as_json:
        say(drift_count(found))
        if found:
            say(f"\n{drift_table(found, painter())}")
    if fix and found:
        _agree(agreed=yes or as_json)
        repaired, found = asyncio.run(_repair(door))
    if as_json:
        say_json({"drift": plain(found), "repaired": plain(repaired)})
    elif repaired:
        say(f"\nrepaired {len(repaired)}; now {drift_count(found)}")
    if found:
        raise typer.Exit(DRIFT)


async def _repair(door: Door) -> tuple[tuple[Drift, ...], tuple[Drift, ...]]:
    """What was repaired, and what differs still."""
    repaired = await door.delivery.repair(door.actor)
    return repaired, await door.delivery.drift()


def _agree(*, agreed: bool) -> None:
    if agreed or not (is_terminal(sys.stderr) and sys.stdin.isatty()):
        return
    sys.stderr.write("\nRepair it so? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Refused("not-agreed", "nothing was repaired", remedy="agree with --yes")
