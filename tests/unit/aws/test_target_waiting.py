"""What the target waits for, against an ECS that takes its time as the real one does."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.aws.test_target_standing import first

from fairway.errors import Unhealthy
from fairway.targets.aws.balancing import Balancer
from fairway.targets.aws.observing import Observer
from fairway.targets.aws.place import Patience, Place
from fairway.targets.aws.waiting import Waiter

REGION = "eu-central-1"
DEFINITION = "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop-prod-axon-r1"
NO_PAUSE = Patience(between=0.0)


class Draining:
    """ECS with one task that it has told to end: with each look it is a step further."""

    exceptions = SimpleNamespace(ClusterNotFoundException=LookupError)
    steps = ("RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")

    def __init__(self) -> None:
        self.looks = 0

    def of(self, service: str, region: str) -> Draining:
        assert service == "ecs", region
        return self

    def get_paginator(self, call: str) -> Draining:
        assert call == "list_tasks"
        return self

    def paginate(self, cluster: str, desiredStatus: str) -> Iterator[dict[str, Any]]:
        yield {"taskArns": [f"{cluster}/1"] if desiredStatus == "STOPPED" else []}

    def describe_tasks(self, cluster: str, tasks: list[str]) -> dict[str, Any]:
        status = self.steps[self.looks]
        self.looks += 1
        task = {"taskArn": tasks[0], "group": "service:axon-r1", "lastStatus": status}
        return {"tasks": [{**task, "clusterArn": cluster, "desiredStatus": "STOPPED"}]}


async def test_a_version_has_ended_when_its_tasks_have_finished_what_they_had() -> None:
    ecs = Draining()
    clients: Any = ecs
    place = Place("shop", "prod", REGION, clients, lambda: 1.0, patience=NO_PAUSE)
    await Waiter(place, Observer(place), Balancer(place)).ended({"axon-r1"}, [REGION])
    assert ecs.steps[ecs.looks - 1] == "DEPROVISIONING"


class Rolling:
    """ECS that replaces the tasks of `axon-r1`: with each look it is a step further.

    A step is the revision that is the primary one, and how many deployments there are.
    """

    exceptions = SimpleNamespace(ClusterNotFoundException=LookupError)

    def __init__(self, *steps: tuple[int, int]) -> None:
        self.steps = list(steps)

    def of(self, service: str, region: str) -> Rolling:
        assert service == "ecs", region
        return self

    def get_paginator(self, call: str) -> Any:
        arns = {"list_tasks": "taskArns", "list_services": "serviceArns"}[call]

        def paginate(cluster: str, desiredStatus: str = "RUNNING") -> list[dict[str, Any]]:
            return [{arns: ["arn/1", "arn/2"] if desiredStatus == "RUNNING" else []}]

        return SimpleNamespace(paginate=paginate)

    def describe_services(self, cluster: str, services: list[str]) -> dict[str, Any]:
        revision, deployments = self.steps.pop(0)
        older = [{"status": "ACTIVE", "rolloutState": "IN_PROGRESS"}] * (deployments - 1)
        service = {"serviceName": "axon-r1", "desiredCount": 2, "runningCount": 2}
        service["taskDefinition"] = f"{DEFINITION}:{revision}"
        service["deployments"] = [{"status": "PRIMARY", "rolloutState": "IN_PROGRESS"}, *older]
        return {"services": [service]}

    def describe_tasks(self, cluster: str, tasks: list[str]) -> dict[str, Any]:
        running = {"lastStatus": "RUNNING", "desiredStatus": "RUNNING", "healthStatus": "HEALTHY"}
        return {"tasks": [{"taskArn": t, "group": "service:axon-r1", **running} for t in tasks]}


async def healthy(ecs: Rolling) -> None:
    clients: Any = ecs
    place = Place("shop", "prod", REGION, clients, lambda: 1.0, patience=NO_PAUSE)
    balancer: Any = SimpleNamespace(healthy=lambda *_: {})  # everything is within the mesh
    waiter = Waiter(place, Observer(place), balancer)
    await waiter.healthy(first(), [("axon", "r1")], [REGION])


async def test_a_version_is_healthy_when_no_task_of_its_earlier_definition_is_left() -> None:
    ecs = Rolling((8, 2), (8, 2), (8, 1))
    await healthy(ecs)
    assert ecs.steps == []


async def test_tasks_that_ecs_went_back_to_are_healthy_and_not_what_was_asked_for() -> None:
    with pytest.raises(Unhealthy) as caught:
        await healthy(Rolling((8, 2), (7, 1)))
    assert "ECS went back" in caught.value.message
