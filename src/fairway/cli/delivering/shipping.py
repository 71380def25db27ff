"""Beginning a deployment and seeing it through: what `deploy` and `rollback` have in common.

The plan is shown, a destructive one confirmed, the deployment begun and followed; it ends with the
exit code that fits. Interrupting it ends the looking, never the deployment.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fairway.cli.delivering.door import Door
from fairway.cli.delivering.follow import Follower, Seen
from fairway.cli.delivering.plan_text import destructive_parts, plan_lines
from fairway.cli.delivering.verdict import closing_lines, exit_code, what_to_do
from fairway.cli.delivering.views import choose_view
from fairway.cli.output import is_terminal, note, painter, say, to_json_line
from fairway.delivery.codec import plain
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Delivery, Wish
from fairway.delivery.refusals import busy
from fairway.errors import Refused
from fairway.plan.plan import Plan

if TYPE_CHECKING:
    from fairway.model.environments import Environment

INTERRUPTED = 130
_LATEST = 20
"""So many deployments are looked at: those that are not over are the latest."""


def show_plan(
    plan: Plan, environment: Environment | None, *, as_json: bool, emergency: bool = False
) -> None:
    """The plan of what is about to happen, as progress; as a JSON line for programs."""
    if as_json:
        say(to_json_line({"plan": plain(plan)}))
        return
    note("\n".join(plan_lines(plan, environment, painter(sys.stderr), emergency=emergency)))
    note("")


async def refuse_busy(delivery: Delivery) -> None:
    """Raise Conflict while another deployment is not over, before anything is sent or planned."""
    page = await delivery.deployments(limit=_LATEST)
    under_way = [each.id for each in page.deployments if not each.over]
    if under_way:
        raise busy(under_way[-1])


def confirm(plan: Plan, *, agreed: bool) -> None:
    """Have a person agree to what is destructive; raises Refused when nobody does."""
    named = ", ".join(destructive_parts(plan))
    if agreed or not named:
        return
    if is_terminal(sys.stderr) and sys.stdin.isatty():
        sys.stderr.write(f"destructive: {named}. Go on? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
    raise Refused(
        "destructive-change",
        f"nobody agreed to what cannot be taken back: {named}",
        remedy="look at the plan, then agree with --yes, or hand in the plan with --plan FILE",
    )


async def ship(door: Door, wish: Wish, *, wait: bool, as_json: bool) -> int:
    """Begin the deployment and (`wait`) follow it to its end; the exit code."""
    begun = await door.delivery.deploy(wish, door.actor)
    if wait:
        return await see_through(door, begun, as_json=as_json)
    if as_json:
        say(to_json_line({"deployment": plain(begun)}))
    else:
        say(f"deployment {begun.id} of {begun.cohort} has begun")
        say(f"next      {what_to_do(begun)[0]}")
    return 0


async def see_through(door: Door, begun: Deployment, *, as_json: bool) -> int:
    """Follow a deployment, and say how it ended; the exit code."""
    view = choose_view(as_json=as_json)
    patient = is_terminal(sys.stderr) and not as_json
    if not as_json:
        note(f"deployment {begun.id} of {begun.cohort} in {door.environment}")
    with _detaching() as detach:
        seen = await Follower(door.delivery, view, patient).follow(begun.id, detach)
    code = INTERRUPTED if seen.detached else exit_code(seen.deployment)
    if as_json:
        end = {"deployment": plain(seen.deployment), "watching": plain(seen.watching)}
        say(json.dumps(end | {"exit_code": code}, separators=(",", ":"), ensure_ascii=False))
    else:
        _say_end(seen)
    return code


def _say_end(seen: Seen) -> None:
    if seen.detached:
        found = seen.deployment
        note(f"\nstopped watching; {found.cohort} goes on being deployed without you")
        abort = f"fairway abort {found.id} --env {found.environment}"
        for command in dict.fromkeys((*what_to_do(found), abort)):
            note(f"  {command}")
        return
    say("\n".join(closing_lines(seen.deployment, seen.watching, painter())))


@contextmanager
def _detaching() -> Iterator[asyncio.Event]:
    """An event that the first Ctrl-C sets; the second one interrupts as usual."""
    detach = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        detach.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        yield detach
    finally:
        loop.remove_signal_handler(signal.SIGINT)
