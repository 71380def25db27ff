"""What ends drift on AWS, against an ECS that pauses after failures as the real one does.

The service scheduler waits longer and longer between tasks that fail, until there is a new
deployment: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html
"""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any

from tests.unit.aws.test_target_standing import first

from fairway.targets.aws.enforcing import Collaborators, Enforcer
from fairway.targets.aws.inspecting import Inspector
from fairway.targets.aws.place import Patience, Place
from fairway.targets.contract import Drift

REGION = "eu-central-1"
WANTED = {f"{service}-{version.name}": version.replicas for service, version in first().versions}


class Pausing:
    """ECS with no healthy task of axon, and all of orbit."""

    exceptions = SimpleNamespace(ClusterNotFoundException=LookupError)

    def __init__(self) -> None:
        self.healthy = {**WANTED, "axon-r1": 0}
        self.begun_anew: list[str] = []

    def of(self, service: str, region: str) -> Pausing:
        assert service in {"ecs", "elbv2"}, region  # of the second nothing is asked
        return self

    def get_paginator(self, call: str) -> Any:
        def paginate(cluster: str, desiredStatus: str = "RUNNING") -> list[dict[str, Any]]:
            if call == "list_services":
                return [{"serviceArns": list(WANTED)}]
            healthy = self.healthy if desiredStatus == "RUNNING" else {}
            return [{"taskArns": [f"{name}/{n}" for name in healthy for n in range(healthy[name])]}]

        return SimpleNamespace(paginate=paginate)

    def describe_services(self, cluster: str, services: list[str]) -> dict[str, Any]:
        return {"services": [self._described(name) for name in services]}

    def _described(self, name: str) -> dict[str, Any]:
        return {
            "serviceName": name, "desiredCount": WANTED[name], "runningCount": self.healthy[name],
            "taskDefinition": f"arn/{name}:1", "deployments": [{"status": "PRIMARY"}],
        }  # fmt: skip

    def describe_tasks(self, cluster: str, tasks: list[str]) -> dict[str, Any]:
        runs = {"lastStatus": "RUNNING", "desiredStatus": "RUNNING", "healthStatus": "HEALTHY"}
        found = [
            {"taskArn": task, "group": f"service:{task.partition('/')[0]}", **runs}
            for task in tasks
        ]
        return {"tasks": found}

    def update_service(self, cluster: str, service: str, **change: Any) -> None:
        if change.get("forceNewDeployment"):
            self.begun_anew.append(service)
            self.healthy[service] = WANTED[service]


def inspector(ecs: Any) -> Inspector:
    seconds = count()  # with each look at the clock one has passed
    patience = Patience(start=0.0, between=0.0)
    place = Place("shop", "prod", REGION, ecs, lambda: next(seconds), patience=patience)
    nobody: Any = None
    return Inspector(Enforcer(place, Collaborators(nobody, nobody, nobody)), nobody)


async def test_where_tasks_are_missing_and_only_there_ecs_is_told_to_begin_anew() -> None:
    ecs = Pausing()
    missing = Drift("process", f"axon r1 in {REGION}", "2", "0", "")
    await inspector(ecs).restore(first(), [missing])
    assert ecs.begun_anew == ["axon-r1"]
