"""Keeps one replica running: starts its process, checks its health, restarts it, stops it.

Owned by the `ServiceGroup` of its service. The decisions are `replica.py`'s; here is what they
cause. Guarantees: every change of state is announced once; after `stop()` returns, no process of
the replica is left.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from fairway.errors import FairwayError
from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.failures import (
    LAST_LINES,
    NOT_EXECUTABLE,
    NOT_FOUND,
    Facts,
    Failure,
    explain,
)
from fairway.targets.local.health import Finding, probe
from fairway.targets.local.ledger import ProcessRecord
from fairway.targets.local.log_files import last_lines, size
from fairway.targets.local.naming import replica_label
from fairway.targets.local.processes import Exit, Processes
from fairway.targets.local.replica import (
    Ended,
    Happening,
    Launched,
    Probed,
    Replica,
    State,
    StopAsked,
    advance,
    must_be_replaced,
)
from fairway.targets.local.specs import ServiceSpec

_LOG = logging.getLogger(__name__)
_SOONEST_PROBE, _LATEST_PROBE, _PROBE_SHARE = 0.02, 0.25, 0.1
"""A starting replica is checked ever less often, so that `fairway up` learns of its health at most
a tenth of its start late, and a slow start is not slowed further. Seconds, seconds, share."""
_PROOF_OF_LIFE = 0.5
"""How long a process without a port must live to count as healthy, in seconds."""
_TROUBLED = frozenset({State.UNHEALTHY, State.BACKING_OFF, State.FAILED})
_EXIT_CHECKS = 0.1
"""Between looks whether the process still exists, in seconds."""


@dataclass(frozen=True, slots=True)
class Event:
    """One replica changed its state. `detail` is for people; `at` is seconds since the epoch."""

    service: str
    replica: int
    before: State
    after: State
    detail: str
    at: float
    failure: Failure | None = None
    version: str = WORKING_TREE

    @property
    def label(self) -> str:
        """How people call the replica."""
        return replica_label(self.service, self.version, self.replica)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a runner works with: the processes, and chance as an argument (jitter in [0, 1))."""

    processes: Processes
    jitter: Callable[[], float]
    announce: Callable[[Event], Awaitable[None]]


