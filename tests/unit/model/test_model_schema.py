"""The JSON Schema is valid, complete and says what the loader says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from fairway.model.schema import SCHEMA_ID, app_file_schema

SCHEMA = app_file_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
SCENARIOS = Path(__file__).parents[2] / "scenarios" / "app-files"
MINIMAL: dict[str, Any] = {"app": "shop", "services": {"web": {"run": "x"}}}


def errors(data: object) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(data)]


def service(**keys: Any) -> dict[str, Any]:
    return {"app": "shop", "services": {"web": {"run": "x", **keys}}}


def overriding(**keys: Any) -> dict[str, Any]:
    return {"environments": {"prod": {"overrides": {"web": keys}}}}


def test_it_is_a_schema_of_2020_12() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"] == SCHEMA_ID
    assert SCHEMA["title"]


def test_every_property_has_a_description() -> None:
    for name, definition in {"": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, below in definition.get("properties", {}).items():
            assert below.get("description"), f"{name}.{key}"


def test_no_keyword_that_json_schema_does_not_know() -> None:
    def keywords(schema: Any) -> set[str]:
        if not isinstance(schema, dict):
            return set()
        below = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
        below += [schema.get("items"), schema.get("additionalProperties")]
        return set(schema) | set().union(*map(keywords, below))

    used = set().union(*(keywords(definition) for definition in SCHEMA["$defs"].values()))
    assert used.isdisjoint({"ge", "gt", "le", "lt", "title"})


@pytest.mark.parametrize("name", ["valid-complete", "warnings"])
def test_valid_scenarios_fit(name: str) -> None:
    assert errors(yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "data",
    [
        MINIMAL,
        {"extends": "base.yaml"},
        {"extends": ["a.yaml", "b.yaml"], "services": {}, "app": "x"} | MINIMAL,
        service(health="/health"),
        service(health={"interval": "2s"}),
        service(health="${HEALTH}"),
        service(public="/"),
        service(public=["/", {"path": "/a", "host": "*.example.com"}]),
        service(public={"host": "example.com"}),
        service(calls={"axon": ["reason"]}),
        service(calls={"axon": {"intents": ["reason"], "timeout": "${T:-2s}"}}),
        service(intents={"a": "GET /a", "b": {"method": "GET", "path": "/b", "stream": True}}),
        service(port="${PORT:-80}", replicas="${N}", library="${LIBRARY:-true}"),
        service(env={"A": 1, "B": True, "C": "x", "D": 1.5}),
        service(resources={"memory": 1024}),
        MINIMAL | overriding(intents={"a": {"stream": True}}),
    ],
    ids=str,
)  # fmt: skip
def test_what_may_be_written(data: object) -> None:
    assert errors(data) == []


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"app": "shop"},
        MINIMAL | {"service": {}},
        service(helth="/"),
        service(port=0),
        service(port=70000),
        service(kind="htpp"),
        service(health={"interval": 2}),
        service(calls={"axon": []}),
        service(calls={"axon": "reason"}),
        service(intents={"a": "FETCH /a"}),
        service(intents={"a": {"method": "GET"}}),
        service(build="../x"),
        service(build="/x"),
        {"app": "Shop", "services": {"web": {}}},
        {"app": "shop", "services": {"Web": {}}},
        MINIMAL | overriding(prot=1),
        MINIMAL | {"environments": {"p": {"target": "moon"}}},
    ],
    ids=str,
)
def test_what_may_not_be_written(data: object) -> None:
    assert errors(data)


def test_each_call_gives_a_schema_of_its_own() -> None:
    app_file_schema()["properties"].clear()
    assert app_file_schema() == SCHEMA
