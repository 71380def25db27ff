"""`fairway run`: one command, or a declared job, with the environment of a service."""

from __future__ import annotations

import shlex
import subprocess
from typing import Annotated

import typer

from fairway.cli.invocation import current
from fairway.cli.place import workspace_of
from fairway.errors import InvalidInput, NotFound
from fairway.model.app import App
from fairway.model.names import did_you_mean
from fairway.model.services import Service
from fairway.model.views import environment_view

_PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}
app = typer.Typer(add_completion=False)


@app.command(context_settings=_PASS_ON)
def run(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="The service or job whose environment to use.")],
    command: Annotated[
        list[str] | None,
        typer.Argument(help="What to run; absent: the job's own command.", metavar="[-- COMMAND…]"),
    ] = None,
) -> None:
    """Run one command, or a job, with a service's environment.

    Secrets, config, `$NAME_URL` of every callee and the identity are those of a replica. The exit
    code is the command's.
    """
    from fairway import wiring

    invocation = current(context)
    workspace = workspace_of(invocation)
    view = environment_view(workspace.loaded.app, invocation.environment)
    declared = _find(view, service)
    arguments = _without_dashes(command or []) or own_command(service, declared)
    environment = wiring.replica_environment(workspace, invocation.environment, service)
    folder = workspace.folder / (declared.build or ".")
    raise typer.Exit(_run(arguments, environment, str(folder)))


def _find(app: App, name: str) -> Service:
    if name in app.services:
        return app.services[name]
    raise NotFound(
        "no-such-service",
        f"there is no service '{name}'",
        remedy=did_you_mean(name, app.services, f"there are: {', '.join(app.services)}"),
    )


def _without_dashes(command: list[str]) -> list[str]:
    """The `--` that sets the command apart; Typer leaves it where options may not follow."""
    return command[1:] if command[:1] == ["--"] else command


def own_command(name: str, service: Service) -> list[str]:
    """A job's own command; raises InvalidInput for what is not a job."""
    if service.kind == "job" and service.run:
        return ["/bin/sh", "-c", f"exec {service.run}"]
    raise InvalidInput(
        "what-to-run",
        f"'{name}' is not a job, so say what to run",
        remedy=f"fairway run {name} -- command and its arguments",
    )


def _run(arguments: list[str], environment: dict[str, str], folder: str) -> int:
    try:
        done = subprocess.run(arguments, env=environment, cwd=folder, check=False)
    except OSError as error:
        raise NotFound(
            "command-not-found",
            f"{shlex.join(arguments)} cannot be started: {error.strerror}",
            where=folder,
            remedy="check the command; it is searched as the service's own command is",
        ) from error
    # A program that a signal ended has a negative code here and 128 + signal in a shell.
    return done.returncode if done.returncode >= 0 else 128 - done.returncode
