"""The deployment: one durable execution of a plan, as a value.

`transitions.advance` is the only one who makes a new value from an old one; the store keeps each
with its revision, the engine performs what its `effect` says. Frozen, pure, and whole: a value is
all that is needed to go on after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fairway.delivery.course import Course, Phase
from fairway.plan.plan import Plan

Status = Literal[
    "pending",
    "planning",
    "awaiting_approval",
    "applying",
    "shifting",
    "verifying",
    "succeeded",
    "rolling_back",
    "rolled_back",
    "failed",
    "cancelled",
]
TERMINAL: frozenset[Status] = frozenset({"succeeded", "rolled_back", "failed", "cancelled"})
Command = Literal["promote", "promote_fully", "pause", "resume", "abort", "override"]
Step = Literal[
    "begin",
    "check_plan",
    "await_approval",
    "await_window",
    "run_hooks",
    "apply",
    "govern",
    "shift",
    "trim",
    "watch",
    "await_resume",
    "retire",
    "settle",
]


@dataclass(frozen=True, slots=True)
class Effect:
    """The one thing that is to be done next; its outcome is the next event.

    step            what it uses                    what it does
    begin           -                               wait for the environment's lease
    check_plan      stage (1: after waiting)        is what the plan was computed from still so?
    await_approval  deadline                        collect approvals, or a refusal
    await_window    deadline                        wait for a maintenance window, for the end of a
                                                    freeze
    run_hooks       phase                           the hooks of a phase, in order
    apply           stage, back                     have the candidates of this stage run (back:
                                                    the old versions, in full)
    govern          back                            the release's policies and configuration decide
                                                    (back: those of the base)
    shift           stage, weight, mirror, back     divide the traffic
    trim            stage                           rolling: leave the old ones their rest
    watch           stage, since, deadline          measure and judge, listen for commands
    await_resume    stage, since                    listen for commands; a judged stage can fail
    retire          back                            stop the old versions (back: the new ones)
    settle          back                            this release (back: the base) is what should be

    Times are Unix seconds.
    """

    step: Step
    phase: Phase | None = None
    stage: int = 0
    weight: int = 0
    mirror: int = 0
    since: float = 0.0
    deadline: float | None = None
    back: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    """Someone agreed."""

    by: str
    role: str
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment. `release` is what it brings, `base` what it would go back to (0: nothing).

    `serving` is the candidates' percent of new requests now. `started`: candidates may run;
    `stopped`: old versions may be gone, so going back has to start them again; `governed`: the
    release's policies may decide. These are set before the effect that makes them true, so that a
    crash in the middle is taken care of. `agreed`: someone has agreed to exactly this plan, so
    it is not made anew when the environment has moved before its turn. `paused` says why it waits
    for a person, `interrupted` is what goes on then; `attempts` counts failures of the present
    effect. `inbox` is the number of the last command that was heard. `held` says which window or
    freeze it waits for, while it does.
    """

    id: str
    plan: Plan
    course: Course
    release: int
    base: int
    by: str
    at: float
    note: str = ""
    status: Status = "pending"
    effect: Effect | None = field(default_factory=lambda: Effect("begin"))
    stage: int = 0
    serving: int = 0
    started: bool = False
    stopped: bool = False
    governed: bool = False
    approvals: tuple[Approval, ...] = ()
    paused: str = ""
    interrupted: Effect | None = None
    reason: str = ""
    attempts: int = 0
    inbox: int = 0
    agreed: bool = False
    ended_at: float | None = None
    held: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing will happen any more."""
        return self.status in TERMINAL

    @property
    def app(self) -> str:
        """The app that is deployed."""
        return self.plan.app

    @property
    def environment(self) -> str:
        """Where to."""
        return self.plan.environment

    @property
    def cohort(self) -> str:
        """The label of its candidates' requests: `r8`."""
        return f"r{self.release}"
