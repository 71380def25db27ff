"""What one run of the command line was asked for, beyond the command itself.

`main` makes one `Invocation`; the common options (`--debug`, `-v`, `--file`, `--env`) of whichever
command runs fill it in, and commands read it with `current`. The only mutable object of the part.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_FILE = "fairway.yaml"
FILE_NAMES = (DEFAULT_FILE, "fairway.yml")
DEFAULT_ENVIRONMENT = "local"


@dataclass(slots=True)
class Invocation:
    """The common options as they were given; flags count once or more (`-v`)."""

    file: Path | None = None
    environment: str = DEFAULT_ENVIRONMENT
    verbose: int = 0
    debug: bool = False


def current(context: typer.Context) -> Invocation:
    """The invocation that a command belongs to."""
    found = context.find_root().obj
    assert isinstance(found, Invocation)
    return found


def _remember_debug(context: typer.Context, value: bool) -> bool:
    current(context).debug |= value
    return value


def _remember_verbose(context: typer.Context, value: int) -> int:
    current(context).verbose += value
    return value


def _remember_file(context: typer.Context, value: Path | None) -> Path | None:
    if value is not None:
        current(context).file = value
    return value


def _remember_environment(context: typer.Context, value: str) -> str:
    current(context).environment = value
    return value


Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        callback=_remember_verbose,
        expose_value=False,
        help="Say more; twice: still more.",
    ),
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        callback=_remember_debug,
        expose_value=False,
        help="Show the traceback of an error.",
    ),
]
AppFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        callback=_remember_file,
        expose_value=False,
        envvar="FAIRWAY_FILE",
        metavar="PATH",
        help="The app file; absent: fairway.yaml here or above.",
    ),
]
Environment = Annotated[
    str,
    typer.Option(
        "--env",
        "-e",
        callback=_remember_environment,
        expose_value=False,
        envvar="FAIRWAY_ENV",
        metavar="NAME",
        help="The environment.",
    ),
]


def everywhere(verbose: Verbose = 0, debug: Debug = False) -> None:
    """Carries the options of every command; see `lazy`."""


def where_an_app_is_read(
    file: AppFile = None,
    environment: Environment = DEFAULT_ENVIRONMENT,
    verbose: Verbose = 0,
    debug: Debug = False,
) -> None:
    """Carries the options of every command that reads an app file; see `lazy`."""


def debug_by_environment() -> bool:
    """Whether `FAIRWAY_DEBUG` asks for tracebacks (also of what fails before options are read)."""
    return os.environ.get("FAIRWAY_DEBUG", "") not in ("", "0")
