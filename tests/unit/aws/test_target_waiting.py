"""What the target waits for, against an ECS that takes its time as the real one does."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from fairway.targets.aws.balancing import Balancer
from fairway.targets.aws.observing import Observer
from fairway.targets.aws.place import Patience, Place
from fairway.targets.aws.waiting import Waiter

REGION = "eu-central-1"


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
    place = Place("shop", "prod", REGION, clients, lambda: 1.0, patience=Patience(between=0.0))
    await Waiter(place, Observer(place), Balancer(place)).ended({"axon-r1"}, [REGION])
    assert ecs.steps[ecs.looks - 1] == "DEPROVISIONING"
