"""The decision function with its tables: whose policies decide, and what is written down."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.unit.governance.governance_samples import SHOP

from fairway.errors import Unavailable
from fairway.governance.bundle import build_bundle
from fairway.governance.decide import DecisionDesk
from fairway.governance.generate import generate_policies
from fairway.governance.lambda_handler import engines, make_handler, recorder
from fairway.governance.lambda_tables import REFRESH, STALE, AuditTable, TablePolicies
from fairway.targets.aws.clients import Clients
from fairway.targets.aws.deciding import PolicySets
from fairway.targets.aws.place import Place
from fairway.targets.aws.rendering import native
from fairway_runtime.policy.audit import Entry
from fairway_runtime.policy.bundle import InvalidBundle, PolicyBundle
from fairway_runtime.policy.items import POINTER, bundle_in, items, key, pointed

REGION = "eu-central-1"
AUDIT = "shop-prod-governance-audit"
QUESTION = {
    "principal": {"kind": "Service", "name": "orbit"},
    "service": "axon",
    "intent": "reason",
    "context": {},
}
ALLOWING = build_bundle(SHOP, "prod", 4, generate_policies(SHOP))
DENYING = replace(ALLOWING, version=5, policies="forbid (principal, action, resource);")
DECISION = Entry(
    "decision", True, "Service::orbit", "axon", "reason", "because", ("p", "q"), 4, "d-1", at=90.5
)


class Cloud:
    """Tables in the memory of the process, a target that writes them, and a clock."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.place = Place("shop", "prod", REGION, Clients(), lambda: self.now)
        self.sets = PolicySets(self.place)
        self.client = boto3.client("dynamodb", region_name=REGION)
        self.create(self.place.policy_table, ("environment", "S"), ("version", "N"))
        self.create(AUDIT, ("day", "S"), ("entry", "S"))
        self.policies = TablePolicies(
            self.client, self.place.policy_table, "prod", lambda: self.now
        )

    def create(self, table: str, *keys: tuple[str, str]) -> None:
        self.client.create_table(
            TableName=table,
            KeySchema=[
                {"AttributeName": name, "KeyType": kind}
                for (name, _), kind in zip(keys, ("HASH", "RANGE"), strict=True)
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": type_} for name, type_ in keys
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    def activate(self, bundle: PolicyBundle) -> None:
        self.sets.activate(REGION, bundle)

    def later(self, seconds: float) -> None:
        self.now += seconds

    def audit(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.scan(TableName=AUDIT)["Items"]
        return found


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield Cloud()


# Policies


def test_what_the_target_activates_decides(cloud: Cloud) -> None:
    cloud.activate(ALLOWING)
    assert cloud.policies.engine.policy_set == 4


def test_a_new_set_decides_after_two_seconds_and_an_old_one_again(cloud: Cloud) -> None:
    cloud.activate(ALLOWING)
    first = cloud.policies.engine
    cloud.activate(DENYING)
    cloud.later(REFRESH / 2)
    assert cloud.policies.engine is first
    cloud.later(REFRESH)
    assert cloud.policies.engine.policy_set == 5
    cloud.activate(ALLOWING)
    cloud.later(REFRESH)
    assert cloud.policies.engine.policy_set == 4


def test_the_same_set_with_another_app_file_is_noticed(cloud: Cloud) -> None:
    cloud.activate(ALLOWING)
    first = cloud.policies.engine
    cloud.activate(replace(ALLOWING, clients=("web", "another")))
    cloud.later(REFRESH)
    assert cloud.policies.engine is not first


def test_without_policies_nothing_is_decided(cloud: Cloud) -> None:
    with pytest.raises(Unavailable, match="no policies for 'prod' yet"):
        _ = cloud.policies.engine


@pytest.mark.parametrize(
    "broken",
    [
        {"active": {"N": "9"}, "digest": {"S": "sha256:0"}},  # a set that is not there
        {"active": {"N": "4"}, "digest": {"S": "sha256:0"}},  # another one than is meant
        {"digest": {"S": "sha256:0"}},
    ],
)
def test_a_broken_table_decides_nothing_after_a_minute(
    cloud: Cloud, broken: dict[str, Any]
) -> None:
    cloud.activate(ALLOWING)
    first = cloud.policies.engine
    cloud.client.put_item(
        TableName=cloud.place.policy_table, Item={**key("prod", POINTER), **broken}
    )
    cloud.later(REFRESH)
    assert cloud.policies.engine is first, "policies that were confirmed just now still decide"
    cloud.later(STALE)
    with pytest.raises(Unavailable, match="no policies to decide by"):
        _ = cloud.policies.engine
    cloud.later(REFRESH)
    cloud.activate(ALLOWING)
    assert cloud.policies.engine.policy_set == 4


def test_a_table_that_is_gone_decides_nothing_and_keeps_no_deployment_from_going_on(
    cloud: Cloud,
) -> None:
    cloud.client.delete_table(TableName=cloud.place.policy_table)
    with pytest.raises(Unavailable):
        _ = cloud.policies.engine
    cloud.activate(ALLOWING)


def test_an_edited_table_is_noticed_and_written_again(cloud: Cloud) -> None:
    cloud.activate(ALLOWING)
    assert not cloud.sets.tampered(REGION, ALLOWING)
    assert cloud.sets.tampered(REGION, DENYING), "another set decides"
    other, _ = items("prod", replace(DENYING, version=ALLOWING.version))
    cloud.client.put_item(TableName=cloud.place.policy_table, Item=other)
    assert cloud.sets.tampered(REGION, ALLOWING), "the pointer is as it was, the set is not"
    cloud.activate(ALLOWING)
    assert not cloud.sets.tampered(REGION, ALLOWING)
    cloud.client.delete_table(TableName=cloud.place.policy_table)
    assert not cloud.sets.tampered(REGION, ALLOWING), "there is no function"


def test_what_decides_already_is_not_written_again(cloud: Cloud) -> None:
    cloud.activate(ALLOWING)
    assert cloud.sets.decides(REGION, ALLOWING)
    assert not cloud.sets.decides(REGION, DENYING)


def test_a_set_is_read_as_it_was_written() -> None:
    made, pointer = items("prod", ALLOWING)
    assert pointed(pointer) == (4, ALLOWING.digest)
    assert bundle_in(made, ALLOWING.digest) == ALLOWING
    for spoilt in ({**made, "bundle": {"B": b"x"}}, {}, {**made, "bundle": {"S": "text"}}):
        with pytest.raises(InvalidBundle):
            bundle_in(spoilt, ALLOWING.digest)


# Audit


def test_an_entry_is_added_and_never_changed(cloud: Cloud) -> None:
    audit = AuditTable(cloud.client, AUDIT, 2, lambda: cloud.now)
    audit.add(DECISION)
    audit.add(DECISION._replace(reason="another"))  # as if the SDK had repeated it
    assert cloud.audit() == [
        {
            "kind": {"S": "decision"},
            "allowed": {"BOOL": True},
            "principal": {"S": "Service::orbit"},
            "service": {"S": "axon"},
            "intent": {"S": "reason"},
            "reason": {"S": "because"},
            "policies": {"S": "p q"},
            "policy_set": {"N": "4"},
            "decision_id": {"S": "d-1"},
            "day": {"S": "1970-01-01"},
            "entry": {"S": "00:01:30.500000#d-1"},
            "time": {"N": "90.500000"},
            "expires": {"N": str(1_000 + 2 * 86_400)},
        }
    ]


def test_a_decision_that_cannot_be_written_down_is_not_given(cloud: Cloud) -> None:
    cloud.activate(ALLOWING)
    audit = AuditTable(cloud.client, "gone", 2, lambda: cloud.now)
    handle = make_handler(DecisionDesk(lambda: cloud.policies.engine, audit.add))
    with pytest.raises(Unavailable, match="could not be written down"):
        handle(QUESTION, None)


def test_the_function_as_its_environment_makes_it(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.activate(ALLOWING)
    variables = {
        "FAIRWAY_ENVIRONMENT": "prod",
        "FAIRWAY_POLICY_TABLE": cloud.place.policy_table,
        "FAIRWAY_AUDIT_TABLE": AUDIT,
    }
    answer = make_handler(DecisionDesk(engines(variables), recorder(variables)))(QUESTION, None)
    assert (answer["allowed"], answer["policy_set"]) == (True, 4)
    assert [each["decision_id"]["S"] for each in cloud.audit()] == [answer["decision_id"]]
    assert answer["decision_id"] in capsys.readouterr().out


# Package


def test_the_package_has_all_that_the_handler_imports(tmp_path: Path) -> None:
    for path, content in native.packages()["governance"].items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    program = (
        "import fairway.governance.lambda_handler as made, fairway, sys;"
        "import fairway.governance.lambda_tables;"
        "assert callable(made.handler);"
        "assert 'boto3' not in sys.modules;"
        "print(fairway.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.strip() == str(tmp_path / "fairway" / "__init__.py"), done.stderr
