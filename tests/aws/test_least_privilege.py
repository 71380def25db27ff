"""Least privilege, on the policies as they are after an apply: nobody may do more than declared.

Requests are decided by `iam_evaluation`: the role's policies, its permissions boundary and the
policy of the resource, with the conditions that a real request would meet.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
import yaml
from tests.aws.iam_evaluation import statements
from tests.aws.readback import Authority
from tests.aws.world import APPS, World

from fairway.targets.aws.grants.grant import LEFT_TO_AWS

pytestmark = [pytest.mark.aws, pytest.mark.apply]
VIA = {
    "kms:Decrypt": {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com"},
    "dynamodb:GetItem": {},
    "secretsmanager:GetSecretValue": {},
}
"""What a service would do with a key, table or secret, with what its request would carry."""


PLANS = "-ci-plan"
"""The role of CI that plans: it has AWS's own ReadOnlyAccess, which names actions by wildcards."""


def services(world: World) -> dict[str, Any]:
    declared = yaml.safe_load((APPS[world.app] / "fairway.yaml").read_text())["services"]
    return {name: it for name, it in declared.items() if it.get("kind") != "static"}


def test_no_action_is_a_wildcard(authority: Authority) -> None:
    for role, (_, own, boundary) in authority.roles.items():
        if role.endswith(PLANS):
            continue
        for document in (*own, *([boundary] if boundary else [])):
            for statement in statements(document):
                assert statement["Effect"] == "Deny" or "NotAction" not in statement, role
                for action in _listed(statement.get("Action", [])):
                    assert statement["Effect"] == "Deny" or "*" not in action, (role, action)


def test_whoever_plans_reads_no_secret_and_no_table(authority: Authority) -> None:
    for role in (name for name in authority.roles if name.endswith(PLANS)):
        for arn in authority.resources:
            if authority.owners[arn] == "fairway":
                continue  # the table of the target, without which nobody plans
            for action, context in VIA.items():
                assert not authority.allows(role, action, arn, context), (action, arn)


def test_no_resource_is_a_wildcard_where_one_can_be_named(
    world: World, authority: Authority
) -> None:
    for service in services(world):
        for purpose in ("task", "execution"):
            _, own, _ = authority.roles[authority.role_of(service, purpose)]
            for statement in (each for document in own for each in statements(document)):
                if "*" in _listed(statement["Resource"]):
                    assert set(_listed(statement["Action"])) <= LEFT_TO_AWS, (service, statement)


def test_every_role_of_a_service_has_a_boundary(world: World, authority: Authority) -> None:
    for service in services(world):
        for purpose in ("task", "execution"):
            _, _, boundary = authority.roles[authority.role_of(service, purpose)]
            assert boundary, (service, purpose)


def test_no_role_but_those_that_people_make_is_without_a_boundary(
    world: World, authority: Authority
) -> None:
    unbounded = {name for name, (_, _, boundary) in authority.roles.items() if not boundary}
    made_by_people = (f"{world.name}-ci-", f"{world.name}-server-")
    assert {name for name in unbounded if not name.startswith(made_by_people)} == set()


def test_the_public_reaches_port_443_and_nothing_else(authority: Authority) -> None:
    assert set(authority.open_ports.values()) <= {(443, 443)}


def test_a_service_uses_its_own_key_and_secrets(world: World, authority: Authority) -> None:
    for service, declared in services(world).items():
        if not declared.get("secrets"):
            continue
        role = authority.role_of(service)
        secrets = authority.owned(service, "secretsmanager")
        for name in declared["secrets"]:
            (arn,) = (arn for arn in secrets if f"/{service}/{name}-" in arn)
            assert authority.allows(role, "secretsmanager:GetSecretValue", arn, {}), (service, arn)
        (key,) = authority.owned(service, "kms")
        assert authority.allows(role, "kms:Decrypt", key, VIA["kms:Decrypt"]), service
        assert not authority.allows(role, "kms:Decrypt", key, {}), "only by Secrets Manager"


def test_a_service_uses_neither_key_nor_secret_of_another(
    world: World, authority: Authority
) -> None:
    refused = 0
    for service, other in permutations(services(world), 2):
        for purpose in ("task", "execution"):
            role = authority.role_of(service, purpose)
            for arn in (*authority.owned(other, "kms"), *authority.owned(other, "secretsmanager")):
                for action, context in VIA.items():
                    assert not authority.allows(role, action, arn, context), (role, action, arn)
                    refused += 1
    assert refused, "nothing was asked: are the names of keys still those that are read back?"


def test_a_service_uses_the_tables_that_it_lists_and_no_other(
    world: World, authority: Authority
) -> None:
    for service, declared in services(world).items():
        role = authority.role_of(service)
        for arn in (arn for arn in authority.owners if arn.split(":")[2] == "dynamodb"):
            listed = authority.owners[arn] in declared.get("stores", ())
            assert authority.allows(role, "dynamodb:GetItem", arn, {}) is listed, (service, arn)


def test_reports_bear_the_name_of_who_sends_them(world: World, authority: Authority) -> None:
    table = f"arn:aws:dynamodb:{world.regions[0]}:123456789012:table/telemetry-{world.name}"
    for service, other in permutations(services(world), 2):
        role = authority.role_of(service)
        own = {"dynamodb:LeadingKeys": (f"{service}#r1",)}
        anothers = {"dynamodb:LeadingKeys": (f"{other}#r1",)}
        in_mesh = service not in _outside_mesh(world)
        assert authority.allows(role, "dynamodb:PutItem", table, own) is in_mesh
        assert not authority.allows(role, "dynamodb:PutItem", table, anothers)


def test_a_service_obtains_its_own_identity_only(world: World, authority: Authority) -> None:
    function = f"arn:aws:lambda:{world.regions[0]}:123456789012:function:{world.name}-identity"
    for service, other in permutations(services(world), 2):
        role = authority.role_of(service)
        in_mesh = service not in _outside_mesh(world)
        asks = "lambda:InvokeFunction"
        assert authority.allows(role, asks, f"{function}:{service}", {}) is in_mesh
        assert not authority.allows(role, asks, f"{function}:{other}", {})
        assert not authority.allows(role, asks, function, {})


def _outside_mesh(world: World) -> list[str]:
    declared = yaml.safe_load((APPS[world.app] / "fairway.yaml").read_text())
    outside: list[str] = declared["environments"]["prod"].get("aws", {}).get("outside_mesh", [])
    return outside


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
