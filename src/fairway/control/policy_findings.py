"""What a check of policies finds: problems with their places, and how the test cases went.

Plain values that `port.py` promises; `policy_checks.py` makes them. On its own so that whoever only
asks does not load the policy engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One thing wrong in a policy text, or (`warning`) allowed and probably not meant.

    `line` and `column` count from 1. `file` is empty for the text that was checked.
    """

    line: int
    column: int
    message: str
    remedy: str
    code: str = ""
    severity: Severity = "error"
    file: str = ""


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """How one test case went: what was decided, by which policies, and why it failed (if it did).

    `where` is `file:line:column` of the case.
    """

    name: str
    where: str
    passed: bool
    allowed: bool
    policies: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PolicyTestReport:
    """All cases in file order, what is wrong with their files, and the policies no case exercises.

    `passed`: every file is sound and every case went as expected.
    """

    passed: bool
    cases: tuple[PolicyCase, ...] = ()
    problems: tuple[PolicyProblem, ...] = ()
    uncovered: tuple[str, ...] = ()
