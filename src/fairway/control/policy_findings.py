"""What a check of policies finds: problems, how the test cases went, who would be let through.

Plain values that `port.py` promises; `policy_checks.py` makes them. On its own so that whoever only
asks does not load the policy engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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


@dataclass(frozen=True, slots=True)
class PolicyNames:
    """What policies can be about: intents by service, clients, and the types of the context's keys.

    `context` is what a call is asked with unless somebody says otherwise.
    """

    services: Mapping[str, tuple[str, ...]]
    clients: tuple[str, ...]
    keys: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallerAnswer:
    """What one principal would be answered. `reads`: the context keys that the answer depends on.

    `declared`: the app file says that it calls this; nothing else is ever allowed.
    """

    kind: str
    name: str
    declared: bool
    allowed: bool
    reason: str
    policies: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Simulation:
    """Who may ask a service for an intent, in a context: every principal there is.

    `policy_set` is 0 for a text that is not stored.
    """

    service: str
    intent: str
    policy_set: int
    context: Mapping[str, Any]
    answers: tuple[CallerAnswer, ...]


@dataclass(frozen=True, slots=True)
class ChangedDecision:
    """A declared call that a text decides otherwise than the policies that decide now."""

    kind: str
    name: str
    service: str
    intent: str
    allowed: bool
    reason: str
