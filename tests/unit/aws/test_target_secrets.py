"""Values of secrets reach every service that reads them, in every region, and nothing else."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.aws.moto_rig import Moto
from tests.aws_target_rig import REGIONS, clients_of, declared

from fairway.model.app import App
from fairway.targets.aws.place import Place
from fairway.targets.aws.secrets import AwsSecrets

KEY = "MODEL_KEY"


@pytest.fixture
def secrets(moto: Moto) -> AwsSecrets:
    return AwsSecrets(Place("shop", "prod", REGIONS[0], clients_of(moto.url), time.time))


def reading() -> App:
    app = declared("one", "one").model_dump(mode="json", by_alias=True)
    app["services"]["axon"]["secrets"] = [KEY]
    return App.model_validate(app)


def made_by_terraform(moto: Moto) -> None:
    for region in REGIONS:
        moto.client("secretsmanager", region).create_secret(Name=f"shop-prod/axon/{KEY}")


def value(moto: Moto, region: str) -> Any:
    client = moto.client("secretsmanager", region)
    return client.get_secret_value(SecretId=f"shop-prod/axon/{KEY}")["SecretString"]


def test_versions_are_counted(secrets: AwsSecrets) -> None:
    assert secrets.all([KEY]) == {}
    assert [secrets.set(None, KEY, text).version for text in ("a", "b")] == [1, 2]
    assert secrets.versions(reading()) == {KEY: 2}


def test_a_value_that_was_there_first_is_handed_over(moto: Moto, secrets: AwsSecrets) -> None:
    secrets.set(reading(), KEY, "before anything")
    made_by_terraform(moto)
    for _ in range(2):
        secrets.hand_over(reading(), REGIONS)
    assert [value(moto, region) for region in REGIONS] == ["before anything"] * 2


def test_a_new_value_is_handed_over_at_once(moto: Moto, secrets: AwsSecrets) -> None:
    made_by_terraform(moto)
    for text in ("one", "two"):
        secrets.set(reading(), KEY, text)
        assert value(moto, REGIONS[1]) == text


def test_what_was_renewed_since_is_kept_until_a_value_is_set(
    moto: Moto, secrets: AwsSecrets
) -> None:
    app, copy = rotating(), f"shop-prod/axon/{KEY}"
    secrets.set(app, KEY, "the first")
    time.sleep(1.1)  # times of the emulation are whole seconds
    made_by_terraform(moto)  # as if the first version had been cleaned up long ago
    client = moto.client("secretsmanager", REGIONS[0])
    client.rotate_secret(SecretId=copy)
    client.put_secret_value(SecretId=copy, SecretString="renewed")
    secrets.hand_over(app, REGIONS)
    assert [value(moto, region) for region in REGIONS] == ["renewed", "the first"]
    time.sleep(1.1)
    secrets.set(app, KEY, "set by hand")
    assert [value(moto, region) for region in REGIONS] == ["set by hand"] * 2


def rotating() -> App:
    app = reading().model_dump(mode="json", by_alias=True)
    app["environments"]["prod"]["aws"]["rotation"] = {"secrets": {KEY: "random"}}
    return App.model_validate(app)
