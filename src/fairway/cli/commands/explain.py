"""`fairway explain`: why something is as it is. So far: the permissions of a service on AWS.

Needs only the app file: permissions are derived from it, and nothing else grants any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairway.cli.invocation import Invocation, current
from fairway.cli.output import Painter, painter, say, say_json
from fairway.cli.place import workspace_of
from fairway.errors import InvalidInput

if TYPE_CHECKING:
    from fairway.model.app import App
    from fairway.targets.aws.grants.grant import Grant

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def explain() -> None:
    """Say why something is as it is: the permissions of a service on AWS."""


@app.command("iam", epilog="Example: fairway explain iam orbit --env prod")
def explain_iam(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="A service of the app file, or `gateway`.")],
    region: Annotated[
        str | None, typer.Option(help="One of the environment's regions; absent: its first.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List every permission of a service on AWS, and why it has it. It has no others."""
    from fairway.targets.aws.grants.derive import grants_of, starting_grants_of

    invocation = current(context)
    seen, where = _place(invocation, region)
    roles = {
        "task": grants_of(seen, invocation.environment, where, service),
        "execution": starting_grants_of(seen, invocation.environment, where, service),
    }
    if as_json:
        say_json({"service": service, "region": where, "roles": roles})
    else:
        say(_text(service, where, roles))


def _place(invocation: Invocation, region: str | None) -> tuple[App, str]:
    """The app as the environment sees it, and the region that is asked for."""
    from fairway.model.views import environment_view

    name = invocation.environment
    seen = environment_view(workspace_of(invocation).loaded.app, name)
    environment = seen.environments[name]
    if environment.target != "aws-ecs":
        raise InvalidInput(
            "no-iam",
            f"the target of '{name}' is {environment.target}: nothing there has roles of IAM",
            where=f"environments.{name}.target",
            remedy="name an environment with `target: aws-ecs`: --env prod",
        )
    regions = environment.regions
    if region is not None and region not in regions:
        raise InvalidInput(
            "unknown-region",
            f"'{name}' is not deployed to {region}",
            where=f"environments.{name}.regions",
            remedy=f"choose one of {', '.join(regions)}",
        )
    return seen, region or regions[0]


_PURPOSES = {
    "task": "while it runs (task role)",
    "execution": "what ECS does for it, to start a task (execution role)",
}


def _text(service: str, region: str, roles: dict[str, tuple[Grant, ...]]) -> str:
    paint = painter()
    if not any(roles.values()):
        return f"{service} runs nowhere in {region}: it has no permissions"
    parts = [
        f"{paint.bold(f'{service} in {region}, {_PURPOSES[role]}')}\n{_list(grants, paint)}"
        for role, grants in roles.items()
    ]
    return "\n\n".join(parts)


def _list(grants: tuple[Grant, ...], paint: Painter) -> str:
    return "\n".join(f"  {_line(grant)}\n      {paint.dim(_because(grant))}" for grant in grants)


def _line(grant: Grant) -> str:
    return f"{', '.join(grant.actions)} on {_resource(grant)}"


def _resource(grant: Grant) -> str:
    kind = grant.resource.kind
    if kind == "any":
        return "everything (AWS allows naming nothing)"
    return f"{kind} {grant.resource.name}"


def _because(grant: Grant) -> str:
    only: list[Any] = [f"{c.variable} {', '.join(c.values)}" for c in grant.conditions]
    return f"because {grant.reason}" + (f"; only with {' and '.join(only)}" if only else "")
