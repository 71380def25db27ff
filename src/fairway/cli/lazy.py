"""A Typer group that knows its commands by name and imports one only when it is used.

`main` builds the root from it. Help and completion of the root see placeholders made from the
catalogue; `resolve_command` swaps in the real command, with the common options added.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from fairway.cli.catalogue import CATALOGUE, Entry
from fairway.cli.invocation import everywhere, where_an_app_is_read


class CatalogueGroup(TyperGroup):
    """The root group: the catalogue's commands, in its order."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {entry.name: _placeholder(entry) for entry in CATALOGUE}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the base class asks for it
        """The catalogue's order, which tells a story; not the alphabet's."""
        return list(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The real command in place of its placeholder (and typer's hint for a mistyped name)."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, name and load(_ENTRIES[name]), rest


def load(entry: Entry) -> Any:
    """Import a command and give it its example and the common options."""
    app: typer.Typer = import_module(f"fairway.cli.commands.{entry.module}").app
    command = get_command(app)
    command.name = entry.name
    command.hidden = entry.hidden
    command.epilog = command.epilog or f"Example: {entry.example}"
    carrier = where_an_app_is_read if entry.reads_app else everywhere
    for leaf in _leaves(command):
        leaf.params = [*leaf.params, *_options_of(carrier)]
        leaf.help = _one_line_a_paragraph(leaf.help)
        leaf.collect_usage_pieces = partial(_usage, leaf)
    return command


def argument_words(parameter: Any) -> str:
    """How an argument is written in a usage line; a metavar says itself what may be left out."""
    if parameter.metavar:
        return str(parameter.metavar)
    name = parameter.name.upper() + ("…" if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def _usage(command: Any, _context: Any) -> list[str]:
    """Click's own would put brackets around the brackets."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    return [command.options_metavar, *map(argument_words, arguments)]


def _one_line_a_paragraph(text: str) -> str:
    """Rich keeps the line breaks of a docstring; a terminal of another width wants its own."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _leaves(command: Any) -> list[Any]:
    if isinstance(command, TyperGroup):
        return [leaf for child in command.commands.values() for leaf in _leaves(child)]
    return [command]


def _options_of(carrier: Callable[..., None]) -> list[Any]:
    app = typer.Typer(add_completion=False)
    app.command()(carrier)
    return get_command(app).params


def _placeholder(entry: Entry) -> TyperCommand:
    return TyperCommand(
        entry.name, help=entry.summary, hidden=entry.hidden, rich_help_panel=entry.panel
    )


_ENTRIES = {entry.name: entry for entry in CATALOGUE}
