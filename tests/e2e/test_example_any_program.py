"""Programs that know nothing of Fairway run as services: two from PyPI, one of Node, a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.driver import EXAMPLES, Driver, clean_environment, copy_of, running

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.node,
    pytest.mark.slow,
    pytest.mark.xdist_group("system"),
]

ANY_PROGRAM = EXAMPLES / "any-program"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PyPI programs in an environment of their own, as the example's README installs them."""
    if shutil.which("node") is None:
        pytest.fail("this example needs Node.js 18 or newer on PATH")
    folder = tmp_path_factory.mktemp("programs")
    lock = ANY_PROGRAM / "requirements.lock"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "-q")
    run(*pip, "--require-hashes", "-r", lock)
    return folder / "bin"


@pytest.fixture(scope="module")
def system(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    folder = copy_of(ANY_PROGRAM, tmp_path_factory.mktemp("any") / "any-program")
    ours = clean_environment()
    # Ours stay first: what the other environment brings for itself must not become our `python`.
    path = f"{ours['PATH'].split(os.pathsep)[0]}{os.pathsep}{programs}{os.pathsep}{ours['PATH']}"
    with running(Driver(folder, ours | {"PATH": path})) as driver:
        yield driver


@pytest.fixture
def gateway(system: Driver) -> Iterator[httpx2.Client]:
    with system.gateway() as client:
        yield client


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_four_are_healthy(system: Driver) -> None:
    states = {service["name"]: service["state"] for service in system.status()["services"]}
    assert states == dict.fromkeys(("calendar", "clock", "packages", "site"), "healthy")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "Any program can be a service"),
        ("/style.css", "font"),
        ("/simple/", "Simple"),
        ("/.web/", "Radicale"),
    ],
)
def test_each_answers_through_the_gateway(gateway: httpx2.Client, path: str, words: str) -> None:
    answer = gateway.get(path)
    assert answer.status_code == 200
    assert words in answer.text


def test_the_mesh_binds_a_program_that_has_never_heard_of_it(gateway: httpx2.Client) -> None:
    """The Node program may browse the package index, and do nothing else with it."""
    assert gateway.get("/time").json()["packages"] == {"allowed": 200, "undeclared": 403}


def test_a_stranger_is_refused_by_the_sidecar_of_a_static_site(system: Driver) -> None:
    done = system.json("call", "packages", "/simple/", "--as", "stranger", check=False)
    assert done["status"] == 403
