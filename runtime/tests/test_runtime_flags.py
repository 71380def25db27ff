"""Flags through the real OpenFeature client."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

from fairway_runtime.flags import FairwayProvider, request_attributes

CHECKOUT = {
    "default": "off",
    "variants": {"on": True, "off": False},
    "percent": {"on": 20},
    "header": {"x-beta": {"1": "on"}},
}
THEME = {"default": "plain", "variants": {"plain": "grey", "loud": "red"}, "percent": {"loud": 50}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "flags.json"
    path.write_text(json.dumps({"checkout": CHECKOUT, "theme": THEME}))
    return path


@pytest.fixture
def client(file: Path) -> Iterator[OpenFeatureClient]:
    api.set_provider(FairwayProvider.from_environment({"FAIRWAY_FLAGS_FILE": str(file)}))
    yield api.get_client()
    api.clear_providers()


def user(number: int) -> EvaluationContext:
    return EvaluationContext(f"user-{number}")


def share(client: OpenFeatureClient, users: int = 2000) -> set[int]:
    return {n for n in range(users) if client.get_boolean_value("checkout", False, user(n))}


def test_a_header_decides_before_all_else(client: OpenFeatureClient) -> None:
    context = EvaluationContext(attributes=request_attributes({"X-Beta": "1"}))
    found = client.get_boolean_details("checkout", False, context)
    assert (found.value, found.variant, found.reason) == (True, "on", "TARGETING_MATCH")


def test_a_share_of_users_who_keep_theirs_as_it_grows(
    client: OpenFeatureClient, file: Path
) -> None:
    few = share(client)
    assert 0.16 < len(few) / 2000 < 0.24
    file.write_text(json.dumps({"checkout": CHECKOUT | {"percent": {"on": 60}}}))
    os.utime(file, ns=(1, 1))
    while not share(client) - few:  # the file is looked at every 0.1 s
        pass
    many = share(client)
    assert few < many
    assert 0.55 < len(many) / 2000 < 0.65


def test_an_unknown_user_gets_the_default(client: OpenFeatureClient) -> None:
    assert client.get_boolean_value("checkout", True) is False
    assert client.get_string_value("theme", "none") == "grey"


def test_each_flag_has_its_own_share(client: OpenFeatureClient) -> None:
    loud = {n for n in range(2000) if client.get_string_value("theme", "", user(n)) == "red"}
    assert len(loud & share(client)) / len(share(client)) == pytest.approx(0.5, abs=0.1)


def test_an_unknown_flag_and_a_wrong_type_give_the_callers_default(
    client: OpenFeatureClient,
) -> None:
    unknown = client.get_boolean_details("chekout", True)
    assert (unknown.value, unknown.error_code) == (True, ErrorCode.FLAG_NOT_FOUND)
    wrong = client.get_integer_details("theme", 7)
    assert (wrong.value, wrong.error_code) == (7, ErrorCode.TYPE_MISMATCH)
    assert client.get_integer_details("checkout", 7).error_code is ErrorCode.TYPE_MISMATCH
