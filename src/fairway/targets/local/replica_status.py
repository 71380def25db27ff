"""A replica as people and programs see it, for `fairway status`, the API and the delivery. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from fairway.targets.local.failures import Failure
from fairway.targets.local.replica import UP, State
from fairway.targets.local.runner import Runner


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One replica of one version. `started_at` is seconds since the epoch."""

    service: str
    replica: int
    state: State
    pid: int | None
    port: int | None
    version: str
    restarts: int
    crash_looping: bool
    started_at: float | None
    failure: Failure | None

    @property
    def up(self) -> bool:
        """Whether it does what it is for, or has done it."""
        return self.state in UP


def status_of(runner: Runner) -> ReplicaStatus:
    """How a replica is now."""
    record = runner.record
    return ReplicaStatus(
        service=runner.spec.name,
        replica=runner.index,
        state=runner.replica.state,
        pid=record.pid if record else None,
        port=runner.port,
        version=runner.spec.version,
        restarts=runner.replica.restarts,
        crash_looping=runner.replica.crash_looping,
        started_at=record.started_at if record else None,
        failure=runner.failure,
    )
