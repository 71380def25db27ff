"""Telling a deployment how to go on: what `promote`, `pause`, `abort` and the rest share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fairway.cli.delivering.choice import under_way
from fairway.cli.delivering.door import Door, open_door
from fairway.cli.invocation import Invocation
from fairway.cli.output import painter, say, say_json
from fairway.delivery.codec import plain
from fairway.delivery.deployment import Command, Deployment
from fairway.delivery.words import waits_for

_LOOKS, _LOOK_SECONDS = 15, 0.1
"""An engine looks for what it was told twice a second."""


@dataclass(frozen=True, slots=True)
class Act:
    """One way to tell a deployment how to go on: how that is called once it is done, and doing it.

    `for_approval`: without a name the deployment is meant that waits for approval.
    """

    done: str
    perform: Callable[[Door, str], Awaitable[None]]
    for_approval: bool = False


def telling(command: Command, reason: str, done: str) -> Act:
    """The act of giving a command."""

    async def perform(door: Door, deployment: str) -> None:
        await door.delivery.tell(deployment, command, door.actor, reason)

    return Act(done, perform)


def steer(invocation: Invocation, named: str, act: Act, *, as_json: bool) -> None:
    """Do it, and say how the deployment stands then."""
    found = asyncio.run(_steered(open_door(invocation), named, act))
    if as_json:
        say_json(plain(found))
        return
    status = painter().state(found.status.replace("_", " "))
    say(f"{act.done}: deployment {found.id} of {found.cohort} ({status})")
    if waits := waits_for(found):
        say(waits)
    if not found.over:
        say(f"next      fairway follow {found.id} --env {found.environment}")


async def _steered(door: Door, named: str, act: Act) -> Deployment:
    found = await under_way(door.delivery, named, for_approval=act.for_approval)
    await act.perform(door, found.id)
    return await _heard(door, found)


async def _heard(door: Door, before: Deployment) -> Deployment:
    """As it is once the engine has heard of it; as it is by then, if that changes nothing."""
    for _ in range(_LOOKS):
        if await door.delivery.deployment(before.id) != before:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    return await door.delivery.deployment(before.id)
