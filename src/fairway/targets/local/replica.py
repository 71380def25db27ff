"""The life of one replica as a pure state machine: no clock, no process, no chance.

`runner.py` feeds it what happened and reads what to do. Guarantees, proved as properties: the
delays grow exponentially up to a ceiling and fall back only after a stable run; `stopped`,
`completed` and `failed` are final; a replica takes traffic in `healthy` only.

    pending ─► starting ─► healthy ◄─► unhealthy
                  │           │            │            any ─► stopping ─► stopped
                  └───────────┴────────────┴─► backing_off ─► starting
                  └─► completed | failed (a job; a program that cannot be executed)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

CRASH_LOOP = 3
"""Failures in a row from which on a replica counts as crash-looping."""


class State(StrEnum):
    """Where a replica is in its life."""

    PENDING = "pending"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    BACKING_OFF = "backing_off"
    STOPPING = "stopping"
    STOPPED = "stopped"
    COMPLETED = "completed"
    FAILED = "failed"


FINAL = frozenset({State.STOPPED, State.COMPLETED, State.FAILED})
UP = frozenset({State.HEALTHY, State.COMPLETED})
RUNNING = frozenset({State.STARTING, State.HEALTHY, State.UNHEALTHY})


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next start, in seconds.

    A run that stayed healthy for `stable_after` seconds clears the failures before it. `spread` is
    the share of a delay that jitter may take away, so that replicas do not restart in step.
    """

    initial: float = 0.5
    factor: float = 2.0
    maximum: float = 30.0
    spread: float = 0.2
    stable_after: float = 30.0

    def delay(self, failures: int, jitter: float) -> float:
        """The wait after `failures` (1 or more) in a row; `jitter` is in [0, 1)."""
        growth = self.factor ** min(failures - 1, 64)
        return float(min(self.initial * growth, self.maximum) * (1 - self.spread * jitter))


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as healthy, and when to lose patience; thresholds are probes in a row."""

    healthy: int = 1
    unhealthy: int = 3
    give_up: int = 9
    start_timeout: float = 60.0
    runs_once: bool = False
    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True)
class Launched:
    """Its process was started, or found running and adopted."""


@dataclass(frozen=True, slots=True)
class Probed:
    """A health check answered."""

    ok: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """Its process is gone. `hopeless`: starting it again cannot work, the program is missing."""

    succeeded: bool = False
    hopeless: bool = False


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Someone wants it to go."""


Happening = Launched | Probed | Ended | StopAsked


@dataclass(frozen=True, slots=True)
class Replica:
    """What is known of a replica. Times are seconds of the clock that the caller uses.

    `streak` counts equal probe results in a row, failures as negative numbers; `failures` counts
    runs in a row that did not last; `resume_at` is when a replica that backs off may start.
    """

    state: State = State.PENDING
    since: float = 0.0
    streak: int = 0
    failures: int = 0
    restarts: int = 0
    resume_at: float | None = None

    @property
    def crash_looping(self) -> bool:
        """Whether it fails again and again: worth a person's attention."""
        return self.failures >= CRASH_LOOP

    @property
    def final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in FINAL


def advance(
    replica: Replica, happening: Happening, *, now: float, rules: Rules, jitter: float = 0.0
) -> Replica:
    """The replica after something happened; what makes no sense in its state changes nothing."""
    match happening:
        case Launched():
            return _launched(replica, now)
        case Probed(ok):
            return _probed(replica, ok, now, rules)
        case Ended():
            return _ended(replica, happening, now, rules, jitter)
        case StopAsked():
            return _stop_asked(replica, now)


def must_be_replaced(replica: Replica, *, now: float, rules: Rules) -> bool:
    """Whether patience with a running process is over: never came up, or stays unhealthy."""
    if replica.state is State.STARTING and not rules.runs_once:
        return now - replica.since >= rules.start_timeout
    return replica.state is State.UNHEALTHY and -replica.streak >= rules.give_up


def _launched(replica: Replica, now: float) -> Replica:
    match replica.state:
        case State.PENDING:
            return replace(replica, state=State.STARTING, since=now, streak=0)
        case State.BACKING_OFF:
            restarts = replica.restarts + 1
            return replace(
                replica,
                state=State.STARTING,
                since=now,
                streak=0,
                restarts=restarts,
                resume_at=None,
            )
        case _:
            return replica


def _probed(replica: Replica, ok: bool, now: float, rules: Rules) -> Replica:
    if replica.state not in RUNNING:
        return replica
    same_direction = (replica.streak > 0) == ok
    length = (abs(replica.streak) if same_direction else 0) + 1
    probed = replace(replica, streak=length if ok else -length)
    if ok and length >= rules.healthy and replica.state is not State.HEALTHY:
        return replace(probed, state=State.HEALTHY, since=now)
    if not ok and length >= rules.unhealthy and replica.state is State.HEALTHY:
        return replace(probed, state=State.UNHEALTHY, since=now)
    return probed


def _ended(replica: Replica, ended: Ended, now: float, rules: Rules, jitter: float) -> Replica:
    if replica.state is State.STOPPING:
        return replace(replica, state=State.STOPPED, since=now)
    if replica.state not in RUNNING:
        return replica
    if rules.runs_once:
        outcome = State.COMPLETED if ended.succeeded else State.FAILED
        return replace(replica, state=outcome, since=now)
    if ended.hopeless:
        return replace(replica, state=State.FAILED, since=now, failures=replica.failures + 1)
    lasted = replica.state is State.HEALTHY and now - replica.since >= rules.backoff.stable_after
    failures = 1 if lasted else replica.failures + 1
    delay = rules.backoff.delay(failures, jitter)
    return replace(
        replica, state=State.BACKING_OFF, since=now, failures=failures, resume_at=now + delay
    )


def _stop_asked(replica: Replica, now: float) -> Replica:
    if replica.state in RUNNING:
        return replace(replica, state=State.STOPPING, since=now)
    if replica.state in (State.PENDING, State.BACKING_OFF):
        return replace(replica, state=State.STOPPED, since=now, resume_at=None)
    return replica
