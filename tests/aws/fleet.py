"""Tasks that answer, for tests: agents that report, and users whose requests are divided.

ECS in moto runs nothing. Here a thread plays the agent of every running task: it fetches its two
documents from the configuration bucket and reports what is in force. `ask` plays users: each
request is routed as the gateway's Envoy would by its routes, or as a load balancer would by the
weights that its rules have; who answers counts it, as its Envoy or as CloudWatch would.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.aws.moto_rig import Moto

from fairway.targets.aws import names
from fairway.targets.aws.place import Place

_BETWEEN = 0.08
_LATENCY = 0.005
"""How long an answer takes, in seconds."""
_SERVICES = ("ecs", "s3", "dynamodb", "elbv2", "cloudwatch")

Call = tuple[str, str]
"""Method and path of a request."""


@cache
def _client(moto: Moto, service: str, region: str) -> Any:
    return moto.client(service, region)


@dataclass
class Task:
    """One task, with what its agent knows and what it has counted."""

    id: str
    service: str
    version: str
    fault: str
    told: dict[str, Any] = field(default_factory=dict)
    requests: int = 0
    errors: int = 0
    reported: tuple[Any, ...] = ()

    def answer(self) -> bool:
        """Whether it succeeds; with the fault `errors`, every other time."""
        self.requests += 1
        failed = self.fault == "errors" and self.requests % 2 == 0
        self.errors += failed
        return not failed


class Fleet:
    """All tasks of an environment in one region."""

    def __init__(self, moto: Moto, place: Place, region: str) -> None:
        self._moto, self._place, self._region = moto, place, region
        self._clients = {name: _client(moto, name, region) for name in _SERVICES}
        self._tasks: dict[str, Task] = {}
        self._faults: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._fetched: dict[str, tuple[str, Any]] = {}
        self._bucket = place.config_bucket(region)
        self._chance = random.Random(7)
        self._turn, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def kill(self, service: str, version: str) -> None:
        """End one task of a version."""
        with self._turn:
            self._look()
            found = next(t for t in self._of(service) if t.version == version)
            self._clients["ecs"].stop_task(
                cluster=self._place.cluster, task=found.id, reason="it was killed"
            )

    def ask(self, service: str, times: int, *, balanced: bool, call: Call | None = None) -> None:
        """So many requests of users, all answered before it returns."""
        with self._turn:
            self._look()
            if balanced:
                self._by_balancer(service, times)
            else:
                self._by_gateway(service, times, call or ("GET", f"/{service}/1"))
                self._report()

    def serves(self, call: Call) -> bool:
        """Whether users get an answer: a gateway knows where to send such requests."""
        with self._turn:
            told = [gateway.told for gateway in self._of(names.GATEWAY)]
        return bool(told and "mesh" in told[0] and any(_matching(told[0]["mesh"], *call)))

    def _run(self) -> None:
        while not self._over.wait(_BETWEEN):
            with self._turn:
                self._look()
                self._report()

    def _look(self) -> None:
        """Know which tasks run."""
        ecs, cluster = self._clients["ecs"], self._place.cluster
        try:
            arns = ecs.list_tasks(cluster=cluster, desiredStatus="RUNNING")["taskArns"]
        except ecs.exceptions.ClusterNotFoundException:
            return
        running = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
        ids = {each["taskArn"].rpartition("/")[2]: each for each in running}
        self._tasks = {id_: self._tasks.get(id_) or self._task(id_, it) for id_, it in ids.items()}

    def _task(self, id_: str, described: Any) -> Task:
        name = described["group"].removeprefix("service:")
        service, _, version = name.rpartition("-")
        definition = described["taskDefinitionArn"]
        if definition not in self._faults:
            found = self._clients["ecs"].describe_task_definition(taskDefinition=definition)
            [app, *_] = found["taskDefinition"]["containerDefinitions"]
            variables = {each["name"]: each["value"] for each in app.get("environment", ())}
            self._faults[definition] = variables.get("FAULT", "")
        if name == names.GATEWAY:
            service, version = name, ""
        return Task(id_, service, version, self._faults[definition])

    def _report(self) -> None:
        """Every agent looks for files and says what is in force."""
        if not self._tasks:
            return
        self._tags = self._listed()
        told: dict[tuple[str, str], dict[str, Any]] = {}
        for task in self._tasks.values():
            key = (task.service, task.version)
            if key not in told:
                told[key] = self._documents(*key)
            task.told = told[key]
            said = (*(d["version"] for d in task.told.values()), task.requests, task.errors)
            if task.told and said != task.reported:
                self._row(task)
                task.reported = said

    def _documents(self, service: str, version: str) -> dict[str, Any]:
        own = f"{service}/{version}" if version else service
        keys = {"mesh": f"mesh/{own}/envoy.json", "handouts": f"handouts/{own}.json"}
        found = {kind: self._document(key) for kind, key in keys.items()}
        return {kind: document for kind, document in found.items() if document is not None}

    def _document(self, key: str) -> Any:
        """The newest one; fetched again only when it has changed, as an agent would."""
        tag = self._tags.get(key)
        if tag is None:
            return None
        if self._fetched.get(key, ("", None))[0] != tag:
            answer = self._clients["s3"].get_object(Bucket=self._bucket, Key=key)
            self._fetched[key] = (tag, json.loads(answer["Body"].read()))
        return self._fetched[key][1]

    def _listed(self) -> dict[str, str]:
        """What every document of the bucket is tagged with."""
        s3 = self._clients["s3"]
        try:
            found = s3.list_objects_v2(Bucket=self._bucket).get("Contents", ())
        except s3.exceptions.NoSuchBucket:
            return {}
        return {each["Key"]: each["ETag"] for each in found}

    def _row(self, task: Task) -> None:
        totals = {
            "requests": task.requests,
            "errors": task.errors,
            "latency": {str(int(_LATENCY * 1e6)): task.requests},
        }
        item = {
            "pk": {"S": f"{task.service}#{task.version}"},
            "sk": {"S": task.id},
            "at": {"N": str(time.time())},
            "totals": {"S": json.dumps(totals)},
            **{f"{kind}_version": {"S": it["version"]} for kind, it in task.told.items()},
        }
        self._clients["dynamodb"].put_item(TableName=self._place.telemetry_table, Item=item)

    def _of(self, service: str) -> list[Task]:
        return [task for task in self._tasks.values() if task.service == service]

    def _by_gateway(self, service: str, times: int, call: Call) -> None:
        [gateway, *_] = self._of(names.GATEWAY)
        turns: dict[str, Iterator[Task]] = {}
        route = matching(gateway.told["mesh"], *call)
        for _ in range(times):
            for version in chosen(route, service, self._chance):
                if version not in turns:
                    mine = [task for task in self._of(service) if task.version == version]
                    turns[version] = itertools.cycle(mine)
                if (task := next(turns[version], None)) is not None:  # else nobody is there
                    task.answer()

    def _by_balancer(self, service: str, times: int) -> None:
        weights = self._weights(service)
        groups = self._chance.choices(list(weights), list(weights.values()), k=times)
        versions = self._behind()
        for group in dict.fromkeys(groups):
            mine = [task for task in self._of(service) if task.version == versions[group]]
            turn = itertools.cycle(mine)
            answers = [next(turn).answer() for _ in range(groups.count(group))]
            self._count(group, answers)

    def _weights(self, service: str) -> Mapping[str, int]:
        """As the rule of a service says now, by target group."""
        elbv2 = self._clients["elbv2"]
        [balancer] = elbv2.describe_load_balancers()["LoadBalancers"]
        [listener] = elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])[
            "Listeners"
        ]
        for rule in elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
            if any(f"/{service}/*" in c["Values"] for c in rule["Conditions"]):
                groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
                return {each["TargetGroupArn"]: each["Weight"] for each in groups}
        raise AssertionError(f"no rule for {service}")

    def _behind(self) -> dict[str, str]:
        """The version whose tasks are in a target group."""
        ecs, cluster = self._clients["ecs"], self._place.cluster
        arns = ecs.list_services(cluster=cluster)["serviceArns"]
        return {
            each["targetGroupArn"]: found["serviceName"].rpartition("-")[2]
            for found in ecs.describe_services(cluster=cluster, services=arns)["services"]
            if found["status"] == "ACTIVE"
            for each in found["loadBalancers"]
        }

    def _count(self, group: str, answers: list[bool]) -> None:
        """As CloudWatch would count."""
        [found] = self._clients["elbv2"].describe_target_groups(TargetGroupArns=[group])[
            "TargetGroups"
        ]
        dimensions = [
            {"Name": "TargetGroup", "Value": group.rpartition(":")[2]},
            {
                "Name": "LoadBalancer",
                "Value": found["LoadBalancerArns"][0].partition("loadbalancer/")[2],
            },
        ]
        metrics: list[tuple[str, float]] = [
            ("RequestCount", len(answers)),
            ("HTTPCode_Target_5XX_Count", answers.count(False)),
            ("TargetResponseTime", _LATENCY),
        ]
        self._clients["cloudwatch"].put_metric_data(
            Namespace="AWS/ApplicationELB",
            MetricData=[
                {"MetricName": name, "Value": value, "Dimensions": dimensions}
                for name, value in metrics
            ],
        )


def matching(document: Any, method: str, path: str) -> Any:
    """The first route of an Envoy's routes that takes a plain request for a path."""
    for found in _matching(document, method, path):
        return found
    raise AssertionError(f"no route for {method} {path}")


