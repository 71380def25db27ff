"""A `Provision` that makes what an environment needs by boto3: quick, for the conformance suite.

It makes the few resources that the target itself touches, under the names that the root modules
give them. What Terraform makes of the root modules is tested in `test_apply_*` and `test_target_*`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fairway.plan.preview import NOTHING, Preview, ResourceChange
from fairway.targets.aws import names
from fairway.targets.aws.place import Place
from fairway.targets.aws.standing.state import SLOTS, Standing, StandingVersion

_HTTP = {"Protocol": "HTTP", "Port": 80}


class DirectProvision:
    """Resources of one environment, in all its regions."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def rendered(self, standing: Standing) -> dict[str, str]:
        """Each version as a file."""
        return {
            f"services/{service}-{version.name}.json": json.dumps(version.declared, indent=1)
            for service, version in standing.versions
        }

    async def preview(self, standing: Standing) -> Preview:
        """Nothing is foreseen."""
        del standing
        return NOTHING

    async def apply(self, standing: Standing) -> None:
        """Create what is missing, remove what is too much."""
        for region in standing.regions:
            await asyncio.to_thread(_Region(self._place, region).apply, standing)

    async def differences(self, standing: Standing) -> tuple[ResourceChange, ...]:
        """Nothing is compared."""
        del standing
        return ()


def bootstrap(place: Place) -> None:
    """The table of the account."""
    place.clients.of("dynamodb", place.lead).create_table(
        TableName=place.standing_table,
        KeySchema=[{"AttributeName": "environment", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "environment", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


class _Region:
    def __init__(self, place: Place, region: str) -> None:
        self._place, self._region = place, region

    def _of(self, service: str) -> Any:
        return self._place.clients.of(service, self._region)

    def apply(self, standing: Standing) -> None:
        if self._place.cluster not in str(self._of("ecs").list_clusters()["clusterArns"]):
            self._base()
        balanced = sorted(standing.outside_mesh & standing.services.keys())
        groups = self._balanced(balanced) if balanced else {}
        self._services(standing, groups)

    def _base(self) -> None:
        self._of("ecs").create_cluster(clusterName=self._place.cluster)
        self._of("s3").create_bucket(
            Bucket=self._place.config_bucket(self._region),
            CreateBucketConfiguration={"LocationConstraint": self._region},
        )
        self._of("dynamodb").create_table(
            TableName=self._place.telemetry_table,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    def _balanced(self, services: list[str]) -> dict[tuple[str, str], str]:
        """A load balancer with a rule for each service; the target groups by service and slot."""
        client = self._of("elbv2")
        name = names.load_balancer(self._place.app, self._place.environment, "internal")
        if client.describe_load_balancers()["LoadBalancers"]:
            known = client.describe_target_groups()["TargetGroups"]
            arns = {group["TargetGroupName"]: group["TargetGroupArn"] for group in known}
            return {
                (service, slot): arns[group]
                for service in services
                for group, slot in self._place.target_groups(service, SLOTS).items()
            }
        ec2 = self._of("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        zones = [f"{self._region}{zone}" for zone in "ab"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)[
                "Subnet"
            ]["SubnetId"]
            for n, zone in enumerate(zones)
        ]
        [balancer] = client.create_load_balancer(Name=name, Subnets=subnets, Scheme="internal")[
            "LoadBalancers"
        ]
        [listener] = client.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            DefaultActions=[
                {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
            ],
            **_HTTP,
        )["Listeners"]
        return self._rules(listener["ListenerArn"], vpc, services)

    def _rules(self, listener: str, vpc: str, services: list[str]) -> dict[tuple[str, str], str]:
        client, found = self._of("elbv2"), {}
        for priority, service in enumerate(services, 1):
            for group, slot in self._place.target_groups(service, SLOTS).items():
                [made] = client.create_target_group(
                    Name=group, VpcId=vpc, TargetType="ip", **_HTTP
                )["TargetGroups"]
                found[service, slot] = made["TargetGroupArn"]
            groups = [
                {"TargetGroupArn": found[service, slot], "Weight": int(slot == SLOTS[0])}
                for slot in SLOTS
            ]
            client.create_rule(
                ListenerArn=listener,
                Priority=priority,
                Conditions=[{"Field": "path-pattern", "Values": [f"/{service}/*"]}],
                Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
            )
        return found

    def _services(self, standing: Standing, groups: dict[tuple[str, str], str]) -> None:
        client, cluster = self._of("ecs"), self._place.cluster
        found = client.list_services(cluster=cluster)["serviceArns"]
        described = client.describe_services(cluster=cluster, services=found)["services"]
        there = {each["serviceName"] for each in described if each["status"] == "ACTIVE"}
        wanted = {names.service_name(s, v.name): (s, v) for s, v in standing.versions}
        for name in there - wanted.keys() - {names.GATEWAY}:
            client.delete_service(cluster=cluster, service=name, force=True)
        if names.GATEWAY not in there:
            self._create(names.GATEWAY, "envoy", {}, 1)
        for name in wanted.keys() - there:
            service, version = wanted[name]
            self._version(standing, service, version, groups.get((service, version.slot)))

    def _version(
        self, standing: Standing, service: str, version: StandingVersion, group: str | None
    ) -> None:
        count = standing.tasks(service, version)
        name = names.service_name(service, version.name)
        self._create(name, version.image, version.declared["env"], count, group)

    def _create(
        self, name: str, image: str, env: dict[str, str], count: int, group: str | None = None
    ) -> None:
        client = self._of("ecs")
        variables = [{"name": key, "value": str(value)} for key, value in env.items()]
        client.register_task_definition(
            family=name,
            containerDefinitions=[
                {"name": "app", "image": image, "environment": variables, "memory": 128},
                {"name": "envoy", "image": "envoy", "memory": 64},
            ],
        )
        balanced = [{"targetGroupArn": group, "containerName": "app", "containerPort": 80}]
        client.create_service(
            cluster=self._place.cluster,
            serviceName=name,
            taskDefinition=name,
            desiredCount=count,
            launchType="FARGATE",
            loadBalancers=balanced if group else [],
        )
