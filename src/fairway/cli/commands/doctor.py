"""`fairway doctor`: what is missing on this machine, and how to get it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairway.cli.checks import Check, Outcome, Subject, examine
from fairway.cli.invocation import Invocation, current
from fairway.cli.output import Painter, painter, say, say_json
from fairway.cli.place import state_of
from fairway.errors import NotFound
from fairway.targets.local.layout import StateDir

app = typer.Typer(add_completion=False)
_MARKS: dict[Outcome, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "optional": ("·", "dim"),
    "warning": ("!", "yellow"),
    "problem": ("✗", "red"),
}


@app.command()
def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is missing on this machine, and how to get it.

    Exit code 1 only when something keeps `fairway up` from working. Changes nothing.
    """
    state = _state(current(context))
    checks = list(examine(Subject(state, state.app_dir if state else Path.cwd())))
    problems = [check for check in checks if check.outcome == "problem"]
    if as_json:
        say_json({"ok": not problems, "checks": checks})
    else:
        _show(checks, len(problems), painter())
    if problems:
        raise typer.Exit(1)


def _state(invocation: Invocation) -> StateDir | None:
    """The app's state; None where there is no app file, unless one was named."""
    try:
        return state_of(invocation)
    except NotFound:
        if invocation.file is not None:
            raise
        return None


def _show(checks: list[Check], problems: int, paint: Painter) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        mark, colour = _MARKS[check.outcome]
        say(f"{paint.paint(mark, colour)} {check.name.ljust(width)}  {check.detail}")
        if check.remedy:
            say(f"  {' ' * width}  {paint.dim('→')} {check.remedy}")
    verdict = "everything that is needed is here"
    if problems:
        verdict = paint.red(f"{problems} problem{'s' if problems > 1 else ''} to solve first")
    say(f"\n{verdict}")
