"""`fairway schema`: the JSON Schema (2020-12) of the app file, from which editors complete."""

from __future__ import annotations

import typer

from fairway.cli.output import say_json
from fairway.model.schema import app_file_schema

app = typer.Typer(add_completion=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the app file, for editors.

    In the app file, name the written schema for the YAML language server:
    `# yaml-language-server: $schema=fairway.schema.json`
    """
    say_json(app_file_schema())
