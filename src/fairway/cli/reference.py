"""The reference of all commands as Markdown, made from the commands themselves.

`python -m fairway.cli.reference > docs/commands.md` writes it; a test compares the two, so the page
cannot fall behind.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup

from fairway.cli.catalogue import CATALOGUE
from fairway.cli.failures import EXIT_CODES
from fairway.cli.lazy import argument_words, load
from fairway.cli.output import say

_HEAD = """\
# Commands

<!-- Made by `python -m fairway.cli.reference > docs/commands.md`: change the commands instead. -->

`fairway --help` lists these, `fairway COMMAND --help` explains one. `fairway --install-completion`
sets up completion for your shell.

- A result goes to standard output, progress and hints go to standard error: pipes stay clean.
- `--json` prints a result for programs, with the same names as the API. An error is text on
  standard error with `--json` as well, and standard output stays empty: go by the exit code. Only
  `fairway validate --json` prints the problems that it finds.
- Colour needs a terminal; `NO_COLOR=1` switches it off, `CI=1` also the moving progress.
- `--file PATH` (or `FAIRWAY_FILE`) names the app file; without, it is `fairway.yaml` in this folder
  or the nearest one above. `--env NAME` (or `FAIRWAY_ENV`) chooses the environment, `local` if
  absent.
- `-v` says more. `--debug` (or `FAIRWAY_DEBUG=1`) shows the traceback of an error.

## Exit codes

| code | meaning |
| ---: | --- |
"""
_COMMON = frozenset({"--file", "--env", "--verbose", "--debug", "--help"})


def reference() -> str:
    """The whole page."""
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES.items())
    commands = [
        section
        for entry in CATALOGUE
        if not entry.hidden
        for section in _sections(f"fairway {entry.name}", load(entry))
    ]
    note = "\n`fairway run` passes the exit code of its command on.\n"
    return f"{_HEAD}{codes}{note}" + "".join(commands)


def _sections(path: str, command: Any) -> Iterator[str]:
    if isinstance(command, TyperGroup):
        yield f"\n## `{path}`\n\n{_words(command.help)}\n"
        for name, child in command.commands.items():
            yield from (f"\n#{text[1:]}" for text in _sections(f"{path} {name}", child))
        return
    title = f"\n## `{_usage(path, command)}`\n"
    yield "\n".join([title, _wrapped(command.help), "", _example(command), _options(command)])


def _usage(path: str, command: Any) -> str:
    arguments = [argument_words(p) for p in command.params if p.param_type_name == "argument"]
    return " ".join([path, *arguments])


def _example(command: Any) -> str:
    example = str(command.epilog).removeprefix("Example: ")
    return f"```console\n$ {example}\n```"


def _options(command: Any) -> str:
    items = [
        f"- `{_names(parameter)}`: {_words(parameter.help)}\n"
        for parameter in command.params
        if parameter.help and not _COMMON & set(parameter.opts)
    ]
    return f"\n{''.join(items)}" if items else ""


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return argument_words(parameter)
    return "`, `".join(parameter.opts)


def _wrapped(text: str) -> str:
    return "\n\n".join(
        textwrap.fill(part, 100, break_on_hyphens=False) for part in text.split("\n\n")
    )


def _words(text: str | None) -> str:
    return inspect.cleandoc(text or "")


if __name__ == "__main__":
    say(reference().rstrip("\n"))
