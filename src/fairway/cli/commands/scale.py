"""`fairway scale`: change how many replicas run, until the next start."""

from __future__ import annotations

from typing import Annotated

import typer

from fairway.cli import summary
from fairway.cli.client import segment
from fairway.cli.invocation import current
from fairway.cli.output import painter, say, say_json
from fairway.cli.place import connect
from fairway.errors import InvalidInput

app = typer.Typer(add_completion=False)


@app.command()
def scale(
    context: typer.Context,
    wanted: Annotated[list[str], typer.Argument(metavar="SERVICE=N…", help="orbit=3")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the new status as JSON.")] = False,
) -> None:
    """Change how many replicas run.

    Lasts until `fairway down`; `replicas` in the app file is the lasting way.
    """
    pairs = [parse(text) for text in wanted]
    client = connect(current(context))
    found: summary.Status = {}
    for service, replicas in pairs:
        found = client.post(f"/api/v1/services/{segment(service)}/scale", {"replicas": replicas})
    if as_json:
        say_json(found)
    else:
        say(summary.services_table(found, painter()))


def parse(text: str) -> tuple[str, int]:
    """`orbit=3` as a service and a number of replicas; raises InvalidInput for anything else."""
    service, separator, number = text.partition("=")
    if not (service and separator and number.isascii() and number.isdigit()):
        raise InvalidInput(
            "invalid-scale",
            f"{text!r} is not a service and a number of replicas",
            remedy="write it like this: fairway scale orbit=3",
        )
    return service, int(number)
