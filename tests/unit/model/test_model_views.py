"""The app as one environment sees it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fairway.errors import NotFound
from fairway.model.load import load_app
from fairway.model.views import environment_view

APP = load_app(
    "fairway.yaml",
    """\
app: shop
services:
  web:
    run: x
    health: {path: /health, interval: 5s}
    port: 8001
    env: {LEVEL: debug, COLOUR: blue}
    secrets: [A, B]
    intents: {order: POST /orders}
    calls: {stock: {intents: [reserve], timeout: 1s}}
    public: [/, /api]
  stock: {run: x, health: /health, intents: {reserve: POST /r, release: POST /l}}
environments:
  local: {}
  prod:
    overrides:
      web:
        health: /ready
        port:
        env: {LEVEL: info}
        secrets: [C]
        intents: {order: {stream: true}, item: GET /item}
        calls: {stock: [release]}
        public: /shop
""",
    read=lambda path: "",
    variables={},
).app
WEB = environment_view(APP, "prod").services["web"]


def test_without_overrides_it_is_the_app_itself() -> None:
    assert environment_view(APP, "local") is APP


def test_mappings_merge_and_the_rest_replaces() -> None:
    assert WEB.env == {"LEVEL": "info", "COLOUR": "blue"}
    assert WEB.secrets == ("C",)
    assert [route.path for route in WEB.public] == ["/shop"]


def test_an_empty_value_takes_a_declared_one_back() -> None:
    assert WEB.port is None


def test_short_forms_merge_with_long_ones() -> None:
    assert (WEB.health.path, WEB.health.interval) == ("/ready", 5.0)
    assert (WEB.calls["stock"].intents, WEB.calls["stock"].timeout) == (("release",), 1.0)
    assert (WEB.intents["order"].method, WEB.intents["order"].stream) == ("POST", True)
    assert WEB.intents["item"].path == "/item"


def test_what_is_not_overridden_is_the_same_object() -> None:
    assert environment_view(APP, "prod").services["stock"] is APP.services["stock"]


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError):
        environment_view(APP, "prod").app = "other"


def test_an_unknown_environment_is_not_found() -> None:
    with pytest.raises(NotFound) as caught:
        environment_view(APP, "prd")
    assert caught.value.remedy == "did you mean 'prod'?"


FLAGGED = load_app(
    "fairway.yaml",
    """\
app: shop
services: {web: {run: x, health: /health}}
flags:
  beta: {percent: 20, header: {x-beta: "1"}}
  theme: {default: light, variants: {light: 1, dark: 2}}
environments:
  local: {flags: {beta: {default: on}}}
  prod: {}
""",
    read=lambda path: "",
    variables={},
).app


def test_a_flag_is_replaced_as_a_whole() -> None:
    local = environment_view(FLAGGED, "local").flags
    assert (local["beta"].default, local["beta"].percent, local["beta"].header) == ("on", {}, {})
    assert local["theme"] is FLAGGED.flags["theme"]
    assert environment_view(FLAGGED, "prod") is FLAGGED
