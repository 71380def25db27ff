"""`fairway down`: stop everything, through the control plane or, if it is dead, without it."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer

from fairway.cli.client import ControlClient
from fairway.cli.invocation import current
from fairway.cli.output import say, say_json
from fairway.cli.place import reach, state_of
from fairway.cli.progress import Progress, choose
from fairway.control.port import Event
from fairway.errors import Unavailable
from fairway.targets.local.layout import StateDir
from fairway.targets.local.lock import held_by

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
    invocation = current(context)
    state = state_of(invocation)
    client = reach(state)
    if client is not None:
        progress = choose(as_json=False, verbose=bool(invocation.verbose))
        stop_through(client, state, progress)
        cleared: tuple[str, ...] = ()
    else:
        from fairway import wiring

        cleared = asyncio.run(wiring.clear_local(state))
    if as_json:
        say_json({"was_running": client is not None, "cleared": cleared})
    else:
        say(_words(client is not None, cleared))


def stop_through(client: ControlClient, state: StateDir, progress: Progress) -> None:
    """Ask the control plane to stop, show how it goes, return when it has let go of the app."""
    events = client.events()
    next(events)  # subscribed: no event between the request and the stream is lost
    client.post("/api/v1/stop")
    try:
        for event in events:
            if event is not None:
                progress.show(Event(**event))
    finally:
        progress.settle()
    _await_end(client.pid, state)


def _await_end(pid: int, state: StateDir) -> None:
    # Not by the process id: a dead process keeps it until its parent, whoever that is, asks.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if held_by(state.lock) is None and not state.control.exists():
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
