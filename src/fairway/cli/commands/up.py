"""`fairway up`: start the app on this machine, in the foreground or (`-d`) in the background."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from fairway.cli import summary
from fairway.cli.background import bring_up
from fairway.cli.client import ControlClient
from fairway.cli.commands.console import login_link
from fairway.cli.invocation import Invocation, current
from fairway.cli.output import note, painter, say, to_json_line
from fairway.cli.place import reach, state_of, workspace_of
from fairway.cli.progress import choose
from fairway.errors import Conflict
from fairway.targets.local.layout import StateDir

app = typer.Typer(add_completion=False)


@app.command()
def up(
    context: typer.Context,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Run in the background; return when ready.")
    ] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Run the working tree again, although it was deployed."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events and the status as JSON lines.")
    ] = False,
) -> None:
    """Start the app on this machine.

    Starts every service behind its own Envoy, in dependency order, and waits until all are healthy.
    Ctrl-C stops everything gracefully, a second Ctrl-C at once. What a dead control plane left
    running is adopted.

    Before the first `fairway deploy` services run from the working tree and are reloaded when it is
    edited; afterwards the release in force runs, until `--watch` goes back to the working tree.
    """
    invocation = current(context)
    state = state_of(invocation)
    running = reach(state)
    if running is not None:
        _already_running(running, state, watch, as_json)
    elif detach:
        progress = choose(as_json=as_json, verbose=bool(invocation.verbose))
        client = bring_up(invocation, progress, watch=watch)
        _announce_running(client, state, as_json)
    else:
        _in_foreground(invocation, state, watch, as_json)


def _already_running(client: ControlClient, state: StateDir, watch: bool, as_json: bool) -> None:
    if watch:
        raise Conflict(
            "already-running",
            f"the app runs already (process {client.pid}), perhaps from a release",
            where=str(state.home),
            remedy="fairway down && fairway up --watch",
        )
    _announce_running(client, state, as_json)
    note(f"\nalready running (process {client.pid}); after a change of the app file:")
    note(f"  fairway deploy {state.environment}")


def _in_foreground(invocation: Invocation, state: StateDir, watch: bool, as_json: bool) -> None:
    from fairway import wiring
    from fairway.cli.session import live

    workspace = workspace_of(invocation)
    control = wiring.local_control(workspace, invocation.environment, watch=watch)
    progress = choose(as_json=as_json, verbose=bool(invocation.verbose))

    def ready(status: Any, url: str, link: str) -> None:
        _announce(asdict(status), (url, link), state, as_json)
        if not as_json:
            note("\nCtrl-C stops everything")

    asyncio.run(live(control, state, progress, ready))


def _announce_running(client: ControlClient, state: StateDir, as_json: bool) -> None:
    addresses = client.url, login_link(client)
    _announce(client.get("/api/v1/status"), addresses, state, as_json)


def _announce(
    status: summary.Status, addresses: tuple[str, str], state: StateDir, as_json: bool
) -> None:
    if as_json:
        url, link = addresses
        say(to_json_line(status | {"api_url": url, "console_url": link}))
    else:
        say("\n".join(closing_lines(status, addresses, _public_paths(state))))
    sys.stdout.flush()


def closing_lines(
    status: summary.Status, addresses: tuple[str, str], paths: Mapping[str, str]
) -> list[str]:
    """What someone wants to know once everything runs, and what to try next."""
    paint = painter()
    url, link = addresses
    lines = [summary.headline(status, paint), "", summary.services_table(status, paint), ""]
    if status["gateway_url"]:
        lines.append(f"gateway  {paint.bold(status['gateway_url'])}")
    lines += [f"console  {paint.bold(link)}", f"api      {url}"]
    lines += summary.warnings(status, paint)
    lines += ["", f"try      {first_call(status, paths)}", "logs     fairway logs -f"]
    return lines


def first_call(status: summary.Status, paths: Mapping[str, str]) -> str:
    """A call that should succeed: to the first public service, at the path in `paths`."""
    public = next((service["name"] for service in status["services"] if service["urls"]), None)
    return f"fairway call {public} {paths.get(public, '/')}" if public else "fairway call --help"


def _public_paths(state: StateDir) -> dict[str, str]:
    """A path of each public service that answers: its health path if that is public as well."""
    from fairway_runtime.policy.bundle import InvalidBundle, PolicyBundle

    try:
        services = PolicyBundle.from_json(state.policy_bundle.read_text("utf-8")).services
    except (OSError, InvalidBundle):
        return {}
    return {
        name: service.health
        if service.health and service.opens(service.health)
        else service.public[0].path
        for name, service in services.items()
        if service.public
    }
