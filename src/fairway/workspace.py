"""The app on disk: finds `fairway.yaml`, reads it, what it extends, and the `.env` files.

Called by the command line and the control plane. The only part of loading that touches files;
what they mean is decided in `fairway.model`. Guarantees: an error names the file and the remedy,
and a value from a `.env` file never appears in one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fairway.errors import InvalidAppFile, InvalidInput, NotFound, Problem
from fairway.model.dotenv import parse_dotenv
from fairway.model.load import LoadedApp, load_app

APP_FILE = "fairway.yaml"
_NAMES = (APP_FILE, "fairway.yml")


@dataclass(frozen=True, slots=True)
class Workspace:
    """An app file that was found and loaded; `folder` is where its relative paths begin.

    `variables` is what filled in `${NAME}`: the process's environment over `.env.<environment>`
    over `.env`. They may hold secrets, so they are not in the repr.
    """

    app_file: Path
    folder: Path
    loaded: LoadedApp
    variables: Mapping[str, str] = field(repr=False)


def open_workspace(
    path: Path | None, environment: str = "local", variables: Mapping[str, str] | None = None
) -> Workspace:
    """Load the app file at `path` (a file or its folder); None looks upwards from here.

    `environment` chooses `.env.<environment>`; `variables` are the process's own unless given.
    Raises NotFound, InvalidInput for a file that cannot be read, and InvalidAppFile with all
    problems of the app file and the `.env` files.
    """
    app_file = find_app_file(path or Path.cwd(), upwards=path is None)
    folder = app_file.parent
    own = os.environ if variables is None else variables
    filled = {**_dotenv(folder, environment), **own}

    def read(relative: str) -> str:
        return (folder / relative).read_text(encoding="utf-8")

    loaded = load_app(app_file.name, _text(app_file), read=read, variables=filled)
    return Workspace(app_file, folder, loaded, filled)


def find_app_file(start: Path, *, upwards: bool) -> Path:
    """The app file at `start`, or in a folder above it when `upwards`; raises NotFound."""
    start = start.resolve()
    if start.is_file():
        return start
    for folder in (start, *start.parents) if upwards else (start,):
        for name in _NAMES:
            if (folder / name).is_file():
                return folder / name
    where = f"{start} or any folder above it" if upwards else str(start)
    raise NotFound(
        "no-app-file",
        f"there is no {APP_FILE} in {where}",
        where=str(start),
        remedy="go to your app's folder, or begin one here with 'fairway init'",
    )


def _dotenv(folder: Path, environment: str) -> dict[str, str]:
    """`.env`, and over it `.env.<environment>`; a file that is not there is empty."""
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for name in (".env", f".env.{environment}"):
        file = folder / name
        if file.is_file():
            parsed = parse_dotenv(name, _text(file))
            values.update(parsed.values)
            problems += parsed.problems
    if problems:
        raise InvalidAppFile(problems)
    return values


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "not-utf-8",
            f"byte {error.start + 1} is not UTF-8 text",
            where=str(file),
            remedy="save the file as UTF-8",
        ) from error
    except OSError as error:
        raise InvalidInput(
            "unreadable-file",
            f"the file cannot be read: {error.strerror}",
            where=str(file),
            remedy="check that it is a file and that you may read it",
        ) from error
