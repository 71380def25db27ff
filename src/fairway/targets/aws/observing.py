"""What ECS says is there: services, their tasks, and why a task stopped.

Used by `AwsTarget` to observe, to wait, to find drift, and to say with evidence what is ill.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fairway.errors import NotFound
from fairway.targets.aws.clients import telling
from fairway.targets.aws.place import Place

_GROUP = "service:"
_APP = "app"
_OVER = frozenset({"DEPROVISIONING", "STOPPED"})
"""What ECS calls a task whose containers have ended."""
_LINES = 8
"""How many last lines of a log are evidence."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task of an ECS service. `id` is the last part of its ARN, by which its agent reports."""

    id: str
    service: str
    running: bool
    healthy: bool
    definition: str


@dataclass(frozen=True, slots=True)
class Running:
    """An ECS service. `failed` counts the tasks of its deployment that could not be started;
    `rolling` while tasks of the deployment before are still to be replaced.
    """

    name: str
    desired: int
    running: int
    definition: str
    failed: int
    given_up: bool
    rolling: bool = False

    @property
    def revision(self) -> int:
        """Of its task definition: each that is registered for a service has a higher one."""
        return int(self.definition.rpartition(":")[2] or 0)


class Observer:
    """Asks ECS in one region after the other. All methods block."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def tasks(self, region: str) -> tuple[Task, ...]:
        """Every task that is to run in the cluster; none without a cluster."""
        return tuple(_task(found) for found in self._described(region, "RUNNING"))

    def at_work(self, region: str) -> tuple[Task, ...]:
        """Likewise, and those that ECS has told to end and that finish what they have."""
        ending = self._described(region, "STOPPED")
        left = (found for found in ending if found.get("lastStatus") not in _OVER)
        return (*self.tasks(region), *map(_task, left))

    def services(self, region: str) -> dict[str, Running]:
        """Every ECS service of the cluster by its name; none without a cluster."""
        client = self._place.clients.of("ecs", region)
        with telling("list the services of ECS", where=region):
            try:
                arns = _pages(client, "list_services", "serviceArns", cluster=self._place.cluster)
            except client.exceptions.ClusterNotFoundException:
                return {}
            found: list[Any] = []
            for some in _batches(arns, 10):
                answer = client.describe_services(cluster=self._place.cluster, services=list(some))
                found += answer["services"]
        running = (_running(each) for each in found if each.get("status") != "INACTIVE")
        return {each.name: each for each in running}

    def set_desired(self, region: str, service: str, count: int) -> None:
        """Let so many tasks of an ECS service run."""
        self._update(region, service, desiredCount=count)

    def start_anew(self, region: str, service: str) -> None:
        """Replace its tasks: nothing less ends the pauses that ECS makes after many failures."""
        self._update(region, service, forceNewDeployment=True)

    def _update(self, region: str, service: str, **change: object) -> None:
        with telling(f"change the tasks of {service}", where=region):
            self._place.clients.of("ecs", region).update_service(
                cluster=self._place.cluster, service=service, **change
            )

    def evidence(self, region: str, service: str) -> str:
        """Why tasks of an ECS service stopped: reasons, exit codes, the last lines of a log."""
        stopped = [
            task for task in self._described(region, "STOPPED")
            if task.get("group") == _GROUP + service
        ]  # fmt: skip
        if not stopped:
            return ""
        stopped.sort(key=lambda task: str(task.get("stoppedAt", "")))
        newest = stopped[-1]
        said = [*_reasons(newest), *self._last_lines(region, newest)]
        return "; ".join(said)

    def image(self, region: str, definition: str) -> str:
        """The image of the app's container of a task definition; empty when it has none."""
        found = self._definition(region, definition)
        return next(
            (str(c["image"]) for c in found["containerDefinitions"] if c["name"] == _APP), ""
        )

    def _definition(self, region: str, definition: str) -> Any:
        with telling("read a task definition", where=region):
            client = self._place.clients.of("ecs", region)
            return client.describe_task_definition(taskDefinition=definition)["taskDefinition"]

    def _described(self, region: str, status: str) -> Iterator[Any]:
        client = self._place.clients.of("ecs", region)
        with telling("list the tasks of ECS", where=region):
            try:
                arns = _pages(
                    client,
                    "list_tasks",
                    "taskArns",
                    cluster=self._place.cluster,
                    desiredStatus=status,
                )
            except client.exceptions.ClusterNotFoundException:
                return
            for some in _batches(arns, 100):
                yield from client.describe_tasks(cluster=self._place.cluster, tasks=list(some))[
                    "tasks"
                ]

    def _last_lines(self, region: str, task: Any) -> Iterator[str]:
        """The end of the log of its app; nothing where there is none (yet)."""
        definition = self._definition(region, task["taskDefinitionArn"])
        identity = task["taskArn"].rpartition("/")[2]
        for container in definition["containerDefinitions"]:
            options = container.get("logConfiguration", {}).get("options", {})
            if container["name"] != _APP or "awslogs-group" not in options:
                continue
            stream = f"{options.get('awslogs-stream-prefix', '')}/{_APP}/{identity}".lstrip("/")
            lines = self._log(region, options["awslogs-group"], stream)
            if lines:
                yield "its last lines: " + " | ".join(lines)

    def _log(self, region: str, group: str, stream: str) -> Sequence[str]:
        client = self._place.clients.of("logs", region)
        try:
            with telling("read a log", where=group):
                events = client.get_log_events(
                    logGroupName=group, logStreamName=stream, limit=_LINES, startFromHead=False
                )["events"]
        except NotFound:
            return ()
        return [str(event["message"]).rstrip() for event in events]


