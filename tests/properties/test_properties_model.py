"""Whatever an app file holds, loading it succeeds or names its problems: never a traceback.

The number of examples is that of the Hypothesis profile `model`; FAIRWAY_EXAMPLES sets it.
"""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fairway.errors import InvalidAppFile
from fairway.model.app import App
from fairway.model.dotenv import parse_dotenv
from fairway.model.importing import app_from_compose, app_from_procfile
from fairway.model.load import LoadedApp, load_app
from fairway.model.merging import Bases, with_overrides
from fairway.model.places import Findings
from fairway.model.schema import app_file_schema
from fairway.model.settle import settle
from fairway.model.shape import shape
from fairway.model.syntax import lines_of
from fairway.model.values import LONGEST, format_duration, parse_duration
from fairway.model.views import environment_view

settings.register_profile(
    "model",
    max_examples=int(os.environ.get("FAIRWAY_EXAMPLES", "10000")),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
MODEL = settings.get_profile("model")
MOST = settings(MODEL, max_examples=MODEL.max_examples * 7 // 10)
REST = settings(MODEL, max_examples=MODEL.max_examples * 3 // 10)
FEW = settings(MODEL, max_examples=MODEL.max_examples // 50)

SCENARIOS = Path(__file__).parents[1] / "scenarios" / "app-files"
TEXTS = [
    (SCENARIOS / f"{name}.yaml").read_text("utf-8")
    for name in ("valid-complete", "overrides", "yaml-features", "variables", "kinds")
]
DATA = [yaml.safe_load(text) for text in TEXTS[:2]]
BASE = "services: {extra: {run: x, health: /health}}\nextends: fairway.yaml\n"
VARIABLES = {"REGION": "eu-central-1", "EMPTY": "", "AWKWARD": "a: [b\n- ${REGION}"}

PIECES = st.sampled_from(
    [
        "\t", "\n", "  ", ":", ": ", "- ", "[", "]", "{", "}", "'", '"', "#", "&a ", "*a", "*env",
        "<<: *common", "!!int ", "!x ", "|", ">", "---", "...", "?", "@", "%", "`", "\0", "\x07",
        "\u2028", "\ufeff", "\ud800", "\U0001f600", "é", "${", "${X}", "${REGION}", "${EMPTY:-1}",
        "${AWKWARD}", "$$", "null", "~", "true", "NO", "1e999", "-1", "0x1F", ".inf", ".nan",
        "12:30", "2026-01-01", "extends: base.yaml\n", "extends: fairway.yaml\n", "[" * 50,
        "a: {" * 45, "services:", "app: x\n", "gateway", "web", "[key]", "\r", "\r\n", "\x85",
        "- " * 50, "9" * 400, "x" * 300,
    ]
)  # fmt: skip
CUTS = st.tuples(st.integers(0, 10_000), st.integers(0, 40), PIECES)


def read(path: str) -> str:
    if path == "base.yaml":
        return BASE
    raise FileNotFoundError(path)


def load(text: str) -> LoadedApp | InvalidAppFile:
    """What loading gives; any other exception fails the test."""
    try:
        return load_app("fairway.yaml", text, read=read, variables=VARIABLES)
    except InvalidAppFile as error:
        return error


def check_outcome(text: str) -> None:
    outcome = load(text)
    if isinstance(outcome, LoadedApp):
        for environment in outcome.app.environments:
            assert isinstance(environment_view(outcome.app, environment), App)
        return
    sizes = {"fairway.yaml": text, "base.yaml": BASE}
    for problem in outcome.problems:
        lines = lines_of(sizes[problem.file]) or [""]
        assert 1 <= problem.line <= len(lines) + 1
        longest = len(lines[problem.line - 1]) if problem.line <= len(lines) else 0
        assert 1 <= problem.column <= longest + 2
        assert problem.message and problem.remedy and problem.code
        assert "\n" not in problem.message + problem.remedy


@MOST
@given(st.sampled_from(TEXTS), st.lists(CUTS, min_size=1, max_size=4))
def test_mutated_text_never_gives_a_traceback(text: str, cuts: list[tuple[int, int, str]]) -> None:
    for position, length, piece in cuts:
        at = position % (len(text) + 1)
        text = text[:at] + piece + text[at + length :]
    check_outcome(text)


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, False, 0, -1, 10**30, 1.5, float("inf"), "", "x", "web", "/", "POST /x", "1s",
        "512Mi", [], [None], ["web", "web"], {}, {"path": "/"}, {"web": ["order"]}, {"intents": []},
        {"a": {"b": {"c": {}}}}, [[1]], {1: 2}, "${REGION}", "${NOPE}", "${REGION:-}", "local",
    ]
)  # fmt: skip
CHANGES = st.tuples(
    st.integers(0, 500), st.sampled_from(["replace", "remove", "rename", "add"]), VALUES
)


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every container with every key or index in it."""
    found = []
    waiting = [data]
    while waiting:
        holder = waiting.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found


def change(data: Any, number: int, action: str, value: Any) -> None:
    found = places(data)
    if not found:
        return
    holder, key = found[number % len(found)]
    value = copy.deepcopy(value)  # a sampled value is shared by all examples
    match action:
        case "replace":
            holder[key] = value
        case "remove":
            del holder[key]
        case "rename" if isinstance(holder, dict):
            holder[str(value)[:10]] = holder.pop(key)
        case _ if isinstance(holder, dict):
            holder[str(number)] = value
        case _:
            holder.append(value)


@REST
@given(st.sampled_from(DATA), st.lists(CHANGES, min_size=1, max_size=4))
def test_mutated_structure_never_gives_a_traceback(
    data: dict[str, Any], changes: list[tuple[int, str, Any]]
) -> None:
    data = copy.deepcopy(data)
    for number, action, value in changes:
        change(data, number, action, value)
    check_outcome(yaml.dump(data, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)))


def validated_view(text: str, environment: str, app: App) -> App | None:
    """The view that loading has checked, which is merged from trees instead of from an App."""
    findings = Findings()
    tree = Bases("fairway.yaml", read, findings).tree(text)
    assert tree is not None
    merged = with_overrides(tree, environment)
    return app if merged is None else shape(settle(merged, VARIABLES, findings), findings).app


@FEW
@given(st.lists(CHANGES, min_size=0, max_size=2))
def test_what_loads_is_stable(changes: list[tuple[int, str, Any]]) -> None:
    """A loaded app survives JSON, its views are those that were checked, the schema accepts it."""
    data = copy.deepcopy(DATA[0])
    for number, action, value in changes:
        change(data, number, action, value)
    text = yaml.safe_dump(data)
    outcome = load(text)
    if isinstance(outcome, InvalidAppFile):
        return
    assert App.model_validate_json(outcome.app.model_dump_json()) == outcome.app
    written = outcome.app.model_dump(mode="json", exclude_unset=True)
    assert not [e.message for e in SCHEMA.iter_errors(written)]
    for environment in outcome.app.environments:
        view = environment_view(outcome.app, environment)
        assert view == validated_view(text, environment, outcome.app)
        assert environment_view(view, environment) == view


SCHEMA = Draft202012Validator(app_file_schema())


@FEW
@given(st.floats(0, LONGEST, allow_nan=False))
def test_durations_survive_formatting(seconds: float) -> None:
    assert parse_duration(format_duration(round(seconds, 12))) == round(seconds, 12)


@FEW
@given(st.text() | st.text(alphabet="AB=#'\" \n\\$export\t\r"))
def test_any_dotenv_text_gives_a_result(text: str) -> None:
    parsed = parse_dotenv(".env", text)
    for problem in parsed.problems:
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.column >= 1


COMPOSE = yaml.safe_load("""
name: My Shop
services:
  web_app:
    build: ./web
    command: ["python", "web.py", "--port", "$$PORT"]
    ports: ["8080:8000"]
    environment: [API_URL=http://api:9000, "DB_PASSWORD=x", DEBUG]
    depends_on: {api: {condition: service_healthy}, db: {}}
    healthcheck: {test: [CMD, curl, "http://localhost:8000/health"], interval: 1m30s, retries: 3}
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 512M}}}
  api: {image: "api:${TAG:-latest}", ports: [9000], environment: {LEVEL: "$LOG", X: "${Y?no}"}}
  gateway: {image: nginx, volumes: ["a:/b"], command: nginx -g off}
  db: {image: "postgres:17-alpine", environment: {POSTGRES_PASSWORD: x}}
""")


@FEW
@given(st.lists(CHANGES, min_size=0, max_size=3))
def test_what_is_made_from_any_compose_file_loads(changes: list[tuple[int, str, Any]]) -> None:
    data = copy.deepcopy(COMPOSE)
    for number, action, value in changes:
        change(data, number, action, value)
    text = yaml.safe_dump(data)
    try:
        made = app_from_compose(text)
    except InvalidAppFile:
        return
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)", made.text), "value")
    outcome = load_app("fairway.yaml", made.text, read=read, variables=variables)
    assert outcome.app.services


@FEW
@given(st.text() | st.text(alphabet="web: $PORT#\n-_'\"{}\\"))
def test_what_is_made_from_any_procfile_loads(text: str) -> None:
    try:
        made = app_from_procfile(text)
    except InvalidAppFile:
        return
    assert load_app("fairway.yaml", made.text, read=read, variables={}).app.services
