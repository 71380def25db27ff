"""`docs/app-file.md` is true: its examples load, and every key of the model stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from fairway.model.analysis import Analysis, Metric
from fairway.model.app import App, Schema, Slo, Store, Topic
from fairway.model.aws import Aws, AwsRotation, AwsStore, Network
from fairway.model.environments import Environment, Gateway
from fairway.model.flags import FeatureFlag
from fairway.model.gates import Approvals, Freeze, Window
from fairway.model.hooks import Hook, Hooks, HttpHook
from fairway.model.load import load_app
from fairway.model.notify import Notification
from fairway.model.schema import app_file_schema
from fairway.model.services import (
    Call,
    CircuitBreaking,
    Client,
    Declared,
    Health,
    Intent,
    PublicRoute,
    Resources,
    Retries,
    Scale,
    Schedule,
    Service,
    Stop,
)
from fairway.model.strategies import BlueGreen, Canary, Rolling, Strategy
from fairway.model.telemetry import Kept, Telemetry

ROOT = Path(__file__).parents[3]
SCENARIOS = ROOT / "tests" / "scenarios" / "app-files"
PAGE = (ROOT / "docs" / "app-file.md").read_text("utf-8")
BLOCK = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n)?```yaml\n(?P<text>.*?)```", re.DOTALL)
BLOCKS = [(match["file"], match["text"]) for match in BLOCK.finditer(PAGE)]
BASES = {file: text for file, text in BLOCKS if file}
EXAMPLES = [text for file, text in BLOCKS if not file and re.search(r"^app:", text, re.M)]
APP_FILES = sorted((ROOT / "examples").glob("*/fairway.yaml"))
SCHEMA = Draft202012Validator(app_file_schema())


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: re.findall(r"app: (\S+)", text)[0])
def test_example_loads_and_fits_the_schema(text: str) -> None:
    loaded = load_app("fairway.yaml", text, read=BASES.__getitem__, variables={})
    assert {w.code for w in loaded.warnings} <= {"no-health-path"}
    assert not [error.message for error in SCHEMA.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("file", APP_FILES, ids=lambda file: file.parent.name)
def test_app_file_of_the_examples_loads_and_fits_the_schema(file: Path) -> None:
    text = file.read_text("utf-8")
    load_app(
        str(file.relative_to(ROOT)),
        text,
        read=lambda path: (file.parent / path).read_text("utf-8"),
        variables={},
    )
    assert not [error.message for error in SCHEMA.iter_errors(yaml.safe_load(text))]


def test_every_code_stands_on_the_page_and_has_a_scenario() -> None:
    rows = re.findall(r"^\| (`.*?) \|", PAGE.partition("## Problems")[2], re.MULTILINE)
    documented = {code for row in rows for code in re.findall(r"`([a-z-]+)`", row)}
    reported = {
        code
        for file in SCENARIOS.glob("*.problems")
        for code in re.findall(r" (?:problem|warning) \[([a-z-]+)\]", file.read_text("utf-8"))
    }
    assert documented - {"dotenv"} == reported


@pytest.mark.parametrize(
    "declaration",
    [
        Analysis, App, Approvals, Aws, AwsRotation, AwsStore, BlueGreen, Call, Canary,
        CircuitBreaking, Client, Environment, FeatureFlag, Freeze, Gateway, Health, Hook, Hooks,
        HttpHook, Intent, Kept, Metric, Network, Notification, PublicRoute, Resources, Retries,
        Rolling, Scale, Schedule, Schema, Service, Slo, Stop, Store, Strategy, Telemetry, Topic,
        Window,
    ],
    ids=lambda declaration: declaration.__name__,
)  # fmt: skip
def test_every_key_stands_on_the_page(declaration: type[Declared]) -> None:
    paths = re.findall(r"`((?:[a-z_<>]+\.)*[a-z0-9_]+)`", PAGE)
    documented = {key for path in paths for key in path.split(".")}
    keys = {field.alias or name for name, field in declaration.model_fields.items()}
    assert keys <= documented
