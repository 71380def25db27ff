"""`fairway restart`: replace every replica of a service, the others untouched."""

from __future__ import annotations

from typing import Annotated

import typer

from fairway.cli import summary
from fairway.cli.client import segment
from fairway.cli.invocation import current
from fairway.cli.output import painter, say, say_json
from fairway.cli.place import connect

app = typer.Typer(add_completion=False)


@app.command()
def restart(
    context: typer.Context,
    services: Annotated[list[str], typer.Argument(help="The services to restart.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the new status as JSON.")] = False,
) -> None:
    """Replace every replica of a service.

    Returns when the new replicas are healthy.
    """
    client = connect(current(context))
    found: summary.Status = {}
    for service in services:
        found = client.post(f"/api/v1/services/{segment(service)}/restart")
    if as_json:
        say_json(found)
    else:
        say(summary.services_table(found, painter()))
