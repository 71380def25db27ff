"""`fairway explain iam`: every permission with its reason, or why there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cli.cli_driver import APP_FILE, CommandLine

PROD = """
environments:
  local: {}
  prod: {target: aws-ecs, regions: [eu-central-1, eu-west-1], aws: {domain: shop.example.com}}
"""


@pytest.fixture(autouse=True)
def app_on_aws(folder: Path) -> None:
    (folder / "fairway.yaml").write_text(APP_FILE + PROD)


def test_every_permission_is_shown_with_its_reason(fairway: CommandLine) -> None:
    done = fairway("explain", "iam", "orbit", "--env", "prod")
    assert "orbit in eu-central-1, while it runs (task role)" in done.out
    assert "lambda:InvokeFunction on identity orbit" in done.out
    assert "only with dynamodb:LeadingKeys orbit#*" in done.out
    assert done.out.count("because") >= 10


def test_programs_get_both_roles(fairway: CommandLine) -> None:
    done = fairway("explain", "iam", "orbit", "--env", "prod", "--region", "eu-west-1", "--json")
    assert done.json["region"] == "eu-west-1"
    assert set(done.json["roles"]) == {"task", "execution"}
    first = done.json["roles"]["task"][0]
    assert first["resource"] == {"kind": "mesh", "name": "orbit"}
    assert first["reason"]


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("orbit",), "no-iam", 2),
        (("orbi", "--env", "prod"), "unknown-service", 9),
        (("orbit", "--env", "prod", "--region", "us-east-1"), "unknown-region", 2),
    ],
)
def test_what_cannot_be_explained_has_a_remedy(
    fairway: CommandLine, arguments: tuple[str, ...], code: str, exit_code: int
) -> None:
    done = fairway("explain", "iam", *arguments)
    assert (done.code, f"[{code}]" in done.err) == (exit_code, True)
    assert "remedy" in done.err
