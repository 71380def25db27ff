"""Keeps the services of an app running on this machine.

`LocalSystem` owns one `Supervisor`, gives it specs and a hook that moves traffic, and relays its
events. Guarantees:

- a service starts once the services it calls are healthy, independent ones at the same time;
- what dies is started again, with exponential backoff; what stops answering is replaced;
- processes of an earlier Fairway that still fit are adopted, the others are stopped;
- after `stop()` no process is left; after `abandon()` all of them are.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fairway.errors import FairwayError, NotFound, Unavailable
from fairway.model.names import did_you_mean
from fairway.targets.local.failures import Failure
from fairway.targets.local.group import Endpoint, EndpointsHook, ServiceGroup, Site
from fairway.targets.local.layout import StateDir
from fairway.targets.local.ledger import ProcessRecord
from fairway.targets.local.log_files import rotate
from fairway.targets.local.order import waits_for
from fairway.targets.local.ports import Ports
from fairway.targets.local.processes import Processes
from fairway.targets.local.reload import changed_since, changes
from fairway.targets.local.replica import State
from fairway.targets.local.runner import Event, Runner
from fairway.targets.local.specs import ServiceSpec

_HOUSEKEEPING = 2.0
"""Between looks at log sizes and at traffic that could not be moved, in seconds."""

DRAIN = 0.5
"""How long a replaced replica may finish its requests before it is asked to stop, in seconds."""
_GRACE_OF_UNDECLARED = 10.0
"""For processes of a service that the app file does not declare any more, in seconds."""


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One replica as people and programs see it. `started_at` is seconds since the epoch."""

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


async def _nothing_to_move(_service: str, _endpoints: tuple[Endpoint, ...]) -> None:
    """The hook of a system without a mesh."""