class Runner:
    """One replica of a service, on one port."""

    def __init__(
        self, spec: ServiceSpec, index: int, port: int | None, log: Path, tools: Tools
    ) -> None:
        self.spec = spec
        self.index = index
        self.port = port
        self.log = log
        self.replica = Replica(since=time.monotonic())
        self._rules = spec.rules
        self.record: ProcessRecord | None = None
        self.failure: Failure | None = None
        self._tools = tools
        self._finding = Finding(False, "not checked yet")
        self._log_start = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def label(self) -> str:
        """How people call it: `orbit.0`."""
        return self.spec.label(self.index)

    def start(self, adopted: ProcessRecord | None = None) -> None:
        """Begin to run it, in the background; `adopted` is a process that runs already."""
        self.record = adopted
        self._task = asyncio.create_task(self._run(), name=f"runner {self.label}")
        self._task.add_done_callback(_report_defect)

    async def stop(self) -> None:
        """End it and everything that it started; returns when nothing is left."""
        await self.abandon()
        await self._happened(StopAsked(), "")
        if self.record is not None:
            ended = await self._clear(self.record)
            await self._happened(Ended(), str(ended))

    async def abandon(self) -> None:
        """Stop looking after it, and leave its process alone."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def explain_slowness(self) -> Failure:
        """Why it is not up yet."""
        return self.failure or self._explain(None)

    async def _run(self) -> None:
        while not self.replica.final:
            await self._launch()
            if self.record is not None:
                await self._look_after(self.record)
            if self.replica.resume_at is not None:
                await asyncio.sleep(max(0.0, self.replica.resume_at - time.monotonic()))

    async def _launch(self) -> None:
        if self.record is not None:
            await self._happened(Launched(), f"adopted process {self.record.pid}")
            return
        self._log_start = size(self.log)
        try:
            launch = self.spec.launch(self.index, self.port, self.log)
            self.record = self._tools.processes.start(launch)
        except (FairwayError, OSError) as error:
            await self._not_launched(error)
        else:
            await self._happened(Launched(), f"process {self.record.pid}")

    async def _not_launched(self, error: FairwayError | OSError) -> None:
        """The machine may recover from an OSError; a wrong app file does not by itself."""
        match error:
            case FairwayError():
                what, remedy, hopeless = error.message, error.remedy, True
            case OSError():
                what, remedy, hopeless = str(error), "give it what the machine lacks", False
        what = f"{self.label} could not start: {what}"
        self.failure = Failure(what, remedy, self.spec.command, self.log, last_lines=())
        await self._happened(Launched(), "")
        await self._happened(Ended(hopeless=hopeless), what)

    async def _look_after(self, record: ProcessRecord) -> None:
        """Check the running process until it ends, or has to."""
        next_probe = time.monotonic() + (0.0 if self.spec.serves else _proof_of_life(record))
        while True:
            if self._tools.processes.poll(record) is not None:
                break
            if time.monotonic() >= next_probe:
                await self._probe()
                next_probe = time.monotonic() + self._interval()
            if must_be_replaced(self.replica, now=time.monotonic(), rules=self._rules):
                break
            wait = min(_EXIT_CHECKS, max(next_probe - time.monotonic(), 0.0))
            await asyncio.sleep(wait)
        await self._lost(record)

    def _interval(self) -> float:
        interval = self.spec.health.interval
        if self.replica.state is not State.STARTING:
            return interval
        waited = time.monotonic() - self.replica.since
        return min(interval, max(_SOONEST_PROBE, min(waited * _PROBE_SHARE, _LATEST_PROBE)))

    async def _probe(self) -> None:
        if self.port is None:
            self._finding = Finding(True, "its process lives")
        else:
            health, http2 = self.spec.health, self.spec.http2
            self._finding = await probe(self.port, health.path, health.timeout, http2=http2)
        await self._happened(Probed(self._finding.ok), self._finding.detail)

    async def _lost(self, record: ProcessRecord) -> None:
        """The process has ended, or is ended here because it is no use."""
        found = self._tools.processes.poll(record)
        self.failure = None if found and self._meant_to_end(found) else self._explain(found)
        ended = await self._clear(record)
        hopeless = ended.code in (NOT_FOUND, NOT_EXECUTABLE)
        succeeded = ended.succeeded or ended == Exit()
        detail = self.failure.what if self.failure else f"{self.label} ended: {ended}"
        await self._happened(Ended(succeeded, hopeless), detail)

    def _meant_to_end(self, ended: Exit) -> bool:
        return self._rules.runs_once and (ended.succeeded or ended == Exit())

    async def _clear(self, record: ProcessRecord) -> Exit:
        ended = await self._tools.processes.stop(record, self.spec.grace)
        self.record = None
        return ended

    def _explain(self, ended: Exit | None) -> Failure:
        return explain(
            Facts(
                label=self.label,
                command=self.spec.command,
                log=self.log,
                port=self.port,
                exit=ended,
                last_lines=last_lines(self.log, LAST_LINES, since=self._log_start),
                finding=self._finding.detail,
            )
        )

    async def _happened(self, happening: Happening, detail: str) -> None:
        before = self.replica.state
        self.replica = advance(
            self.replica,
            happening,
            now=time.monotonic(),
            rules=self._rules,
            jitter=self._tools.jitter(),
        )
        after = self.replica.state
        if after is before:
            return
        if after is State.HEALTHY:
            self.failure = None
        elif after is State.UNHEALTHY:
            self.failure = self._explain(None)
        failure = self.failure if after in _TROUBLED else None
        await self._tools.announce(
            Event(
                self.spec.name,
                self.index,
                before,
                after,
                detail,
                time.time(),
                failure,
                self.spec.version,
            )
        )


def _proof_of_life(record: ProcessRecord) -> float:
    """How long it still has to live to count as healthy: an adopted process has lived already."""
    return min(_PROOF_OF_LIFE, max(0.0, record.started_at + _PROOF_OF_LIFE - time.time()))


def _report_defect(task: asyncio.Task[None]) -> None:
    """A runner ends by itself only when its replica does: anything else is a defect of ours."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _LOG.error("%s gave up", task.get_name(), exc_info=error)
