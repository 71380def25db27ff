"""What a deployment may do in the account, by the policies as Terraform would write them.

The control plane and CI have these policies and nothing else. Whoever controls one of them controls
the environment, and must not get beyond it: not by a role that it makes, changes or hands over.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.aws.creations import OPTIONAL, WAITS, calls
from tests.aws.iam_evaluation import Context, Document, Policies, Request, allowed
from tests.aws.moto_rig import Moto
from tests.aws.terraform_rig import Terraform

pytestmark = pytest.mark.aws
MODULE = Path(__file__).parents[2] / "infra" / "modules" / "deployer"
IAM = "arn:aws:iam::123456789012"
SERVER = f"{IAM}:role/shop-prod-server-task-eu-central-1"
TASK = f"{IAM}:role/shop-prod-cart-task-eu-central-1"
BOUNDARY = f"{IAM}:policy/shop-prod-boundary"
AT_MOST = {"iam:PermissionsBoundary": BOUNDARY}
AWS = "arn:aws:{}:eu-central-1:123456789012:{}"


@dataclass(frozen=True, slots=True)
class Rights:
    """The policies of a deployment by area, and the boundaries of what it makes, by name."""

    policies: Mapping[str, Document]

    def may(self, action: str, resource: str, context: Context | None = None) -> bool:
        """Whether the control plane may do this, in the environment's region."""
        where = {"aws:RequestedRegion": "eu-central-1"}
        own = tuple(it for name, it in self.policies.items() if name.startswith("deploy-"))
        return allowed(
            Request(SERVER, action, resource, {**where, **(context or {})}),
            Policies(own, resource=_of_key(action)),
        )

    def role_may(
        self, action: str, resource: str, context: Context | None = None, name: str = "boundary"
    ) -> bool:
        """Whether cart's role with this boundary may do this, when it was given everything."""
        everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        own = {"aws:PrincipalTag/service": "cart"}
        return allowed(
            Request(TASK, action, resource, {**own, **(context or {})}),
            Policies((everything,), boundary=self.policies[name], resource=_of_key(action)),
        )


def _of_key(action: str) -> Document | None:
    """The policy of a key that leaves it to the account's IAM who may use it."""
    root = {"AWS": f"{IAM}:root"}
    every = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    return {"Statement": [every]} if action.startswith("kms:") else None


