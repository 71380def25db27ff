"""`fairway render`: the files that an environment would be made from, for people to read.

Offline: neither an account nor Terraform nor a network is needed, and nothing is asked of anybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson, EnvironmentName, about
from fairway.cli.output import note, say, say_json
from fairway.cli.rendered import declared_standing, written

app = typer.Typer(add_completion=False)


@app.command()
def render(
    context: typer.Context,
    environment: EnvironmentName = "",
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where to; new, empty or rendered.")
    ] = Path("out"),
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite what is in the folder, edits as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the Terraform of an environment on AWS, as it follows from the app file.

    Images are those of the first release. Rendered again, only what changed is written,
    and nothing where somebody has changed one of the files since.
    """
    standing = declared_standing(about(context, environment))
    paths = written(standing, out, "any" if force else "unchanged", wheels=False)
    if as_json:
        say_json({"folder": str(out), "files": list(paths)})
        return
    say(f"{len(paths)} files in {out}")
    note(f"begin with {out / 'README.md'}; values are in {out}/regions/*/*.auto.tfvars")
