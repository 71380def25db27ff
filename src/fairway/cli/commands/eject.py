"""`fairway eject`: leave with everything: what `render` writes, to be applied without Fairway.

With the images and versions that run now, by the environment's record on AWS, with the documents
that tasks are told (`config/`), and with Lambda packages that are complete. A record or documents
that cannot be read are an error: only `--offline` goes by the app file. It changes nothing: what
was made stays, and so does its state, which the ejected `backend.hcl` files name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairway.cli.delivering.arguments import AsJson, EnvironmentName, about
from fairway.cli.ejected import computed, place_of, published, with_account
from fairway.cli.output import note, say, say_json
from fairway.cli.rendered import declared_standing, present_standing, written
from fairway.targets.aws.rendering.roots import RENEW
from fairway.targets.aws.rendering.tree import Where, check_place
from fairway.targets.aws.standing.state import Standing
from fairway.targets.signing import verifying_services

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
    standing = declared_standing(invocation)
    place = place_of(standing)
    if not offline:
        standing = with_account(present_standing(standing, place), place)
    told = published(standing, place) if standing.services else computed(invocation, standing)
    paths = written(standing, out, where, wheels=not offline, beside=told)
    if as_json:
        say_json({"folder": str(out), "files": list(paths), "release": standing.release})
        return
    _say(standing, out, len(paths))


def _say(standing: Standing, out: Path, files: int) -> None:
    release = f"release {standing.release}" if standing.release else "the app file"
    say(f"{files} files in {out}: {standing.environment} as of {release}")
    if verifying_services(standing.model):
        note(
            "services sign their calls, and refuse them 7 days after the keys were renewed last: "
            f"keep `fairway server` running, or run `python {out / RENEW}` every day"
        )
    note(f"what to do with them is in {out / 'README.md'}")
