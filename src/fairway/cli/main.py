"""The entry point `fairway`: picks the command, runs it, turns errors into words and exit codes.

Called by the console script and by `python -m fairway.cli.main`. Guarantees: the exit code is one
of `failures.EXIT_CODES`; an error goes to standard error, never a traceback unless asked for; only
what the chosen command needs is imported.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.main import get_command

from fairway.cli.invocation import Debug, Invocation, Verbose, debug_by_environment
from fairway.cli.lazy import CatalogueGroup
from fairway.errors import FairwayError

app = typer.Typer(
    name="fairway",
    cls=CatalogueGroup,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},  # the commands' contexts inherit it
    epilog="Example: fairway init && fairway up",
)


@app.callback(invoke_without_command=True, no_args_is_help=True)
def fairway(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    verbose: Verbose = 0,  # noqa: ARG001 - noted by its callback
    debug: Debug = False,  # noqa: ARG001 - noted by its callback
) -> None:
    """From one app file to a governed, observed system."""
    if version:
        from fairway import __version__

        typer.echo(f"fairway {__version__}")
        raise typer.Exit


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit the process with its code."""
    invocation = Invocation(debug=debug_by_environment())
    try:
        get_command(app)(arguments, prog_name="fairway", obj=invocation)
    except FairwayError as error:
        from fairway.cli.failures import report_error

        sys.exit(report_error(error, invocation))
    except Exception as error:  # noqa: BLE001 - the last line of defence: words, not a traceback
        from fairway.cli.failures import report_defect, report_error, unusable_place

        place = unusable_place(error)
        sys.exit(report_error(place, invocation) if place else report_defect(error, invocation))


if __name__ == "__main__":
    run()
