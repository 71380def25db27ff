"""ECS: services keep what they were given. Their tasks are in `ecs_tasks.py`.

Added: deploymentConfiguration, availabilityZoneRebalancing, capacityProviderStrategy, execute
command, managed tags and grace period of a service; ListTasks with `serviceName`.
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
    create, listing = Response.create_service, Backend.list_tasks

    def create_service(self: Response) -> ActionResult:
        made = create(self)
        service: Service = made.result["service"]  # type: ignore[index]
        for given, kept in KEPT.items():
            setattr(service, kept, self._get_param(given))
        if service.capacity_provider_strategy:  # type: ignore[attr-defined]
            service.launch_type = None
        return made

    def list_tasks(self: Backend, *args: Any, **kwargs: Any) -> list[Task]:
        wanted = kwargs.get("service_name") or (args[4] if len(args) > 4 else None)
        tasks = listing(self, *args, **kwargs)
        group = f"service:{wanted.split('/')[-1]}" if wanted else None
        return [task for task in tasks if group is None or task.group == group]

    NetworkInterface.private_dns_name = ""  # where names are off; a task reads it all the same
    Response.create_service = create_service
    Backend.list_tasks = list_tasks
