"""`fairway version`: which Fairway, Python and platform this is."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from fairway import __version__
from fairway.cli.output import say, say_json

app = typer.Typer(add_completion=False)


@app.command()
def version(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the version."""
    facts = {
        "fairway": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }
    if as_json:
        say_json(facts)
    else:
        say("  ".join(f"{name} {value}" for name, value in facts.items()))
