"""How a `run:` line of the app file becomes the arguments of a process. Pure.

The line is a shell line, because `$PORT` must be expanded and people write pipes and `&&`; but
when it is one plain command, the shell must not stay in between: the process that Fairway knows
should be the program itself, so that signals and exit codes are the program's own.
"""

from __future__ import annotations

import re
import shlex

# fmt: off
_BUILTINS = frozenset({
    "!", "{", "}", "[[", ".", ":", "alias", "bg", "break", "case", "cd", "command",
    "continue", "do", "done", "elif", "else", "esac", "eval", "exec", "exit", "export", "fg",
    "fi", "for", "function", "getopts", "hash", "if", "in", "jobs", "local", "read",
    "readonly", "return", "set", "shift", "source", "then", "time", "times", "trap", "type",
    "ulimit", "umask", "unalias", "unset", "until", "wait", "while",
})
# fmt: on
"""Words that `exec` cannot run, because they are the shell's own."""

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_OPERATORS = frozenset("();|&\n`")


def shell(command: str) -> tuple[str, ...]:
    """The arguments that run a `run:` line, without a shell left over where that is possible."""
    line = f"exec {command}" if _is_plain(command) else command
    return ("/bin/sh", "-c", line)


def _is_plain(command: str) -> bool:
    """Whether it is a single command that names a program: `uvicorn app:app --port $PORT`."""
    if "\n" in command.strip() or "`" in command:
        return False
    try:
        words = list(shlex.shlex(command, posix=True, punctuation_chars="();|&"))
    except ValueError:  # an open quote: the shell explains it better, in the log
        return False
    if not words or any(word and set(word) <= _OPERATORS for word in words):
        return False
    first = words[0]
    return first not in _BUILTINS and not _ASSIGNMENT.match(command.strip())
