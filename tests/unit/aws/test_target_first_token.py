"""The first admin's token of a control plane on AWS lies in its secret, or there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.aws.moto_rig import REGION, Moto
from tests.aws_target_rig import clients_of

from fairway import wiring
from fairway.errors import NotFound
from fairway.targets.aws.secrets import keep_token

NAME = "shop-prod-server/first-token"


def test_it_is_put_into_the_secret_of_its_region(moto: Moto) -> None:
    secrets = moto.client("secretsmanager", "eu-west-1")
    arn = secrets.create_secret(Name=NAME)["ARN"]
    keep_token(clients_of(moto.url), arn, "a-token")
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "a-token"


def test_while_the_secret_cannot_be_written_nobody_has_a_token(moto: Moto, tmp_path: Path) -> None:
    clients, secrets = clients_of(moto.url), moto.client("secretsmanager", REGION)
    missing = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:{NAME}-AbCdEf"

    def started(arn: str) -> None:
        made = wiring.shared_server(f"sqlite:///{tmp_path / 'server.db'}", tmp_path, lambda _: None)
        made.first_token(lambda token: keep_token(clients, arn, token))

    with pytest.raises(NotFound) as found:
        started(missing)
    assert "first admin's token" in found.value.message
    arn = secrets.create_secret(Name=NAME)["ARN"]
    for _ in range(2):
        started(arn)
    versions = secrets.list_secret_version_ids(SecretId=arn)["Versions"]
    assert len(versions) == 1, "a token that is there is not issued again"
