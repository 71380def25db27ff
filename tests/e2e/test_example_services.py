"""The services' own tests, run the way their authors run them, with their own coverage bound."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.driver import EXAMPLES, TOOLS, clean_environment

SERVICES = sorted((EXAMPLES / "axon-orbit" / "services").iterdir())


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_its_tests_pass_and_cover_over_80_percent(service: Path, tmp_path: Path) -> None:
    coverage = f"--cov={service.name}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", coverage, "--cov-config=pyproject.toml"],
        cwd=service,
        env=clean_environment(
            COVERAGE_FILE=str(tmp_path / "coverage"), PYTHONDONTWRITEBYTECODE="1"
        ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Required test coverage of 80" in done.stdout


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_its_dockerfile_is_clean(service: Path) -> None:
    command = [str(TOOLS / "hadolint"), "--strict-labels", "Dockerfile"]
    done = subprocess.run(command, cwd=service, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_its_image_is_multi_stage_and_not_root(service: Path) -> None:
    lines = (service / "Dockerfile").read_text().splitlines()
    bases = [line for line in lines if line.startswith("FROM python:")]
    final = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert len(bases) == 2
    assert "USER 10001" in final
    assert (service / ".dockerignore").read_text().count("\n*\n") == 1