@pytest.fixture(scope="module")
def rights(
    terraform_configured: Terraform, moto_server: Moto, tmp_path_factory: pytest.TempPathFactory
) -> Rights:
    folder = tmp_path_factory.mktemp("deployer")
    shutil.copytree(MODULE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tests"))
    terraform = terraform_configured.within(folder, moto_server.environment())
    terraform.init()
    values = ("-var", "name=shop-prod", "-var", 'regions=["eu-central-1"]')
    terraform.run("plan", "-out=rights.plan", "-input=false", *values)
    planned = terraform.json("show", "-json", "rights.plan")["planned_values"]["root_module"]
    return Rights({
        resource["index"]: json.loads(resource["values"]["policy"])
        for resource in planned["resources"]
        if resource["type"] == "aws_iam_policy"
    })  # fmt: skip


def test_a_role_is_made_within_a_boundary_and_never_without(rights: Rights) -> None:
    another = {"iam:PermissionsBoundary": f"{IAM}:policy/shop-prod-cart-boundary-eu-central-1"}
    copying = {"iam:PermissionsBoundary": f"{BOUNDARY}-backup"}
    for action in ("iam:CreateRole", "iam:PutRolePermissionsBoundary"):
        assert rights.may(action, TASK, AT_MOST)
        assert rights.may(action, TASK, copying)
        assert not rights.may(action, TASK, another)
        assert not rights.may(action, TASK)
        assert not rights.may(action, f"{IAM}:role/another-prod-cart-task-eu-central-1", AT_MOST)


def test_a_role_without_a_boundary_is_given_nothing(rights: Rights) -> None:
    for action in ("iam:PutRolePolicy", "iam:AttachRolePolicy"):
        assert rights.may(action, TASK, AT_MOST)
        assert not rights.may(action, TASK)
        assert not rights.may(action, f"{IAM}:role/shop-prod-server-flow-logs-eu-central-1")


def test_no_boundary_is_taken_away_or_changed(rights: Rights) -> None:
    assert not rights.may("iam:DeleteRolePermissionsBoundary", TASK, AT_MOST)
    for action in (
        "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion",
        "iam:SetDefaultPolicyVersion", "iam:CreatePolicy",
    ):  # fmt: skip
        for policy in ("boundary", "boundary-backup", "deploy-access", "x-boundary-eu-central-1"):
            assert not rights.may(action, f"{IAM}:policy/shop-prod-{policy}"), (action, policy)


@pytest.mark.parametrize(
    "action", ["PassRole", "PutRolePolicy", "UpdateAssumeRolePolicy", "DeleteRole"]
)
@pytest.mark.parametrize(
    "role", ["server-task-eu-central-1", "server-execution-eu-central-1", "ci-plan", "ci-deploy"]
)
def test_its_own_roles_are_not_its_to_change(rights: Rights, action: str, role: str) -> None:
    passed = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    assert not rights.may(f"iam:{action}", f"{IAM}:role/shop-prod-{role}", AT_MOST | passed)


def test_a_service_may_be_called_like_the_beginning_of_its_own(rights: Rights) -> None:
    for name in ("ci-runner", "server-x", "deploy"):
        role = f"{IAM}:role/shop-prod-{name}-task-eu-central-1"
        assert rights.may("iam:CreateRole", role, AT_MOST)


def test_a_role_is_handed_to_services_of_aws_that_need_one(rights: Rights) -> None:
    for service, may in {"ecs-tasks": True, "lambda": True, "backup": True, "ec2": False}.items():
        passed = {"iam:PassedToService": f"{service}.amazonaws.com"}
        assert rights.may("iam:PassRole", TASK, passed) is may, service
    assert not rights.may("iam:PassRole", TASK)
    another = f"{IAM}:role/another-prod-admin"
    assert not rights.may("iam:PassRole", another, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert not rights.may("sts:AssumeRole", TASK)


@pytest.mark.parametrize(
    "action", ["CreateUser", "CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile"]
)
def test_it_makes_nobody_else(rights: Rights, action: str) -> None:
    assert not rights.may(f"iam:{action}", f"{IAM}:user/shop-prod-somebody")


def test_what_it_stands_on_stays(rights: Rights) -> None:
    key, tag = AWS.format("kms", "key/1"), {"aws:ResourceTag/fairway": "shop-prod"}
    for thing, may in {"cart": True, "state": False, "server": False}.items():
        alias = {"kms:ResourceAliases": (f"alias/shop-prod-{thing}",)}
        assert rights.may("kms:ScheduleKeyDeletion", key, {**tag, **alias}) is may
        assert rights.may("kms:PutKeyPolicy", key, {**tag, **alias}) is may
    record = AWS.format("dynamodb", "table/shop-prod-fairway")
    assert rights.may("dynamodb:PutItem", record)
    assert not rights.may("dynamodb:DeleteTable", record)
    assert not rights.may("rds:ModifyDBInstance", AWS.format("rds", "db:shop-prod-server"))
    assert not rights.may("s3:PutBucketPolicy", "arn:aws:s3:::shop-prod-state-123456789012-eu")


@pytest.mark.parametrize(
    ("action", "thing"),
    [
        ("kms:TagResource", AWS.format("kms", "key/1")),
        ("acm:AddTagsToCertificate", AWS.format("acm", "certificate/1")),
        ("backup:TagResource", AWS.format("backup", "backup-plan:1")),
        ("cloudfront:TagResource", "arn:aws:cloudfront::123456789012:distribution/1"),
    ],
)
def test_what_has_the_tag_of_another_environment_is_not_taken_over(
    rights: Rights, action: str, thing: str
) -> None:
    asked = {"aws:RequestTag/fairway": "shop-prod"}
    assert rights.may(action, thing, asked)
    assert not rights.may(action, thing, {**asked, "aws:ResourceTag/fairway": "another-prod"})


def test_whatever_a_role_is_given_it_stays_in_the_environment(rights: Rights) -> None:
    own, foreign = ({"aws:ResourceTag/fairway": name} for name in ("shop-prod", "another-prod"))
    assert rights.role_may("dynamodb:GetItem", AWS.format("dynamodb", "table/shop-prod-carts"))
    assert not rights.role_may("dynamodb:GetItem", AWS.format("dynamodb", "table/another-prod-x"))
    assert not rights.role_may(
        "dynamodb:GetItem", AWS.format("dynamodb", "table/shop-prod-fairway")
    )
    assert not rights.role_may("s3:GetObject", "arn:aws:s3:::shop-prod-state-1-eu/account/x")
    assert rights.role_may("kms:Decrypt", AWS.format("kms", "key/1"), own)
    assert not rights.role_may("kms:Decrypt", AWS.format("kms", "key/1"), foreign)
    for action in ("iam:CreateRole", "iam:PassRole", "sts:AssumeRole", "kms:PutKeyPolicy"):
        assert not rights.role_may(action, TASK, own | AT_MOST)
        assert not rights.role_may(action, TASK, own | AT_MOST, "boundary-backup")


def test_whatever_a_service_is_given_it_has_no_secret_and_no_name_of_another(
    rights: Rights,
) -> None:
    things = {
        "secretsmanager:GetSecretValue": ("secretsmanager", "secret:shop-prod/{}/KEY-AbCdEf"),
        "lambda:InvokeFunction": ("lambda", "function:shop-prod-identity:{}"),
        "rds-db:connect": ("rds-db", "dbuser:db-ABC/{}"),
    }
    for action, (service, named) in things.items():
        assert rights.role_may(action, AWS.format(service, named.format("cart")))
        assert not rights.role_may(action, AWS.format(service, named.format("web")))
        nobody = {"aws:PrincipalTag/service": ()}
        assert not rights.role_may(action, AWS.format(service, named.format("cart")), nobody)


def test_a_function_joins_the_network_of_its_environment_alone(rights: Rights) -> None:
    for name, may in {"shop-prod": True, "another-prod": False}.items():
        tag = {"aws:ResourceTag/fairway": name}
        subnet = AWS.format("ec2", "subnet/1")
        assert rights.role_may("ec2:CreateNetworkInterface", subnet, tag) is may
    # As Lambda asks before it makes a function: of no kind.
    assert rights.role_may("ec2:DeleteNetworkInterface", AWS.format("ec2", "*/*"))


def test_copies_are_of_this_environment(rights: Rights) -> None:
    key = AWS.format("kms", "key/1")
    snapshot = AWS.format("rds", "snapshot:awsbackup:job-1")
    for name, may in {"shop-prod": True, "another-prod": False}.items():
        tag = {"aws:ResourceTag/fairway": name}
        for action, resource in {
            "dynamodb:StartAwsBackupJob": AWS.format("dynamodb", f"table/{name}-carts"),
            "rds:RestoreDBInstanceFromDBSnapshot": snapshot,
            "s3:GetObjectVersion": f"arn:aws:s3:::{name}-photos-1-eu/1.jpg",
            "kms:Decrypt": key,
        }.items():
            assert rights.role_may(action, resource, tag, "boundary-backup") is may, action


def test_it_may_make_all_that_a_region_consists_of(rights: Rights) -> None:
    known = calls()
    assert _types() - WAITS - OPTIONAL <= known.keys()
    tags = {"aws:RequestTag/fairway": "shop-prod", "aws:ResourceTag/fairway": "shop-prod"}
    for kind, (action, arn) in known.items():
        assert rights.may(action, arn, {**tags, **AT_MOST}), (kind, action, arn)


def test_every_role_of_a_region_has_a_boundary() -> None:
    root = MODULE.parents[1] / "roots" / "region"
    text = "\n".join(file.read_text() for file in root.glob("*.tf"))
    calls_of_modules = re.findall(r'^module "\w+" \{.*?^\}', text, re.MULTILINE | re.DOTALL)
    for call in calls_of_modules:
        (module,) = re.findall(r'source *= "../../modules/([a-z-]+)"', call)
        makes = "".join(file.read_text() for file in (MODULE.parent / module).glob("*.tf"))
        roles = makes.count('resource "aws_iam_role" ')
        assert makes.count("permissions_boundary ") == roles, module
        if roles and (module != "bucket" or "replication" in call):
            assert "local.boundary_" in call, call


def _types() -> set[str]:
    """Types of all resources in a region's root and in the modules that it uses."""
    root = MODULE.parents[1] / "roots" / "region"
    texts = [file.read_text() for file in root.glob("*.tf")]
    used = set(re.findall(r'source *= "../../modules/([a-z-]+)"', "\n".join(texts)))
    for module in used | {"bucket", "table"}:  # these two are used by modules as well
        texts += [file.read_text() for file in (MODULE.parent / module).glob("*.tf")]
    return set(re.findall(r'^resource "(aws_\w+)"', "\n".join(texts), re.MULTILINE))
