"""How errors look on a terminal, and which exit code each ends with.

`main` calls it for whatever a command raised. A `FairwayError` is shown as what, where and remedy;
an `InvalidAppFile` as every problem with its source line; anything else is a defect of Fairway.
"""

from __future__ import annotations

import errno
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fairway.cli.invocation import Invocation
from fairway.cli.output import Painter, painter, say_json
from fairway.errors import FairwayError, InvalidAppFile, Problem, Unavailable

DEFECT = 70
_REMEDIES = {
    errno.EACCES: "give yourself write access to that folder, or use another one",
    errno.EPERM: "give yourself write access to that folder, or use another one",
    errno.EROFS: "mount it writable, or copy the app to a folder that is",
    errno.ENOSPC: "free some space on that disk",
    errno.EDQUOT: "free some space: your quota on that disk is used up",
    errno.ENAMETOOLONG: "move the app to a folder with a shorter path",
}
EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "failed for another reason; `fairway doctor` and `policy test` found something wrong",
    2: "the app file, the policies or the arguments are wrong; `plan`: there are changes; `drift`: "
    "something differs",
    3: "`deploy`, `rollback`, `follow`: the deployment was rolled back",
    4: "someone else was faster, or holds what is needed",
    5: "something outside is missing or down: worth a retry",
    6: "a policy, a role, a person or a safety rule forbids it",
    7: "a deployment failed: someone has to look",
    8: "a deployment waits for a person, and nobody is at this terminal",
    9: "a named thing does not exist",
    DEFECT: "a defect of Fairway: please report it",
    130: "interrupted with Ctrl-C",
}
"""Every exit code of `fairway` and what it says. `fairway run` passes its command's code on."""


def report_error(error: FairwayError, invocation: Invocation) -> int:
    """Explain an error on standard error; returns the exit code."""
    paint = painter(sys.stderr)
    if isinstance(error, InvalidAppFile):
        blocks = [render_problem(problem, paint) for problem in error.problems]
        count = len(blocks)
        blocks.append(paint.bold(f"{count} problem{'s' if count > 1 else ''}"))
        text = "\n\n".join(blocks)
    else:
        text = render_error(error, paint)
    sys.stderr.write(f"{text}\n")
    _show_more(error, invocation, paint)
    return error.exit_code


def report_json_error(error: FairwayError) -> None:
    """An error as JSON on standard output, for commands whose errors are their result."""
    problems = error.problems if isinstance(error, InvalidAppFile) else ()
    say_json(
        {"valid": False, "problems": [asdict(problem) for problem in problems]}
        | ({} if problems else {"error": error_data(error)})
    )


def error_data(error: FairwayError) -> dict[str, Any]:
    """The parts of an error, for JSON; of an invalid app file also every problem."""
    parts = {"code": error.code, "message": error.message}
    parts |= {"where": error.where, "remedy": error.remedy}
    if isinstance(error, InvalidAppFile):
        return parts | {"problems": [asdict(problem) for problem in error.problems]}
    return parts


def unusable_place(error: Exception) -> FairwayError | None:
    """A file or folder that the machine does not let us use: its fault, not a defect of Fairway."""
    if not isinstance(error, OSError) or error.errno not in _REMEDIES or not error.filename:
        return None
    found = Unavailable(
        "unusable-place",
        f"{str(error.strerror).lower()}: {error.filename}",
        remedy=_REMEDIES[error.errno],
    )
    found.__cause__ = error
    return found


def report_defect(error: Exception, invocation: Invocation) -> int:
    """Say that Fairway itself failed and how to see where; returns the exit code."""
    paint = painter(sys.stderr)
    sys.stderr.write(f"{paint.red('defect:')} {type(error).__name__}: {error}\n")
    if invocation.debug:
        traceback.print_exception(error)
    else:
        hint = "this is a defect of Fairway; run it again with --debug (or FAIRWAY_DEBUG=1)"
        sys.stderr.write(f"  {paint.dim('remedy')} {hint} and report the traceback\n")
    return DEFECT


def render_error(error: FairwayError, paint: Painter) -> str:
    """What on the first line, then where and the remedy, as far as there are any."""
    first, *more = error.message.splitlines() or [""]
    lines = [f"{paint.red('error:')} {first} {paint.dim(f'[{error.code}]')}", *more]
    if error.where:
        lines.append(f"  {paint.dim('where ')} {error.where}")
    if error.remedy:
        lines.append(f"  {paint.dim('remedy')} {error.remedy}")
    return "\n".join(lines)


def render_problem(problem: Problem, paint: Painter, severity: str = "error") -> str:
    """A problem with its place, the source line with a caret, and the remedy."""
    mark = paint.paint(f"{severity}:", "red" if severity == "error" else "yellow")
    code = paint.dim(f"[{problem.code}]")
    lines = [f"{paint.bold(problem.where)}: {mark} {problem.message} {code}"]
    source = _source_line(problem)
    if source is not None:
        gutter = f"{problem.line:>5} | "
        indent = "".join("\t" if char == "\t" else " " for char in source[: problem.column - 1])
        lines.append(paint.dim(gutter) + source)
        lines.append(paint.dim(" " * 5 + " | ") + indent + paint.red("^"))
    if problem.remedy:
        lines.append(f"  {paint.dim('remedy')} {problem.remedy}")
    return "\n".join(lines)


def _source_line(problem: Problem) -> str | None:
    """The line as it is now; None when the file cannot be read again (it was standard input)."""
    try:
        lines = Path(problem.file).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return None
    return lines[problem.line - 1].rstrip("\r") if 0 < problem.line <= len(lines) else None


def _show_more(error: FairwayError, invocation: Invocation, paint: Painter) -> None:
    if invocation.debug:
        traceback.print_exception(error)
    elif invocation.verbose and error.__cause__ is not None:
        cause = error.__cause__
        sys.stderr.write(f"  {paint.dim('cause ')} {type(cause).__name__}: {cause}\n")
