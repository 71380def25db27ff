"""`fairway init`: an app file for what is in a folder, without asking questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairway.cli.detect import COMPOSE_NAMES, PROCFILE, find_services, importable_file
from fairway.cli.invocation import DEFAULT_FILE, FILE_NAMES
from fairway.cli.output import painter, say, say_json
from fairway.cli.place import seen_from_here
from fairway.errors import Conflict, InvalidInput, NotFound
from fairway.model.importing import (
    EXAMPLE_FOLDER,
    Imported,
    app_from_compose,
    app_from_procfile,
    starter_app_file,
)

app = typer.Typer(add_completion=False)
_PAGE = """\
<!doctype html>
<title>It runs</title>
<h1>It runs</h1>
<p>Replace this page, or <code>run</code> in fairway.yaml, by your own.</p>
"""


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The app's folder.")] = Path(),
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A Compose file or a Procfile to carry over."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an app file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write an app file for what is in this folder.

    Carries over a Compose file or a Procfile, else proposes a service for every Python, Node.js or
    static program it finds. What could not be carried over is listed. Never overwrites an app file.
    """
    folder = _existing(folder)
    _refuse_overwriting(folder, force)
    origin = source or importable_file(folder)
    made = _imported(origin, folder) if origin else _proposed(folder)
    target = folder / DEFAULT_FILE
    target.write_text(made.text, encoding="utf-8")
    written = seen_from_here(target)
    if as_json:
        from_file = str(origin) if origin else None
        say_json({"file": str(target), "from": from_file, "notes": made.notes})
    else:
        _show(written, origin, made.notes)


def _existing(folder: Path) -> Path:
    if folder.is_dir():
        return folder.resolve()
    raise NotFound(
        "no-such-folder", "there is no such folder", where=str(folder), remedy="create it first"
    )


def _refuse_overwriting(folder: Path, force: bool) -> None:
    present = next((folder / name for name in FILE_NAMES if (folder / name).exists()), None)
    if present is not None and not force:
        raise Conflict(
            "app-file-exists",
            "there is an app file already",
            where=seen_from_here(present),
            remedy="change it, or replace it with --force",
        )


def _imported(source: Path, folder: Path) -> Imported:
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            "unreadable-file",
            f"the file cannot be read: {error}",
            where=str(source),
            remedy="name a Compose file or a Procfile with --from",
        ) from error
    if source.name.startswith(PROCFILE):
        return app_from_procfile(text, name=folder.name, file=source.name)
    if source.name in COMPOSE_NAMES or source.suffix in (".yaml", ".yml"):
        return app_from_compose(text, name=folder.name, file=source.name)
    raise InvalidInput(
        "unknown-source",
        f"{source.name} is neither a Compose file nor a Procfile",
        where="--from",
        remedy="name a file that ends in .yaml or .yml, or that is called Procfile",
    )


def _proposed(folder: Path) -> Imported:
    found = find_services(folder)
    notes = tuple(
        f"found {service.name} in {service.folder or 'this folder'}: "
        f"{service.run or 'static files'}"
        for service in found
    )
    return Imported(starter_app_file(folder.name, found), notes or (_example_page(folder),))


def _example_page(folder: Path) -> str:
    """Something for the example to show, so that `fairway up` works at once; says what it is."""
    page = folder / EXAMPLE_FOLDER / "index.html"
    if not page.exists():
        page.parent.mkdir(exist_ok=True)
        page.write_text(_PAGE, encoding="utf-8")
    return f"found no program; {EXAMPLE_FOLDER}/index.html is an example to replace"


def _show(written: str, origin: Path | None, notes: tuple[str, ...]) -> None:
    paint = painter()
    made_from = f" from {seen_from_here(origin.resolve())}" if origin else ""
    say(f"{paint.green('wrote')} {written}{made_from}")
    for note in notes:
        say(f"  {paint.dim('·')} {note}")
    say("\nnext     fairway validate, then fairway up")
