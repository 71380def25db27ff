"""What an app may not use as a name on AWS is just what the roots use themselves."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from bench.aws import example

from fairway.model.check.aws_names import LONGEST, SERVICES, STORES, TOPICS
from fairway.targets.aws.names import prefix
from fairway.targets.aws.rendering.roots import rendered

INFRA = Path(__file__).parents[3] / "infra"
ROOTS = {folder.name: folder for folder in (INFRA / "roots").iterdir() if folder.is_dir()}
SERVER = "${local.thing}"
"""What begins the names of the control plane: `<app>-<environment>-server`."""


def called(module: str) -> set[str]:
    """What the roots call what they make by a module, without the environment's name."""
    names = set()
    for folder in ROOTS.values():
        text = "\n".join(file.read_text() for file in folder.glob("*.tf"))
        text = text.replace(SERVER, "${var.name}-server").replace(
            "= local.thing", '= "${var.name}-server"'
        )
        for call in re.findall(r'^module "\w+" \{.*?^\}', text, re.MULTILINE | re.DOTALL):
            if f'"../../modules/{module}"' in call:
                names |= set(
                    re.findall(
                        r'^ +name += "\$\{var\.name\}-([a-z-]+?)(?:-\$\{.*)?"$', call, re.MULTILINE
                    )
                )
    return names


def test_no_service_has_the_key_of_the_environment() -> None:
    assert called("kms") | {"identity"} <= SERVICES.keys()


def test_no_store_has_a_bucket_of_the_environment() -> None:
    assert called("bucket") | {"state"} == STORES["bucket"].keys() | {"site-logs"}
    assert "site-logs" in SERVICES  # a site's bucket has no region in its name, as that one


def test_no_store_has_a_database_or_table_of_the_environment() -> None:
    assert called("database") == STORES["postgres"].keys()
    assert called("table") == set()
    tables = {"governance": "governance-", "state": ""}
    for module, before in tables.items():
        text = "\n".join(file.read_text() for file in (INFRA / "modules" / module).glob("*.tf"))
        for name in re.findall(
            r'name += "\$\{(?:local\.function_name|var\.name)\}-([a-z-]+)"\n +hash_key', text
        ):
            assert before + name in STORES["dynamodb"]


def test_no_service_has_a_security_group_of_the_environment() -> None:
    text = (INFRA / "modules" / "security-groups" / "main.tf").read_text()
    groups = re.search(r"groups = merge\((.*?)\n  \)", text, re.DOTALL)
    assert groups is not None
    own = set(re.findall(r'^ +([a-z-]+) += "', groups[1], re.MULTILINE)) - {"gateway"}
    assert own == {"internal-lb", "public-lb"} <= SERVICES.keys()


def test_no_topic_has_a_topic_of_the_environment() -> None:
    text = (INFRA / "modules" / "observability" / "main.tf").read_text()
    assert set(re.findall(r'name += "\$\{var\.name\}-(alarms)"', text)) == TOPICS.keys()


def test_whoever_delivers_from_elsewhere_works_with_the_state() -> None:
    standing = example()
    app = {**standing.app, "environments": {"prod": {**standing.app["environments"]["prod"]}}}
    app["environments"]["prod"]["aws"] = {"operators": ["deployers/ada"]}
    files = rendered(replace(standing, app=app))
    assert 'operators = ["deployers/ada"]' in files["account/account.auto.tfvars"]
    assert "operators" not in rendered(standing)["account/account.auto.tfvars"]


def test_every_bucket_of_the_environment_has_a_name_that_s3_takes() -> None:
    app, environment = "a-shop-with-a-very-long-name", "production"
    for thing in STORES["bucket"]:
        name = f"{prefix(app, environment)}-{thing}-123456789012-ap-southeast-1"
        assert len(name) <= 63, name


def test_stores_are_as_long_as_the_modules_take_them() -> None:
    for module, kind in (("database", "postgres"), ("cache", "valkey")):
        text = (INFRA / "modules" / module / "variables.tf").read_text()
        (limit,) = re.findall(r"length\(var\.name\) <= (\d+)", text)
        assert LONGEST[kind] == int(limit)