def healthy_tasks(tasks: Iterable[Task]) -> dict[str, int]:
    """How many healthy tasks there are, by ECS service."""
    counts: dict[str, int] = {}
    for task in tasks:
        if task.healthy:
            counts[task.service] = counts.get(task.service, 0) + 1
    return counts


def _pages(client: Any, call: str, key: str, **arguments: Any) -> list[str]:
    pages = client.get_paginator(call).paginate(**arguments)
    return [str(arn) for page in pages for arn in page[key]]


def _batches(arns: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(arns), size):
        yield arns[start : start + size]


def _task(found: Any) -> Task:
    """Health is that of its containers' checks, which every task of ours has."""
    running = found.get("lastStatus") == "RUNNING" and found.get("desiredStatus") == "RUNNING"
    health = found.get("healthStatus") or _container_health(found)
    return Task(
        id=str(found["taskArn"]).rpartition("/")[2],
        service=str(found.get("group", "")).removeprefix(_GROUP),
        running=running,
        healthy=running and health == "HEALTHY",
        definition=str(found.get("taskDefinitionArn", "")),
    )


def _container_health(found: Any) -> str:
    """ECS says it of the task; what emulates ECS may say it of containers only."""
    healths = {str(c.get("healthStatus", "UNKNOWN")) for c in found.get("containers", ())}
    return "HEALTHY" if healths <= {"HEALTHY"} else "UNHEALTHY"


def _running(found: Any) -> Running:
    deployments = found.get("deployments") or ()
    primary: dict[str, Any] = next(
        (each for each in deployments if each.get("status") == "PRIMARY"), {}
    )
    return Running(
        name=str(found["serviceName"]),
        desired=int(found["desiredCount"]),
        running=int(found["runningCount"]),
        definition=str(found.get("taskDefinition", "")),
        failed=int(primary.get("failedTasks", 0)),
        given_up=primary.get("rolloutState") == "FAILED",
        rolling=any(each.get("status") == "ACTIVE" for each in deployments),
    )


def _reasons(task: Any) -> Iterator[str]:
    if task.get("stoppedReason"):
        yield str(task["stoppedReason"])
    for container in task.get("containers", ()):
        if container.get("exitCode"):
            yield f"{container['name']} ended with exit code {container['exitCode']}"
        if container.get("reason"):
            yield f"{container['name']}: {container['reason']}"
