"""Keeps the services of an app running on this machine.

`LocalSystem` owns one `Supervisor`, gives it specs and a hook that moves traffic, and relays its
events. Guarantees:

- a service starts once the services it calls are healthy, independent ones at the same time;
- what dies is started again, with exponential backoff; what stops answering is replaced;
- processes of an earlier Fairway that still fit are adopted, the others are stopped;
- after `stop()` no process is left; after `abandon()` all of them are.

A service may run in several versions, each with replicas of its own. The first spec of a service
is its main version: callers wait for that one, and the others are not asked for when a start is
judged.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from fairway.errors import FairwayError, NotFound, Unavailable
from fairway.model.names import did_you_mean
from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.desired import Key
from fairway.targets.local.failures import Failure
from fairway.targets.local.group import NOT_HEALTHY, Endpoint, EndpointsHook, ServiceGroup, Site
from fairway.targets.local.layout import StateDir
from fairway.targets.local.ledger import ProcessRecord
from fairway.targets.local.log_files import prune, rotate
from fairway.targets.local.naming import version_label
from fairway.targets.local.order import in_order, waits_for
from fairway.targets.local.ports import Ports
from fairway.targets.local.processes import Processes
from fairway.targets.local.reload import changed_since
from fairway.targets.local.reloading import Reloading
from fairway.targets.local.replica_status import ReplicaStatus, status_of
from fairway.targets.local.runner import Event
from fairway.targets.local.specs import ServiceSpec

_HOUSEKEEPING = 2.0
"""Between looks at log sizes and at traffic that could not be moved, in seconds."""

DRAIN = 0.5
"""How long a replaced replica may finish its requests before it is asked to stop, in seconds."""
_GRACE_OF_UNDECLARED = 10.0
"""For processes of a service that the app file does not declare any more, in seconds."""


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
        self._move_traffic = on_endpoints_changed
        self._site = Site(state, processes, ports, jitter, self._emit, self._moved, drain)
        self._groups = {spec.key: ServiceGroup(spec, self._site) for spec in specs}
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reloading = Reloading(self._reload)

    async def start(self, left_running: Collection[ProcessRecord] = ()) -> None:
        """Bring everything up around what is `left_running`; returns when every service is up.

        Unavailable when some have no good prospect. They, and those that wait for them, are still
        looked after: `stop()` or `abandon()` ends that.
        """
        adopted = await self._adopt(left_running)
        self._spawn(self._keep_house())
        failures = await self._bring_all_up(tuple(self._groups), adopted)
        mains = {group.spec.key for group in self._mains().values()}
        _raise_for({key: failures[key] for key in failures if key in mains})

    async def run(self, specs: Sequence[ServiceSpec]) -> None:
        """Have these versions run in the numbers that they say, beside whatever runs.

        Unavailable when one has no good prospect; it is looked after all the same, until `remove`.
        """
        fresh = [spec for spec in specs if spec.key not in self._groups]
        known = [spec for spec in specs if spec.key in self._groups]
        self._groups |= {spec.key: ServiceGroup(spec, self._site) for spec in fresh}
        work = [self._bring_all_up([spec.key for spec in fresh], {})]
        work += [self._resize(spec) for spec in known]
        found: dict[Key, Failure | None] = {}
        for outcome in await asyncio.gather(*work):
            found |= outcome
        _raise_for(found)

    async def remove(self, service: str, version: str) -> None:
        """Stop a version that gets no requests any more; one that is not there is no error.

        The logs of the versions that went last stay.
        """
        group = self._groups.get((service, version))
        if group is not None:
            await group.stop()
            self._groups.pop((service, version), None)
            # Else the version would seem to have replicas at once when it comes back.
            await self._moved(service, ())
            present = {each.spec.version for each in self._of(service)}
            with contextlib.suppress(OSError):  # what stays goes with the next version
                prune(self._site.state.logs, service, present)

    async def _resize(self, spec: ServiceSpec) -> dict[Key, Failure | None]:
        """What replaces a group's spec is its number of replicas: a version is what it is."""
        group = self._groups[spec.key]
        return {spec.key: await group.resize(spec.replicas)}

    async def _bring_all_up(
        self, keys: Sequence[Key], adopted: Mapping[Key, tuple[ProcessRecord, ...]]
    ) -> dict[Key, Failure | None]:
        """Start groups, each when the callees that start with it are up."""
        outcomes: dict[Key, asyncio.Task[Failure | None]] = {}
        for key in self._by_dependency(keys):
            awaited = [group.spec.key for group in self._callees(key[0])]
            before = [outcomes[callee] for callee in awaited if callee in outcomes]
            work = self._bring_up(key, before, adopted.get(key, ()))
            outcomes[key] = asyncio.create_task(work)
        failures = await asyncio.gather(*outcomes.values())
        return dict(zip(outcomes, failures, strict=True))

    async def stop(self) -> None:
        """Stop everything, callers before the services they call."""
        await self._end_tasks()
        order = self._order()
        stopped = {name: asyncio.Event() for name in order}
        callers: dict[str, list[str]] = {name: [] for name in order}
        for name, callees in order.items():
            for callee in callees:
                callers[callee].append(name)

        async def stop_after_callers(name: str) -> None:
            for caller in callers[name]:
                await stopped[caller].wait()
            await asyncio.gather(*(group.stop() for group in self._of(name)))
            stopped[name].set()

        await asyncio.gather(*(stop_after_callers(name) for name in order))
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
        for group in self._known(service):
            await group.replace_all()

    async def update(self, spec: ServiceSpec) -> None:
        """Replace the replicas of a version by ones of another spec, likewise."""
        await self._groups[spec.key].replace_all(spec)

    async def revive(self, service: str, version: str) -> None:
        """Start anew what is not up of a version; Unavailable when it has no good prospect."""
        key = (service, version)
        _raise_for({key: await self._groups[key].revive()})

    async def scale(self, service: str, replicas: int) -> None:
        """Run that many replicas of a service, of its main version."""
        await self._known(service)[0].scale(replicas)

    def watch_files(self) -> None:
        """From now on reload what runs from the working tree when its files change."""
        self._reloading.on(self._watched())

    def catch_up(self) -> None:
        """Reload what was changed while nobody watched."""
        started: dict[str, float] = {}
        for group in self._groups.values():
            records = [runner.record for runner in group.runners.values() if runner.record]
            if records and group.spec.name in self._watched():
                started[group.spec.name] = min(record.started_at for record in records)
        self._reloading.catch_up(self._watched(), started)

    def pin(self) -> None:
        """From now on reload nothing; a reload under way is finished."""
        self._reloading.off()

    def _watched(self) -> dict[str, tuple[Path, ...]]:
        return {
            group.spec.name: group.spec.watch
            for group in self._groups.values()
            if group.spec.watch and group.spec.kind != "job"
        }

    async def _reload(self, service: str) -> None:
        group = self._groups.get((service, WORKING_TREE))
        if group is not None:
            await group.replace_all()

    def endpoints(self, service: str) -> tuple[Endpoint, ...]:
        """Where the healthy replicas of all versions of a service listen."""
        found = [endpoint for group in self._of(service) for endpoint in group.endpoints()]
        return tuple(sorted(found))

    def wanted_replicas(self, service: str, version: str) -> int | None:
        """How many replicas of a version it keeps running; None: it does not know it."""
        group = self._groups.get((service, version))
        return None if group is None else group.spec.replicas

    def status(self) -> tuple[ReplicaStatus, ...]:
        """Every replica, by service, version and index."""
        return tuple(
            status_of(runner)
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

    async def _moved(self, service: str, _own: tuple[Endpoint, ...]) -> None:
        """Whoever routes traffic is told of all versions of a service at once."""
        await self._move_traffic(service, self.endpoints(service))

    def _emit(self, event: Event) -> None:
        for queue in self._listeners:
            queue.put_nowait(event)

    def _close_listeners(self) -> None:
        for queue in self._listeners:
            queue.put_nowait(None)

    async def _adopt(
        self, left_running: Collection[ProcessRecord]
    ) -> dict[Key, tuple[ProcessRecord, ...]]:
        """Choose what still fits and stop the rest; other kinds of processes are not ours."""
        services = [record for record in left_running if record.kind == "service"]
        adopted = {key: group.matching(services) for key, group in self._groups.items()}
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
        graces = [group.spec.grace for group in self._of(service)]
        return max(graces, default=_GRACE_OF_UNDECLARED)

    async def _bring_up(
        self,
        key: Key,
        before: Sequence[asyncio.Task[Failure | None]],
        adopted: Sequence[ProcessRecord],
    ) -> Failure | None:
        group = self._groups[key]
        if adopted:  # it serves already: its replicas need not wait for anyone
            await group.start(adopted)
            return await group.settled() or await self._refresh(group, adopted)
        if any([await outcome for outcome in before]):
            self._spawn(self._start_later(group))
            return self._waiting(group.spec)
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

    async def _start_later(self, group: ServiceGroup) -> None:
        for callee in self._callees(group.spec.name):
            await callee.wait_until_up()
        await group.start()

    def _waiting(self, spec: ServiceSpec) -> Failure:
        down = [group.spec.name for group in self._callees(spec.name) if not group.up]
        return Failure(
            what=f"{spec.name} is not started: it waits for {', '.join(down)}",
            remedy=f"repair {down[0] if down else 'what it calls'}; it then starts by itself",
            command=spec.command,
            log=self._site.state.log(spec.label(0)),
            last_lines=(),
        )

    def _order(self) -> dict[str, frozenset[str]]:
        """For each service those whose health it waits for."""
        return waits_for({name: group.spec.calls for name, group in self._mains().items()})

    def _by_dependency(self, keys: Collection[Key]) -> list[Key]:
        place = {name: index for index, name in enumerate(in_order(self._order()))}
        return sorted(keys, key=lambda key: place[key[0]])

    def _callees(self, service: str) -> list[ServiceGroup]:
        """The main versions of those whose health a service waits for, by name."""
        mains = self._mains()
        return [mains[name] for name in sorted(self._order()[service])]

    def _mains(self) -> dict[str, ServiceGroup]:
        """The main version of each service: the one that came first."""
        mains: dict[str, ServiceGroup] = {}
        for group in self._groups.values():
            mains.setdefault(group.spec.name, group)
        return mains

    def _of(self, service: str) -> list[ServiceGroup]:
        """All versions of a service, the main one first."""
        return [group for group in self._groups.values() if group.spec.name == service]

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING)
            for group in tuple(self._groups.values()):
                with contextlib.suppress(FairwayError, OSError):  # reported when it first failed
                    await group.publish()
            for log in self._site.state.logs.glob("*.log"):  # the Envoys' too
                with contextlib.suppress(OSError):  # a full disk: tried again at the next look
                    rotate(log)

    def _known(self, service: str) -> list[ServiceGroup]:
        found = self._of(service)
        if not found:
            raise NotFound(
                "unknown-service",
                f"there is no service '{service}'",
                remedy=did_you_mean(service, list(self._mains()), "see `fairway status`"),
            )
        return found

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _end_tasks(self) -> None:
        await self._reloading.end()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _raise_for(outcomes: Mapping[Key, Failure | None]) -> None:
    failures = {
        version_label(*key): failure for key, failure in outcomes.items() if failure is not None
    }
    if not failures:
        return
    texts = [f"{len(failures)} services are not healthy", *map(str, failures.values())]
    alone = next(iter(failures.values())) if len(failures) == 1 else None
    raise Unavailable(
        NOT_HEALTHY,
        alone.evidence if alone else "\n\n".join(texts),
        where=", ".join(failures),
        remedy=alone.remedy if alone else "",
    )
