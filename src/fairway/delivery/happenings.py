"""What can happen to a deployment: the inputs of `transitions.advance`. Plain data.

The engine makes one for the outcome of each effect; DBOS keeps it as JSON (`codec.py`), and a
deployment that is resumed is told the same again. `at` is when it happened, in Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fairway.delivery.course import Course, OnFailure
from fairway.delivery.deployment import Approval, Command
from fairway.plan.plan import Plan

Outcome = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Done:
    """The effect was carried out; nothing more is to be said about it."""

    at: float


@dataclass(frozen=True, slots=True)
class PlanStale:
    """What the plan was computed from has moved."""

    at: float
    moved: str


@dataclass(frozen=True, slots=True)
class Replanned:
    """What it was planned on moved while it waited for its turn; this is the plan now."""

    at: float
    plan: Plan
    course: Course


@dataclass(frozen=True, slots=True)
class Agreed:
    """Someone agreed, and more have to; `approvals` are all so far."""

    at: float
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class Approved:
    """Enough people agreed."""

    at: float
    approvals: tuple[Approval, ...]
    inbox: int


@dataclass(frozen=True, slots=True)
class Held:
    """The environment may not be changed now: why, and when that ends at the earliest."""

    at: float
    reason: str
    until: float


@dataclass(frozen=True, slots=True)
class Refused:
    """Someone who may said no, or nobody said anything in time."""

    at: float
    reason: str
    inbox: int


@dataclass(frozen=True, slots=True)
class Told:
    """A command arrived while the effect waited."""

    at: float
    command: Command
    by: str
    reason: str
    inbox: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A stage came to its end by itself."""

    at: float
    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The effect could not be carried out. `retry`: the same may work in a while."""

    at: float
    reason: str
    retry: bool = False
    then: OnFailure = "roll_back"


Happening = (
    Done | PlanStale | Replanned | Agreed | Approved | Held | Refused | Told | Judged | Failed
)
