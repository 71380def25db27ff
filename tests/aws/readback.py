"""Roles, keys, secrets, tables and rules of networks of an environment, read back by boto3.

`authority_of(world)` asks for everything once; `Authority.allows` then decides a request by the
policies as AWS holds them. That is after Terraform, the provider and the emulator: what a mistake
in any of our modules would have changed, is changed here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.aws.iam_evaluation import Context, Document, Policies, Request, allowed
from tests.aws.world import World

Found = dict[str, tuple[str, Document | None]]


@dataclass(frozen=True, slots=True)
class Authority:
    """`roles` by name: their ARN, own policies and boundary. The rest: policies by ARN of a thing.

    `owners` says which service a thing belongs to, by ARN; `open_ports` are those of rules that
    let every address in. Things are those of `region`; roles are everywhere. `tags` of roles (by
    name) and of keys (by ARN) are as conditions know them.
    """

    region: str
    roles: dict[str, tuple[str, tuple[Document, ...], Document | None]]
    resources: dict[str, Document | None]
    owners: dict[str, str]
    open_ports: dict[str, tuple[int, int]]
    tags: dict[str, dict[str, str]]

    def role_of(self, service: str, purpose: str = "task") -> str:
        """The name of a service's role, in the region that leads."""
        wanted = f"-{service}-{purpose}-{self.region}"
        (found,) = (name for name in self.roles if name.endswith(wanted))
        return found

    def allows(self, role: str, action: str, resource: str, context: Context) -> bool:
        """Whether AWS would let this role do this."""
        arn, own, boundary = self.roles[role]
        tags = {**self.tags.get(role, {}), **self.tags.get(resource, {})}
        asked = Request(arn, action, resource, {**tags, **context})
        return allowed(asked, Policies(own, boundary, self.resources.get(resource)))

    def owned(self, service: str, kind: str) -> list[str]:
        """ARNs of a service's things of one kind: kms, secretsmanager, dynamodb."""
        return [
            arn
            for arn, owner in self.owners.items()
            if owner == service and arn.split(":")[2] == kind
        ]


def authority_of(world: World) -> Authority:
    """Everything that decides, in the region that leads."""
    keys, secrets, tables = _keys(world), _secrets(world), _tables(world)
    return Authority(
        region=world.regions[0],
        roles=_roles(world),
        resources={arn: policy for arn, (_, policy) in (keys | secrets | tables).items()},
        owners={arn: owner for arn, (owner, _) in (keys | secrets | tables).items()},
        open_ports=_open_ports(world),
        tags=_tags(world, keys),
    )


def _roles(world: World) -> dict[str, tuple[str, tuple[Document, ...], Document | None]]:
    iam = world.client("iam")
    found = {}
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            name = role["RoleName"]
            described = iam.get_role(RoleName=name)["Role"]
            boundary = described.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
            found[name] = (role["Arn"], _own(iam, name), boundary and _managed(iam, boundary))
    return found


def _tags(world: World, keys: Found) -> dict[str, dict[str, str]]:
    iam, kms = world.client("iam"), world.client("kms")
    found = {}
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            tags = iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
            found[role["RoleName"]] = {
                f"aws:PrincipalTag/{tag['Key']}": tag["Value"] for tag in tags
            }
    for arn in keys:
        tags = kms.list_resource_tags(KeyId=arn)["Tags"]
        found[arn] = {f"aws:ResourceTag/{tag['TagKey']}": tag["TagValue"] for tag in tags}
    return found


def _own(iam: Any, role: str) -> tuple[Document, ...]:
    inline = (
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    )
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return (*inline, *(_managed(iam, policy["PolicyArn"]) for policy in attached))


def _managed(iam: Any, arn: str) -> Document:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    got = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    document: Document = got["Document"]
    return document


def _keys(world: World) -> Found:
    kms, prefix = world.client("kms"), f"alias/{world.name}-"
    found: Found = {}
    for alias in kms.list_aliases()["Aliases"]:
        if alias["AliasName"].startswith(prefix):
            arn = kms.describe_key(KeyId=alias["TargetKeyId"])["KeyMetadata"]["Arn"]
            policy = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
            found[arn] = (alias["AliasName"].removeprefix(prefix), json.loads(policy))
    return found


def _secrets(world: World) -> Found:
    secrets, prefix = world.client("secretsmanager"), f"{world.name}/"
    found: Found = {}
    for secret in secrets.list_secrets()["SecretList"]:
        if secret["Name"].startswith(prefix):
            owner = secret["Name"].removeprefix(prefix).split("/")[0]
            policy = secrets.get_resource_policy(SecretId=secret["ARN"]).get("ResourcePolicy")
            found[secret["ARN"]] = (owner, json.loads(policy) if policy else None)
    return found


def _tables(world: World) -> Found:
    """Tables of stores, owned by the store's name."""
    tables, prefix = world.client("dynamodb"), f"{world.name}-"
    return {
        tables.describe_table(TableName=name)["Table"]["TableArn"]: (
            name.removeprefix(prefix),
            None,
        )
        for name in tables.list_tables()["TableNames"]
        if name.startswith(prefix)
    }


def _open_ports(world: World) -> dict[str, tuple[int, int]]:
    ec2 = world.client("ec2")
    return {
        rule["SecurityGroupRuleId"]: (rule["FromPort"], rule["ToPort"])
        for rule in ec2.describe_security_group_rules()["SecurityGroupRules"]
        if not rule["IsEgress"]
        and (rule.get("CidrIpv4") == "0.0.0.0/0" or rule.get("CidrIpv6") == "::/0")
    }