class Supervisor:
    """The services of one app in one state folder. Used from one event loop."""

    def __init__(  # noqa: PLR0913 - its collaborators, each replaceable in a test
        self,
        specs: Sequence[ServiceSpec],
        state: StateDir,
        processes: Processes,
        ports: Ports,
        *,
        on_endpoints_changed: EndpointsHook = _nothing_to_move,
        jitter: Callable[[], float] = random.random,
        drain: float = DRAIN,
    ) -> None:
        site = Site(state, processes, ports, jitter, self._emit, on_endpoints_changed, drain)
        self._site = site
        self._groups = {spec.name: ServiceGroup(spec, site) for spec in specs}
        self._waits_for = waits_for({spec.name: spec.calls for spec in specs})
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reloading: set[str] = set()
        self._reload_locks = {spec.name: asyncio.Lock() for spec in specs}

    async def start(self, left_running: Collection[ProcessRecord] = ()) -> None:
        """Bring everything up around what is `left_running`; returns when every service is up.

        Unavailable when some have no good prospect. They, and those that wait for them, are still
        looked after: `stop()` or `abandon()` ends that.
        """
        adopted = await self._adopt(left_running)
        self._spawn(self._keep_house())
        outcomes: dict[str, asyncio.Task[Failure | None]] = {}
        for name in self._by_dependency():
            before = [outcomes[callee] for callee in self._waits_for[name]]
            outcomes[name] = asyncio.create_task(self._bring_up(name, before, adopted[name]))
        failures = await asyncio.gather(*outcomes.values())
        _raise_for(dict(zip(outcomes, failures, strict=True)))

    async def stop(self) -> None:
        """Stop everything, callers before the services they call."""
        await self._end_tasks()
        stopped = {name: asyncio.Event() for name in self._groups}
        callers: dict[str, list[str]] = {name: [] for name in self._groups}
        for name, callees in self._waits_for.items():
            for callee in callees:
                callers[callee].append(name)

        async def stop_after_callers(name: str) -> None:
            for caller in callers[name]:
                await stopped[caller].wait()
            await self._groups[name].stop()
            stopped[name].set()

        await asyncio.gather(*(stop_after_callers(name) for name in self._groups))
        await self._stop_unattended()
        self._close_listeners()

    async def _stop_unattended(self) -> None:
        """What an interrupted `start()` was about to adopt or to stop."""
        for record in self._site.processes.known():
            if record.kind == "service":
                await self._site.processes.stop(record, self._grace(record.name))

    async def abandon(self) -> None:
        """Stop supervising and leave every process running, for a later Fairway to adopt."""
        await self._end_tasks()
        await asyncio.gather(*(group.abandon() for group in self._groups.values()))
        self._close_listeners()

    async def restart(self, service: str) -> None:
        """Replace the replicas of one service one by one; Unavailable if a new one fails."""
        await self._group(service).replace_all()

    async def update(self, spec: ServiceSpec) -> None:
        """Replace the replicas of a service by ones of another spec, likewise."""
        await self._group(spec.name).replace_all(spec)

    async def scale(self, service: str, replicas: int) -> None:
        """Run that many replicas of a service."""
        await self._group(service).scale(replicas)

    def watch_files(self) -> None:
        """From now on reload a service when its files change."""
        watched = {
            name: group.spec.watch
            for name, group in self._groups.items()
            if group.spec.watch and group.spec.kind != "job"
        }
        self._spawn(self._reload_on_change(watched))

    def endpoints(self, service: str) -> tuple[Endpoint, ...]:
        """Where the healthy replicas of a service listen."""
        return self._group(service).endpoints()

    def status(self) -> tuple[ReplicaStatus, ...]:
        """Every replica, by service and index."""
        return tuple(
            _status(runner)
            for _, group in sorted(self._groups.items())
            for _, runner in sorted(group.runners.items())
        )

    def events(self) -> AsyncIterator[Event]:
        """Every change from this call on; ends when the supervisor does."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._listeners.add(queue)
        return self._listen(queue)

    async def _listen(self, queue: asyncio.Queue[Event | None]) -> AsyncIterator[Event]:
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.discard(queue)

    def _emit(self, event: Event) -> None:
        for queue in self._listeners:
            queue.put_nowait(event)

    def _close_listeners(self) -> None:
        for queue in self._listeners:
            queue.put_nowait(None)

    async def _adopt(
        self, left_running: Collection[ProcessRecord]
    ) -> dict[str, tuple[ProcessRecord, ...]]:
        """Choose what still fits and stop the rest; other kinds of processes are not ours."""
        services = [record for record in left_running if record.kind == "service"]
        adopted = {name: group.matching(services) for name, group in self._groups.items()}
        kept = {record.token for records in adopted.values() for record in records}
        await asyncio.gather(
            *(
                self._site.processes.stop(record, self._grace(record.name))
                for record in services
                if record.token not in kept
            )
        )
        return adopted

    def _grace(self, service: str) -> float:
        group = self._groups.get(service)
        return group.spec.grace if group else _GRACE_OF_UNDECLARED

    async def _bring_up(
        self,
        name: str,
        before: Sequence[asyncio.Task[Failure | None]],
        adopted: Sequence[ProcessRecord],
    ) -> Failure | None:
        group = self._groups[name]
        if adopted:  # it serves already: its replicas need not wait for anyone
            await group.start(adopted)
            return await group.settled() or await self._refresh(group, adopted)
        if any([await outcome for outcome in before]):
            self._spawn(self._start_later(name))
            return self._waiting(name)
        await group.start()
        return await group.settled()

    async def _refresh(
        self, group: ServiceGroup, adopted: Sequence[ProcessRecord]
    ) -> Failure | None:
        """Files may have changed while nobody watched: then replace, without a lost request."""
        oldest = min(record.started_at for record in adopted)
        if group.spec.kind != "job" and await asyncio.to_thread(
            changed_since, group.spec.watch, oldest
        ):
            await group.replace_all()
        return None

    async def _start_later(self, name: str) -> None:
        for callee in self._waits_for[name]:
            await self._groups[callee].wait_until_up()
        await self._groups[name].start()

    def _waiting(self, name: str) -> Failure:
        down = [c for c in sorted(self._waits_for[name]) if not self._groups[c].up]
        spec = self._groups[name].spec
        return Failure(
            what=f"{name} is not started: it waits for {', '.join(down)}",
            remedy=f"repair {down[0] if down else 'what it calls'}; it then starts by itself",
            command=spec.command,
            log=self._site.state.log(name, 0),
            last_lines=(),
        )

    def _by_dependency(self) -> list[str]:
        ordered: dict[str, None] = {}
        while len(ordered) < len(self._groups):
            ready = [
                n for n in self._groups if n not in ordered and self._waits_for[n] <= set(ordered)
            ]
            ordered |= dict.fromkeys(ready)
        return list(ordered)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING)
            for group in self._groups.values():
                with contextlib.suppress(FairwayError, OSError):  # reported when it first failed
                    await group.publish()
            for log in self._site.state.logs.glob("*.log"):  # the Envoys' too
                with contextlib.suppress(OSError):  # a full disk: tried again at the next look
                    rotate(log)

    async def _reload_on_change(self, watched: Mapping[str, tuple[Path, ...]]) -> None:
        async for services in changes(watched):
            for name in services - self._reloading:
                self._reloading.add(name)
                self._spawn(self._reload(name))

    async def _reload(self, name: str) -> None:
        """A change that comes while the new replicas start is picked up by another reload."""
        async with self._reload_locks[name]:
            self._reloading.discard(name)
            with contextlib.suppress(FairwayError, OSError):  # its events carry the failure
                await self._groups[name].replace_all()

    def _group(self, service: str) -> ServiceGroup:
        try:
            return self._groups[service]
        except KeyError:
            raise NotFound(
                "unknown-service",
                f"there is no service '{service}'",
                remedy=did_you_mean(service, self._groups, "see `fairway status`"),
            ) from None

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_tasks(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _raise_for(outcomes: Mapping[str, Failure | None]) -> None:
    failures = {name: failure for name, failure in outcomes.items() if failure is not None}
    if not failures:
        return
    texts = [f"{len(failures)} services are not healthy", *map(str, failures.values())]
    alone = next(iter(failures.values())) if len(failures) == 1 else None
    raise Unavailable(
        "services-not-healthy",
        alone.evidence if alone else "\n\n".join(texts),
        where=", ".join(failures),
        remedy=alone.remedy if alone else "",
    )


def _status(runner: Runner) -> ReplicaStatus:
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
