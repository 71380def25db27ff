"""The one exception tree of Fairway: every error says what, where and what to do.

    FairwayError                what went wrong, where, and the remedy
    ├── InvalidInput            the user's files or arguments are wrong          exit code 2
    │   └── InvalidAppFile      every problem of an app file, reported at once   exit code 2
    ├── NotFound                a named thing does not exist                     exit code 9
    ├── Conflict                someone else was faster, or holds a lock         exit code 4
    ├── Unavailable             something outside is missing or down: retryable  exit code 5
    ├── Unhealthy               what was started does not work: its own fault    exit code 7
    └── Refused                 a policy, a role or a safety rule forbids it     exit code 6

Who uses it: everyone. A vendor's error is wrapped at the edge (`raise X(...) from error`), so its
cause is kept; code never decides by an error's text. Retryable is a type (`Unavailable`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class FairwayError(Exception):
    """What went wrong (`message`), where (`where`, may be empty) and what to do (`remedy`).

    `code` is a stable identifier for programs, in kebab case: it never changes between releases.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message}{self._remedy_words()}"

    def _remedy_words(self) -> str:
        """Behind one line in brackets; behind several it would look like part of the last one."""
        if not self.remedy:
            return ""
        return f"\n  remedy: {self.remedy}" if "\n" in self.message else f" ({self.remedy})"


class InvalidInput(FairwayError):
    """The user's files or arguments are wrong."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file that the user wrote. `line` and `column` count from 1."""

    code: str
    message: str
    remedy: str
    file: str
    line: int
    column: int

    @property
    def where(self) -> str:
        """`file:line:column`, the form that editors and terminals make clickable."""
        return f"{self.file}:{self.line}:{self.column}"


class InvalidAppFile(InvalidInput):
    """Every problem of an app file (or of its policies), sorted by place, never only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        if not problems:
            raise ValueError("InvalidAppFile needs at least one problem")
        self.problems: tuple[Problem, ...] = tuple(
            sorted(problems, key=lambda p: (p.file, p.line, p.column, p.message))
        )
        count = len(self.problems)
        first = self.problems[0]
        super().__init__(
            "invalid-app-file",
            f"{count} problem{'s' if count > 1 else ''}; the first: {first.message}",
            where=first.where,
            remedy=first.remedy,
        )


class NotFound(FairwayError):
    """A named thing does not exist."""

    exit_code = 9


class Conflict(FairwayError):
    """Someone else was faster, or holds what is needed."""

    exit_code = 4


class Unavailable(FairwayError):
    """Something outside is missing or down. The only error that is worth a retry."""

    exit_code = 5


class Unhealthy(FairwayError):
    """What was started does not come up. Trying it once more would change nothing."""

    exit_code = 7


class Refused(FairwayError):
    """A policy, a role or a safety rule forbids it."""

    exit_code = 6
