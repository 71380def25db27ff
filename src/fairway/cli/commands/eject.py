"""`fairway eject`: leave with everything: what `render` writes, to be applied without Fairway.

With the images and versions that run now, by the environment's record on AWS, with the documents
that tasks are told (`config/`), and with Lambda packages that are complete. A record that cannot be
read is an error: only `--offline` goes by the app file. It changes nothing: what was made stays,
and so does its state, which the ejected `backend.hcl` files name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson, EnvironmentName, about
from fairway.cli.ejected import computed, published
from fairway.cli.output import note, say, say_json
from fairway.cli.rendered import declared_standing, present_standing, written
from fairway.targets.aws.tree import Where, check_place

app = typer.Typer(add_completion=False)


@app.command()
def eject(
    context: typer.Context,
    environment: EnvironmentName = "",
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where to; new or empty.")
    ] = Path("out"),
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Ask nobody: the app file's versions, our own code only."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite what is in the folder, edits as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Leave a folder from which Terraform goes on without Fairway.

    README.md in it has the exact commands.
    """
    invocation = about(context, environment)
    where: Where = "any" if force else "new"
    check_place(out, where)
    declared = declared_standing(invocation)
    standing = declared if offline else present_standing(declared)
    beside = computed(invocation, standing)
    if not offline and standing.services:
        beside = published(standing) or beside
    paths = written(standing, out, where, wheels=not offline, beside=beside)
    if as_json:
        say_json({"folder": str(out), "files": list(paths), "release": standing.release})
        return
    release = f"release {standing.release}" if standing.release else "the app file"
    say(f"{len(paths)} files in {out}: {standing.environment} as of {release}")
    note(f"what to do with them is in {out / 'README.md'}")
