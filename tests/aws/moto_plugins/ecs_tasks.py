"""ECS services that have tasks, as Fargate would start them at once.

moto's services only count. Here a service starts and stops tasks until it has as many as it wants,
registers them with its target groups, and says so. A container `app` (or the only one) with the
variable FAULT=unhealthy never gets healthy: its tasks end with exit code 1, and nobody starts more
of them. A task that was stopped stays stopped until its service is told how many it should have.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from moto.ecs import models as ecs
from moto.elbv2.models import elbv2_backends

_ATTEMPTS = 3
"""How often a task is started that does not get healthy."""
_GROUP = "service:"


class ServiceTask(ecs.Task):
    """A task of a service: it runs until it is stopped."""

    last_status: str = "RUNNING"  # type: ignore[assignment]  # moto lets every look advance it
    health_status = "HEALTHY"
    stopped_at: datetime | None = None

    def advance(self) -> None:
        """Looking at it changes nothing."""


def install() -> None:
    """Add it to moto's backend of ECS."""
    backend: Any = ecs.EC2ContainerServiceBackend
    create, update = backend.create_service, backend.update_service
    delete, stop = backend.delete_service, backend.stop_task

    def create_service(self: Any, *args: Any, **kwargs: Any) -> Any:
        return settled(self, create(self, *args, **kwargs))

    def update_service(self: Any, properties: dict[str, Any]) -> Any:
        return settled(self, update(self, properties))

    def delete_service(self: Any, *args: Any, **kwargs: Any) -> Any:
        service = delete(self, *args, **kwargs)
        service.desired_count = 0
        return settled(self, service)

    def stop_task(self: Any, cluster: str, task: str, reason: str) -> Any:
        stopped = stop(self, cluster, task, reason)
        service = _service_of(self, stopped)
        if service is not None:
            _end(self, service, stopped, reason)
            _count(self, service)
        return stopped

    backend.create_service, backend.update_service = create_service, update_service
    backend.delete_service, backend.stop_task = delete_service, stop_task


def settled(backend: Any, service: Any) -> Any:
    """Have the tasks that a service wants; the service."""
    if service.task_definition is None:
        return service
    definition = backend.describe_task_definition(service.task_definition)
    service.task_definition = definition.arn
    running = _running(backend, service)
    for task in [each for each in running if each.task_definition_arn != definition.arn]:
        _end(backend, service, task, "Scaling activity initiated by deployment")
    running = _running(backend, service)
    for task in running[service.desired_count :]:
        _end(backend, service, task, "Scaling activity initiated by deployment")
    for _ in range(service.desired_count - len(running)):
        _start(backend, service, definition)
    _count(backend, service)
    return service


def _start(backend: Any, service: Any, definition: Any) -> None:
    cluster = backend._get_cluster(service.cluster_name)
    ill = _is_ill(definition)
    for _ in range(_ATTEMPTS if ill else 1):
        task = _task(backend, cluster, service, definition)
        backend.tasks.setdefault(cluster.name, {})[task.task_arn] = task
        for group in _groups(backend, service):
            group.targets[_address(task)] = {"Id": _address(task), "Port": group.port}
        if ill:
            task.containers[0].exitCode = 1
            _end(backend, service, task, "Task failed container health checks")


def _task(backend: Any, cluster: Any, service: Any, definition: Any) -> ServiceTask:
    """Without a network interface: nobody sends anything there."""
    plain = copy.copy(definition)
    plain.network_mode = "bridge"
    task = ServiceTask(cluster, plain, None, {}, backend, _GROUP + service.name, "FARGATE")
    task.containers = []
    for each in sorted(definition.container_definitions, key=lambda each: each["name"] != "app"):
        one = copy.copy(definition)
        one.container_definitions = [each]
        container = ecs.Container(one)
        container.last_status = "RUNNING"
        task.containers.append(container)
    return task


def _end(backend: Any, service: Any, task: Any, reason: str) -> None:
    task.last_status = task.desired_status = "STOPPED"
    task.health_status = "UNHEALTHY"
    task.stopped_reason, task.stopped_at = reason, datetime.now(UTC)
    for group in _groups(backend, service):
        group.targets.pop(_address(task), None)


def _count(backend: Any, service: Any) -> None:
    running = len(_running(backend, service))
    missing = max(0, service.desired_count - running)
    service.running_count, service.pending_count = running, missing
    for deployment in service.deployments:
        definition = backend.describe_task_definition(service.task_definition)
        deployment |= {
            "desiredCount": service.desired_count,
            "runningCount": running,
            "pendingCount": missing,
            "taskDefinition": definition.arn,
            "launchType": "FARGATE",
            "platformFamily": "Linux",
            "failedTasks": _ATTEMPTS if missing and _is_ill(definition) else 0,
            "rolloutState": "IN_PROGRESS" if missing else "COMPLETED",
        }


def _running(backend: Any, service: Any) -> list[Any]:
    return [
        task
        for task in backend.tasks.get(service.cluster_name, {}).values()
        if task.group == _GROUP + service.name and task.desired_status == "RUNNING"
    ]


def _service_of(backend: Any, task: Any) -> Any:
    name = str(task.group).removeprefix(_GROUP)
    return backend.services.get(f"{task.cluster_name}:{name}")


def _groups(backend: Any, service: Any) -> list[Any]:
    known = elbv2_backends[backend.account_id][backend.region_name].target_groups
    arns = [each.get("targetGroupArn", "") for each in service.load_balancers or ()]
    return [known[arn] for arn in arns if arn in known]


def _address(task: Any) -> str:
    """A private address that follows from its name."""
    return f"10.0.{int(task.id[:2], 16)}.{int(task.id[2:4], 16)}"


def _is_ill(definition: Any) -> bool:
    return any(
        {"name": "FAULT", "value": "unhealthy"} in each.get("environment", ())
        for each in definition.container_definitions
    )
