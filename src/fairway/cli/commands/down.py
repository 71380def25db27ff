"""`fairway down`: stop everything, through the control plane or, if it is dead, without it."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Annotated

import typer

from fairway.api.control import Event
from fairway.cli.client import ControlClient
from fairway.cli.invocation import current
from fairway.cli.output import say, say_json
from fairway.cli.place import reach, state_of
from fairway.cli.progress import Progress, choose
from fairway.errors import Unavailable

app = typer.Typer(add_completion=False)
_PATIENCE_SECONDS = 60.0


@app.command()
def down(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Stop everything that `up` started.

    Works also after the control plane was killed: whatever it left is ended and named.
    """
    from fairway import wiring

    invocation = current(context)
    state = state_of(invocation)
    client = reach(state)
    if client is not None:
        stop_through(client, choose(as_json=as_json, verbose=bool(invocation.verbose)))
        cleared: tuple[str, ...] = ()
    else:
        cleared = asyncio.run(wiring.clear_local(state))
    if as_json:
        say_json({"was_running": client is not None, "cleared": cleared})
    else:
        say(_words(client is not None, cleared))


def stop_through(client: ControlClient, progress: Progress) -> None:
    """Ask the control plane to stop, show how it goes, return when its process is gone."""
    events = client.events()
    next(events)  # subscribed: no event between the request and the stream is lost
    client.post("/v1/stop")
    try:
        for event in events:
            if event is not None:
                progress.show(Event(**event))
    finally:
        progress.settle()
    _await_end(client.pid)


def _await_end(pid: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise Unavailable(
        "control-plane-lingers",
        f"everything is stopped, but the control plane (process {pid}) did not end",
        remedy=f"end it with: kill {pid}",
    )


def _words(was_running: bool, cleared: tuple[str, ...]) -> str:
    if was_running:
        return "everything is stopped"
    if cleared:
        return "the control plane was dead; cleared what it left: " + ", ".join(cleared)
    return "nothing was running"
