"""Every example is a valid app file; a broken one is told all at once, with exit code 2."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from tests.driver import EXAMPLES, Driver, copy_of

APPS = sorted(file.parent for file in EXAMPLES.glob("*/fairway.yaml"))

BROKEN = """\
app: axon-orbit
services:
  axon:
    run: uvicorn axon.main:app --port $PORT
    helth: /health
    intents: {reason: POST reason}
  orbit:
    run: uvicorn orbit.main:app --port $PORT
    scale: {min: many}
    calls: {axn: [reason]}
slos:
  dispatch: {service: orbti, p95: 200}
"""


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_an_example_is_valid(app: Path) -> None:
    Driver(app).fairway("validate")


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_an_example_fits_the_published_schema(app: Path) -> None:
    schema = json.loads(Driver(app).fairway("schema").stdout)
    declared = yaml.safe_load((app / "fairway.yaml").read_text())
    jsonschema.Draft202012Validator(schema).validate(declared)


def test_a_broken_file_shows_every_problem_with_place_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "fairway.yaml").write_text(BROKEN)
    done = Driver(tmp_path).fairway("validate", check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 2
    assert "Traceback" not in said
    places = set(re.findall(r"fairway\.yaml:(\d+):\d+", said))
    assert {"5", "6", "9", "10", "12"} <= places
    assert "health" in said
    assert "'axon'" in said
    assert "'orbit'" in said


def test_a_broken_policy_is_told_with_its_place(tmp_path: Path) -> None:
    app = copy_of(EXAMPLES / "axon-orbit", tmp_path / "app")
    (app / "policies" / "typo.cedar").write_text(
        'permit (\n  principal == Service::"orbti",\n  action,\n  resource\n);\n'
    )
    done = Driver(app).fairway("validate", check=False)
    assert done.returncode == 2
    assert "typo.cedar:2:" in done.stdout + done.stderr
