"""What is in an account, by asking every service that our modules use.

Left out is what AWS itself keeps (default networks, keys that wait for their deletion, keys behind
`alias/aws/`, clusters that are inactive) and what moto makes and forgets, none of which Terraform
knows: the zone of a namespace of Cloud Map and the interface of a NAT gateway. Both are named in
`docs/aws-emulation.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Client = Callable[[str], Any]
Thing = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """One kind of thing: `operation` of `service` lists it below `key`, by `name`."""

    service: str
    operation: str
    key: str
    name: str
    counts: Callable[[Client, Thing], bool] = lambda _client, _thing: True
    arguments: tuple[tuple[str, Any], ...] = ()


def things(client: Client) -> Iterator[str]:
    """Everything that there is: `service operation name`."""
    for listing in LISTINGS:
        yield from sorted(_names(client, listing))


def _names(client: Client, listing: Listing) -> Iterator[str]:
    asked = getattr(client(listing.service), listing.operation)
    found = asked(**dict(listing.arguments))
    for part in listing.key.split("."):
        found = found.get(part) or {}
    for each in found or ():
        thing = each if isinstance(each, dict) else {listing.name: each}
        if listing.counts(client, thing):
            yield f"{listing.service} {listing.operation} {thing.get(listing.name)}"


def _made(_client: Client, thing: Thing) -> bool:
    return not thing.get("IsDefault") and not thing.get("DefaultForAz")


def _no_default_group(client: Client, thing: Thing) -> bool:
    return thing["GroupName"] != "default"


def _alive(_client: Client, thing: Thing) -> bool:
    return thing.get("State") not in ("deleted", "deleting")


def _enabled_key(client: Client, thing: Thing) -> bool:
    kms = client("kms")
    described = kms.describe_key(KeyId=thing["KeyId"])["KeyMetadata"]
    aliases = kms.list_aliases(KeyId=thing["KeyId"])["Aliases"]
    of_aws = any(not _own_alias(client, alias) for alias in aliases)
    return described["KeyState"] != "PendingDeletion" and not of_aws


def _own_alias(_client: Client, thing: Thing) -> bool:
    return not thing["AliasName"].startswith("alias/aws/")


def _own_bus(_client: Client, thing: Thing) -> bool:
    return thing["Name"] != "default"


def _own_user(_client: Client, thing: Thing) -> bool:
    return thing.get("UserId") != "default"


def _not_ours(_client: Client, thing: Thing) -> bool:
    return thing["Name"] != "example.com." and not thing["Name"].endswith("-hz")


def _active_cluster(client: Client, thing: Thing) -> bool:
    described = client("ecs").describe_clusters(clusters=[thing["arn"]])["clusters"]
    return any(cluster["status"] == "ACTIVE" for cluster in described)


LISTINGS = (
    Listing("ecs", "list_clusters", "clusterArns", "arn", _active_cluster),
    Listing("ecs", "list_task_definitions", "taskDefinitionArns", "arn"),
    Listing("application-autoscaling", "describe_scalable_targets", "ScalableTargets", "ResourceId",
            arguments=(("ServiceNamespace", "ecs"),)),
    Listing("ec2", "describe_vpcs", "Vpcs", "VpcId", _made),
    Listing("ec2", "describe_subnets", "Subnets", "SubnetId", _made),
    Listing("ec2", "describe_security_groups", "SecurityGroups", "GroupName", _no_default_group),
    Listing("ec2", "describe_addresses", "Addresses", "AllocationId"),
    Listing("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId", _alive),
    Listing("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", _alive),
    Listing("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    Listing("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    Listing("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    Listing("wafv2", "list_web_acls", "WebACLs", "Name", arguments=(("Scope", "REGIONAL"),)),
    Listing("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
    Listing("route53", "list_hosted_zones", "HostedZones", "Name", _not_ours),
    Listing("servicediscovery", "list_namespaces", "Namespaces", "Name"),
    Listing("cloudfront", "list_distributions", "DistributionList.Items", "Id"),
    Listing("kms", "list_keys", "Keys", "KeyId", _enabled_key),
    Listing("kms", "list_aliases", "Aliases", "AliasName", _own_alias),
    Listing("secretsmanager", "list_secrets", "SecretList", "Name"),
    Listing("ssm", "describe_parameters", "Parameters", "Name"),
    Listing("iam", "list_roles", "Roles", "RoleName"),
    Listing("iam", "list_policies", "Policies", "PolicyName", arguments=(("Scope", "Local"),)),
    Listing("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    Listing("lambda", "list_functions", "Functions", "FunctionName"),
    Listing("s3", "list_buckets", "Buckets", "Name"),
    Listing("dynamodb", "list_tables", "TableNames", "name"),
    Listing("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    Listing("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    Listing("elasticache", "describe_replication_groups", "ReplicationGroups",
            "ReplicationGroupId"),
    Listing("elasticache", "describe_users", "Users", "UserId", _own_user),
    Listing("sqs", "list_queues", "QueueUrls", "url"),
    Listing("sns", "list_topics", "Topics", "TopicArn"),
    Listing("events", "list_event_buses", "EventBuses", "Name", _own_bus),
    Listing("backup", "list_backup_vaults", "BackupVaultList", "BackupVaultName"),
    Listing("backup", "list_backup_plans", "BackupPlansList", "BackupPlanId"),
    Listing("logs", "describe_log_groups", "logGroups", "logGroupName"),
    Listing("logs", "describe_query_definitions", "queryDefinitions", "name"),
    Listing("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    Listing("cloudwatch", "describe_alarms", "CompositeAlarms", "AlarmName",
            arguments=(("AlarmTypes", ["CompositeAlarm"]),)),
    Listing("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    Listing("ecr", "describe_repositories", "repositories", "repositoryName"),
    Listing("budgets", "describe_budgets", "Budgets", "BudgetName",
            arguments=(("AccountId", "123456789012"),)),
)  # fmt: skip
