"""The course of a deployment: its strategy as stages, settled before anything happens. Pure data.

`strategies.py` makes it from a plan, `transitions.py` walks it. Everything that decides how the
deployment goes on is in here, so that an edited app file changes no deployment that is under way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Inconclusive = Literal["pause", "roll_back", "promote"]
OnFailure = Literal["roll_back", "stop", "ignore"]
Phase = Literal["pre_deploy", "pre_shift", "post_shift", "post_deploy"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One division of the traffic, and how long it is watched.

    `weight` is the candidates' percent of new requests, `mirror` the percent copied to them.
    `share` (rolling) is the share of each service's replicas that are new, None: all of both;
    `stop_first` stops the old ones of a share before the new ones start: no room for more.
    `bake` is how many seconds it lasts at least; `evidence` makes it last until a verdict.
    A stage that is not `judged` ends by time alone.
    """

    weight: int
    bake: float = 0.0
    judged: bool = False
    evidence: bool = False
    mirror: int = 0
    share: float | None = None
    stop_first: bool = False

    @property
    def watched(self) -> bool:
        """Whether it lasts at all, or the next one follows at once."""
        return self.judged or self.bake > 0


@dataclass(frozen=True, slots=True)
class Gate:
    """Who must agree before anything happens: `count` people with one of `roles`, in `timeout`."""

    count: int = 0
    roles: tuple[str, ...] = ("approver", "admin")
    timeout: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Course:
    """All stages, the last of which has weight 100.

    `patience` is for how many seconds a stage may stay without a verdict before `inconclusive`
    says what happens. `hooks` names the phases that have any. `sticky` is that of `Routing`.
    `emergency` skips gate, windows and analysis, and is told to everyone.
    """

    stages: tuple[Stage, ...]
    gate: Gate = field(default_factory=Gate)
    hooks: frozenset[Phase] = frozenset()
    windows: bool = False
    patience: float = 600.0
    inconclusive: Inconclusive = "pause"
    sticky: str = "cookie"
    emergency: bool = False
