"""ECS: services keep what they were given, and their tasks run at once.

Added: deploymentConfiguration, availabilityZoneRebalancing, capacityProviderStrategy, execute
command, managed tags and grace period of a service; one running task for each desired one, found by
ListTasks with `serviceName`; a deployment that is completed and names its task definition.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ecs.models import EC2ContainerServiceBackend as Backend
from moto.ecs.models import Service, Task
from moto.ecs.responses import EC2ContainerServiceResponse as Response

KEPT = {
    "deploymentConfiguration": "deployment_configuration",
    "availabilityZoneRebalancing": "availability_zone_rebalancing",
    "capacityProviderStrategy": "capacity_provider_strategy",
    "enableECSManagedTags": "enable_ecs_managed_tags",
    "enableExecuteCommand": "enable_execute_command",
    "healthCheckGracePeriodSeconds": "health_check_grace_period_seconds",
}


def install() -> None:
    create, update, delete = Response.create_service, Backend.update_service, Backend.delete_service
    listing = Backend.list_tasks

    def create_service(self: Response) -> ActionResult:
        made = create(self)
        service: Service = made.result["service"]  # type: ignore[index]
        for given, kept in KEPT.items():
            setattr(service, kept, self._get_param(given))
        if service.capacity_provider_strategy:  # type: ignore[attr-defined]
            service.launch_type = None
        settle(self.ecs_backend, service)
        return made

    def update_service(self: Backend, service_properties: dict[str, Any]) -> Service:
        service = update(self, service_properties)
        definition = self.describe_task_definition(service.task_definition)  # type: ignore[arg-type]
        service.task_definition = definition.arn
        settle(self, service)
        return service

    def delete_service(self: Backend, *args: Any, **kwargs: Any) -> Service:
        service = delete(self, *args, **kwargs)
        service.desired_count = 0
        settle(self, service)
        return service

    def list_tasks(self: Backend, *args: Any, **kwargs: Any) -> list[Task]:
        wanted = kwargs.get("service_name") or (args[4] if len(args) > 4 else None)
        tasks = listing(self, *args, **kwargs)
        group = f"service:{wanted.split('/')[-1]}" if wanted else None
        return [task for task in tasks if group is None or task.group == group]

    NetworkInterface.private_dns_name = ""  # where names are off; a task reads it all the same
    Response.create_service = create_service
    Backend.update_service = update_service
    Backend.delete_service = delete_service
    Backend.list_tasks = list_tasks


def settle(backend: Backend, service: Service) -> None:
    """Make what runs equal to what is desired, as ECS does within minutes."""
    _stop(backend, service)
    if service.task_definition:
        _start(backend, service)
    service.running_count, service.pending_count = service.desired_count, 0
    for deployment in service.deployments:
        deployment.update(
            desiredCount=service.desired_count,
            runningCount=service.desired_count,
            pendingCount=0,
            taskDefinition=service.task_definition,
            launchType="FARGATE",
            platformFamily="Linux",
            rolloutState="COMPLETED",
            rolloutStateReason="completed",
        )


def _start(backend: Backend, service: Service) -> None:
    cluster = backend._get_cluster(service.cluster_name)
    definition = backend.describe_task_definition(service.task_definition)  # type: ignore[arg-type]
    for _ in range(service.desired_count):
        task = Task(
            cluster,
            definition,
            None,
            {},
            backend,
            f"service:{service.name}",
            launch_type="FARGATE",
            started_by="ecs-svc/0",
            tags=list(service.tags or []),
            networking_configuration=service.network_configuration or None,
        )
        backend.tasks.setdefault(cluster.name, {})[task.task_arn] = task


def _stop(backend: Backend, service: Service) -> None:
    from moto.ec2 import ec2_backends

    network = ec2_backends[backend.account_id][backend.region_name]
    tasks = backend.tasks.get(service.cluster_name, {})
    group = f"service:{service.name}"
    for arn in [arn for arn, task in tasks.items() if task.group == group]:
        for attachment in tasks.pop(arn).attachments:
            details = {each["name"]: each["value"] for each in attachment["details"]}
            network.delete_network_interface(details["networkInterfaceId"])