def _matching(document: Any, method: str, path: str) -> Iterator[Any]:
    for routes in _tables(document):
        for host in routes["virtual_hosts"]:
            for route in host["routes"]:
                match = route["match"]
                prefix = match.get("prefix", match.get("path_separated_prefix", "\0"))
                plain = not [h for h in match.get("headers", ()) if not _harmless(h, method)]
                if path.startswith(prefix) and plain and "route" in route:
                    yield route["route"]


def chosen(route: Any, service: str, chance: random.Random) -> list[str]:
    """The versions that get a request: one by weight, and those that get a copy."""
    if "weighted_clusters" in route:
        clusters = route["weighted_clusters"]["clusters"]
        [one] = chance.choices(clusters, [each["weight"] for each in clusters])
        found = [one["name"]]
    else:
        found = [route["cluster"]]
    copies = [each["cluster"] for each in route.get("request_mirror_policies", ())]
    return [_version(name, service) for name in (*found, *copies)]


def _tables(document: Any) -> Iterator[Any]:
    for name, content in document["files"].items():
        if name.startswith("rds"):
            yield from content["resources"]


def _harmless(header: Any, method: str) -> bool:
    """A condition that a plain request fulfils."""
    if header["name"] == ":method":
        return method in json.dumps(header)
    return bool(header.get("invert_match"))


def _version(cluster: str, service: str) -> str:
    return cluster.removeprefix(f"callee.{service}.")
