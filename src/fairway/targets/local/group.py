"""All replicas of one version of a service: start, scale, replace and stop them, say where.

Owned by the supervisor. Guarantees: whoever routes traffic hears of a new replica only when it is
healthy, and has moved traffic away before a replica is asked to stop; replicas of other services
and versions are never touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from fairway.errors import Conflict, FairwayError, Unavailable
from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.failures import Failure
from fairway.targets.local.layout import StateDir
from fairway.targets.local.ledger import ProcessRecord
from fairway.targets.local.ports import Ports, is_free
from fairway.targets.local.processes import Processes
from fairway.targets.local.replica import UP, State
from fairway.targets.local.runner import Event, Runner, Tools
from fairway.targets.local.specs import ServiceSpec


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """Where a healthy replica listens on loopback, and which version it is."""

    version: str
    port: int


NOT_HEALTHY = "not-healthy"
"""The code of the error for a replica that does not come up."""

EndpointsHook = Callable[[str, tuple[Endpoint, ...]], Awaitable[None]]
"""Moves the traffic of a service; it is awaited before an old replica is stopped."""


@dataclass(frozen=True, slots=True)
class Site:
    """What every group of a system shares.

    `drain` is how long a replica that gets no new requests may finish old ones before SIGTERM, in
    seconds: not every program finishes them by itself.
    """

    state: StateDir
    processes: Processes
    ports: Ports
    jitter: Callable[[], float]
    emit: Callable[[Event], None]
    move_traffic: EndpointsHook
    drain: float


class ServiceGroup:
    """The replicas of one version, by index. One operation at a time; `stop` interrupts any."""

    def __init__(self, spec: ServiceSpec, site: Site) -> None:
        self.spec = spec
        self.runners: dict[int, Runner] = {}
        self._site = site
        self._tools = Tools(site.processes, site.jitter, self._announce)
        self._draining: set[int] = set()
        self._published: tuple[Endpoint, ...] = ()
        self._publishing = asyncio.Lock()
        self._operating = asyncio.Lock()
        self._changed = asyncio.Event()
        self._stopping = False

    @property
    def up(self) -> bool:
        """Whether every wanted replica is healthy (or, for a job, done)."""
        states = [runner.replica.state for runner in self.runners.values()]
        return len(states) >= self.spec.replicas and all(state in UP for state in states)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where its healthy replicas listen, without those about to stop."""
        return tuple(
            sorted(
                Endpoint(runner.spec.version, runner.port)
                for index, runner in self.runners.items()
                if runner.replica.state is State.HEALTHY
                and runner.port is not None
                and index not in self._draining
            )
        )

    def matching(self, records: Sequence[ProcessRecord]) -> tuple[ProcessRecord, ...]:
        """Those of the running processes that this service would start just so today."""
        wanted = [record for record in records if self._is_wanted(record)]
        return tuple(wanted[: self.spec.replicas])

    async def start(self, adopted: Sequence[ProcessRecord] = ()) -> None:
        """Bring the wanted replicas up in the background, around those that run already."""
        async with self._operating:
            for record in adopted:
                self._add(record.replica, record).start(record)
            while len(self.runners) < self.spec.replicas:
                self._add(self._free_index()).start()

    async def settled(self) -> Failure | None:
        """Wait until all replicas are up (None), or one has no good prospect (why)."""
        deadline = asyncio.get_running_loop().time() + self.spec.health.start_timeout
        while not self.up:
            if (failure := self._bad_prospect()) is not None:
                return failure
            try:
                async with asyncio.timeout_at(deadline):
                    await self._next_change()
            except TimeoutError:
                return self._slow()
        await self.publish()
        return None

    async def wait_until_up(self) -> None:
        """Wait until all replicas are up, however long it takes."""
        while not self.up:
            await self._next_change()

    async def scale(self, count: int) -> None:
        """Run `count` replicas; Unavailable when the new ones do not come up (they are kept)."""
        failure = await self.resize(count)
        if failure is not None:
            raise _not_up(self.spec.name, failure)

    async def resize(self, count: int) -> Failure | None:
        """Run `count` replicas; None when they are up, else why they have no good prospect."""
        async with self._operating:
            self.spec = replace(self.spec, replicas=count)
            await self._retire(*sorted(self.runners)[count:])
            while len(self.runners) < count:
                self._add(self._free_index()).start()
        return await self.settled()

    async def replace_all(self, spec: ServiceSpec | None = None) -> None:
        """Replace every replica, one after the other, by one of `spec` (default: as it is).

        Unavailable when a new replica does not come up: the old ones then go on serving.
        """
        async with self._operating:
            old_spec, self.spec = self.spec, spec or self.spec
            await self._retire(*sorted(self.runners)[self.spec.replicas :])
            for index in sorted(self.runners):
                failure = await self._replace(index)
                if failure is not None:
                    self.spec = replace(old_spec, replicas=self.spec.replicas)
                    raise _not_up(self.spec.name, failure)
            while len(self.runners) < self.spec.replicas:
                self._add(self._free_index()).start()
        failure = await self.settled()
        if failure is not None:
            raise _not_up(self.spec.name, failure)

    async def revive(self) -> Failure | None:
        """Start anew what is not up, without waiting for its next turn; None when all are up."""
        async with self._operating:
            for index, runner in sorted(self.runners.items()):
                if runner.replica.state not in UP:
                    await self._retire(index)
                    self._add(index).start()
        return await self.settled()

    async def stop(self) -> None:
        """Stop every replica at once, without moving traffic: the whole system goes."""
        self._stopping = True
        while self.runners:
            leaving = list(self.runners.items())
            await asyncio.gather(*(runner.stop() for _, runner in leaving))
            for index, _ in leaving:
                self.runners.pop(index, None)

    async def abandon(self) -> None:
        """Stop looking after the replicas, and leave their processes alone."""
        self._stopping = True
        await asyncio.gather(*(runner.abandon() for runner in self.runners.values()))

    async def publish(self) -> bool:
        """Tell whoever routes traffic where the replicas listen; False when it knows already."""
        async with self._publishing:
            endpoints = self.endpoints()
            if endpoints == self._published or self._stopping:
                return False
            await self._site.move_traffic(self.spec.name, endpoints)
            self._published = endpoints
            return True

    def _is_wanted(self, record: ProcessRecord) -> bool:
        if record.name != self.spec.name or self.spec.serves != (record.port is not None):
            return False
        log = self._site.state.log(self.spec.label(record.replica))
        launch = self.spec.launch(record.replica, record.port, log)
        return launch.fingerprint == record.fingerprint

    def _add(self, index: int, adopted: ProcessRecord | None = None) -> Runner:
        if self._stopping:
            raise Conflict(
                "stopping", f"{self.spec.name} is being stopped", remedy="start it again afterwards"
            )
        port = adopted.port if adopted is not None else self._port(index)
        log = self._site.state.log(self.spec.label(index))
        self.runners[index] = Runner(self.spec, index, port, log, self._tools)
        return self.runners[index]

    def _port(self, index: int) -> int | None:
        """A declared port goes to the first replica: programs that ignore $PORT listen there.

        Not while another version of the service holds it: then $PORT is the only way.
        """
        if not self.spec.serves:
            return None
        key = self.spec.label(index)
        declared = self.spec.port if index == 0 else None
        beside = self.spec.version != WORKING_TREE and declared and not is_free(declared)
        if declared is None or beside:
            return self._site.ports.assign(key)
        return self._site.ports.claim(key, declared, where=f"services.{self.spec.name}")

    def _free_index(self) -> int:
        return next(index for index in range(len(self.runners) + 1) if index not in self.runners)

    async def _replace(self, index: int) -> Failure | None:
        """Replace one replica; with a working one in service, the new one has to prove itself."""
        working = self.runners[index].replica.state is State.HEALTHY
        if not (working and self.spec.starts_before_stopping):
            await self._retire(index)
            fresh = self._add(index)
            fresh.start()
            return await self._proven(fresh)
        fresh = self._add(self._free_index())
        fresh.start()
        try:
            failure = await self._proven(fresh)
        except (FairwayError, OSError):  # traffic cannot be moved: the old one must go on serving
            await self._retire(fresh.index)
            raise
        await self._retire(index if failure is None else fresh.index)
        return failure

    async def _proven(self, runner: Runner) -> Failure | None:
        """Wait until a replica is up (None), or failed once (why): it has just been changed."""
        while runner.replica.state in (State.PENDING, State.STARTING):
            await self._next_change()
        if runner.replica.state in (State.HEALTHY, State.COMPLETED):
            await self.publish()
            return None
        return runner.failure or _interrupted(runner)

    async def _retire(self, *indexes: int) -> None:
        """Move traffic away, let requests under way finish, then stop."""
        self._draining.update(indexes)
        try:
            if await self.publish():
                await asyncio.sleep(self._site.drain)
            await asyncio.gather(*(self.runners[index].stop() for index in indexes))
            for index in indexes:
                self.runners.pop(index, None)
        finally:
            self._draining.difference_update(indexes)

    async def _announce(self, event: Event) -> None:
        self._site.emit(event)
        self._changed.set()
        self._changed = asyncio.Event()
        if State.HEALTHY in (event.before, event.after):
            await asyncio.shield(self._publish_or_report(event))

    async def _publish_or_report(self, event: Event) -> None:
        """A mesh that cannot follow must not stop the supervision: it is told again later."""
        try:
            await self.publish()
        except (FairwayError, OSError) as error:
            self._site.emit(
                replace(event, before=event.after, detail=f"traffic not moved: {error}")
            )

    async def _next_change(self) -> None:
        await self._changed.wait()

    def _bad_prospect(self) -> Failure | None:
        for runner in self.runners.values():
            replica = runner.replica
            if replica.state is State.FAILED or replica.crash_looping:
                return runner.failure or _interrupted(runner)
            if replica.state is State.STOPPED:
                return _interrupted(runner)
        return None

    def _slow(self) -> Failure:
        waiting = [r for r in self.runners.values() if r.replica.state is not State.HEALTHY]
        troubled = [runner for runner in waiting if runner.failure is not None]
        return (troubled or waiting)[0].explain_slowness()


def _interrupted(runner: Runner) -> Failure:
    return Failure(
        what=f"{runner.label} was stopped before it came up",
        remedy="start it again",
        command=runner.spec.command,
        log=runner.log,
        last_lines=(),
    )


def _not_up(service: str, failure: Failure) -> Unavailable:
    return Unavailable(NOT_HEALTHY, failure.evidence, where=service, remedy=failure.remedy)
