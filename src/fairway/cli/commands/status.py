"""`fairway status`: what runs, where, and how it is. Reads no app file, so it answers at once."""

from __future__ import annotations

from typing import Annotated

import typer

from fairway.cli import summary
from fairway.cli.invocation import current
from fairway.cli.output import painter, say, say_json
from fairway.cli.place import connect

app = typer.Typer(add_completion=False)


@app.command()
def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what runs, where, and how it is.

    With -v also every replica and every Envoy with its process and ports.
    """
    invocation = current(context)
    client = connect(invocation)
    found = client.get("/api/v1/status")
    if as_json:
        say_json(found | {"api_url": client.url, "control_pid": client.pid})
        return
    paint = painter()
    say(summary.headline(found, paint))
    say()
    say(summary.services_table(found, paint))
    if invocation.verbose:
        say(f"\n{summary.replicas_table(found, paint)}\n\n{summary.envoys_table(found, paint)}")
    say(f"\ngateway  {found['gateway_url'] or '-'}\napi      {client.url}")
    for line in summary.warnings(found, paint):
        say(line)
