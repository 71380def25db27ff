"""Rendered roots, really applied: what then exists, that nothing is left to do, nothing left over.

The only differences that a second plan may show are those in KNOWN, each of which is explained in
`docs/aws-emulation.md`.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from tests.aws import left_over
from tests.aws.moto_rig import ACCOUNT
from tests.aws.readback import Authority
from tests.aws.terraform_rig import FIGURE, Recorder
from tests.aws.world import APPS, ROOT, World, at_once, changes, destroy

pytestmark = [pytest.mark.aws, pytest.mark.apply]
KNOWN: dict[str, tuple[str, ...]] = {}
"""By type of resource: attributes that moto does not give back as they were sent."""


def declared(world: World) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((APPS[world.app] / "fairway.yaml").read_text())
    return found


def running(world: World) -> set[str]:
    services = declared(world)["services"].items()
    return {name for name, it in services if it.get("kind") not in ("static", "job")}


def test_every_service_runs_in_every_region(world: World) -> None:
    for region in world.regions:
        ecs = world.client("ecs", region)
        arns = ecs.list_services(cluster=world.name, maxResults=100)["serviceArns"]
        found = ecs.describe_services(cluster=world.name, services=arns)["services"]
        names = {re.sub(r"-r\d+$", "", service["serviceName"]) for service in found}
        assert names == running(world) | {"gateway"}
        for service in found:
            assert service["runningCount"] == service["desiredCount"] > 0
            breaker = service["deploymentConfiguration"]["deploymentCircuitBreaker"]
            gives_up = service["serviceName"] != "gateway"  # it waits for its routes
            assert breaker == {"enable": gives_up, "rollback": gives_up}


def test_a_task_is_a_service_with_its_sidecar_and_nobody_is_root(world: World) -> None:
    outside = declared(world)["environments"]["prod"].get("aws", {}).get("outside_mesh", [])
    ecs = world.client("ecs")
    for arn in ecs.list_task_definitions()["taskDefinitionArns"]:
        definition = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        containers = {each["name"]: each for each in definition["containerDefinitions"]}
        service = re.sub(rf"^{world.name}-|-r\d+$", "", definition["family"])
        if service not in {*declared(world)["services"], "gateway"}:
            continue  # the control plane has a root and a cluster of its own
        assert ("envoy" in containers) is (service not in outside), arn
        assert ("app" in containers) is (service != "gateway"), arn
        for container in containers.values():
            assert container["readonlyRootFilesystem"] is True, arn
            assert container["user"].split(":")[0] not in ("", "0", "root"), arn
            assert container["logConfiguration"]["logDriver"] == "awslogs"


def test_the_public_side_speaks_tls_only(world: World) -> None:
    for region in world.regions:
        elb = world.client("elbv2", region)
        public = [
            balancer
            for balancer in elb.describe_load_balancers()["LoadBalancers"]
            if balancer.get("Scheme") != "internal"
        ]
        assert len(public) == 1
        arn = public[0]["LoadBalancerArn"]
        listeners = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
        served = [listener for listener in listeners if listener["Port"] == 443]
        assert served and served[0]["Protocol"] == "HTTPS"
        assert "TLS13" in served[0]["SslPolicy"]


def test_every_service_has_a_key_that_is_renewed(world: World, authority: Authority) -> None:
    kms = world.client("kms")
    aliases = {alias["AliasName"]: alias for alias in kms.list_aliases()["Aliases"]}
    for service in running(world):
        key = aliases[f"alias/{world.name}-{service}"]["TargetKeyId"]
        assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True


def test_secrets_are_there_without_values_of_ours(world: World) -> None:
    expected = {
        f"{world.name}/{service}/{name}"
        for service, it in declared(world)["services"].items()
        for name in it.get("secrets", ())
    }
    listed = world.client("secretsmanager").list_secrets()["SecretList"]
    assert expected <= {secret["Name"] for secret in listed}


def test_objectives_have_alarms_and_logs_an_end(world: World) -> None:
    alarms = world.client("cloudwatch").describe_alarms()
    names = " ".join(alarm["AlarmName"] for alarm in alarms["MetricAlarms"])
    for slo in declared(world).get("slos", {}):
        assert slo in names
    for group in world.client("logs").describe_log_groups()["logGroups"]:
        assert group.get("retentionInDays"), group["logGroupName"]


def test_state_is_in_its_bucket_and_its_lock_is_free(world: World) -> None:
    s3 = world.client("s3")
    bucket = f"{world.name}-state-{ACCOUNT}-{world.regions[0]}"
    listed = {each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert {f"{root}/terraform.tfstate" for root in world.roots} <= listed
    assert not {key for key in listed if key.endswith(".tflock")}


def test_a_second_plan_changes_nothing(world: World, authority: Authority) -> None:
    planned = zip(world.roots, at_once(lambda root: changes(world, root), world.roots), strict=True)
    found = [
        f"{root}: {address}: {', '.join(sorted(differing(change)))}"
        for root, changed in planned
        for address, change in changed.items()
        if differing(change) - set(KNOWN.get(address.split(".")[-2].split("[")[0], ()))
    ]
    assert not found, "\n".join(found)


def differing(change: Any) -> set[str]:
    """Attributes that a change would change."""
    before, after = change["before"] or {}, change["after"] or {}
    unknown = change.get("after_unknown") or {}
    return {
        name
        for name in {*before, *after, *unknown}
        if unknown.get(name) is True or before.get(name) != after.get(name)
    }


def test_known_differences_are_documented() -> None:
    page = (ROOT / "docs" / "aws-emulation.md").read_text()
    for type_, attributes in KNOWN.items():
        assert type_ in page
        assert all(attribute in page for attribute in attributes)


def test_destroy_leaves_nothing(
    world: World, authority: Authority, record_property: Recorder
) -> None:
    del authority  # it is read before everything is gone
    try:
        for stage in reversed(world.stages):
            at_once(lambda root: destroy(world, root), stage)
    finally:
        for step, seconds in world.timings.items():
            record_property(FIGURE, f"{world.app}: {step} {seconds:.1f} s")
    there = {
        region: list(left_over.things(lambda service, region=region: world.client(service, region)))
        for region in world.regions
    }
    assert not any(there.values()), there
