"""What `fairway bootstrap` says, and whom it refuses."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from tests.unit.cli.cli_driver import CommandLine

from fairway.cli.bootstrapping import Outcome, ended_lines, look_lines, outcome_json
from fairway.cli.output import painter
from fairway.plan.preview import ResourceChange
from fairway.targets.aws.bootstrap import Step
from fairway.targets.aws.images.own import own_image
from fairway.targets.aws.values.shared import SERVER, SIDECAR

BUCKET = ResourceChange("", "aws_s3_bucket", "module.state.aws_s3_bucket.this", "create")
OUTPUTS = {
    "url": "https://fairway.example.com",
    "first_token_secret": "p/first-token",
    "region": "r",
}
DONE = Outcome(
    "prod",
    (Step("account", (BUCKET,), {}), Step("registry", (), {}), Step("control-plane", (), OUTPUTS)),
    {SERVER: "sha256:1"},
)
PLAIN = painter(io.StringIO())


def test_the_end_says_where_the_server_is_and_what_comes_next() -> None:
    told = "\n".join(ended_lines(DONE, PLAIN))
    assert "account        1 resource\n" in told
    assert "registry       as it was\n" in told
    assert "https://fairway.example.com" in told
    assert "get-secret-value --region r --secret-id p/first-token" in told
    assert told.endswith("next: fairway deploy prod")


def test_a_look_names_what_would_be_made() -> None:
    told = look_lines(DONE, PLAIN)
    assert told[0] == "account  1 to create"
    assert told[1].split() == ["+", "buckets", "1", "s3_bucket"]
    assert "registry  nothing to do" in told
    assert told[-1] == "make it with: fairway bootstrap prod"


def test_programs_get_the_same() -> None:
    told = outcome_json(DONE)
    assert told["steps"][0]["changes"][0]["kind"] == "aws_s3_bucket"
    assert told["server"] == "https://fairway.example.com"
    assert told["next"] == "fairway deploy prod"


def test_what_is_not_on_aws_needs_none_of_it(fairway: CommandLine) -> None:
    done = fairway("bootstrap", "local")
    assert done.code == 2
    assert "target: aws-ecs" in done.err


@pytest.mark.parametrize("name", [SIDECAR, SERVER])
def test_an_own_image_is_another_when_its_wheels_are(name: str, tmp_path: Path) -> None:
    plain = own_image(name, {})
    assert plain.dockerfile.is_file()
    assert plain.arguments["FAIRWAY_VERSION"] == plain.tags[0]
    (tmp_path / "fairway-1-py3-none-any.whl").write_bytes(b"1")
    with_wheels = own_image(name, {"FAIRWAY_WHEELS": str(tmp_path)})
    assert with_wheels.source_tag != plain.source_tag
    assert with_wheels.contexts == {"wheels": tmp_path}
