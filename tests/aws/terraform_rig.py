"""Terraform for tests: where it is, where the provider is, and running it.

Terraform is the program that FAIRWAY_TERRAFORM names, else `terraform` on PATH. The provider
`hashicorp/aws` is taken from a filesystem mirror, the first that is there of: the folder that
FAIRWAY_TERRAFORM_MIRROR names; what the file that TF_CLI_CONFIG_FILE names says; Terraform's
implied local mirrors. Nothing is ever downloaded. Where one of the two is missing, tests are
skipped and the summary says so; FAIRWAY_REQUIRE_TERRAFORM=1 makes it a failure.

Tests ask for the fixture `terraform` (known everywhere, see `tests/conftest.py`), carry
`pytest.mark.aws`, and work on copies: nothing is left in the repository.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

PROVIDER = Path("registry.terraform.io/hashicorp/aws")
NOT_TESTED = "NOT TESTED WITH TERRAFORM"
FIGURE = "figure"
"""The property of a test that is printed at the end of a run, by whichever process it ran."""
Recorder = Callable[[str, object], None]
"""What pytest's fixture `record_property` is."""
_MISSING_TERRAFORM = (
    f"{NOT_TESTED}: install terraform >= 1.10 on PATH, or name it: FAIRWAY_TERRAFORM=/path/to/it"
)
_MISSING_PROVIDER = (
    f"{NOT_TESTED}: no local mirror of the provider hashicorp/aws; make one with 'terraform "
    "providers mirror FOLDER' and name it: FAIRWAY_TERRAFORM_MIRROR=FOLDER"
)
_TIMEOUT = 900.0


@dataclass(frozen=True, slots=True)
class Terraform:
    """A program, the variables that it is started with, and the folder it works in."""

    binary: str
    environment: Mapping[str, str]
    folder: Path

    def within(self, folder: Path, environment: Mapping[str, str] | None = None) -> Terraform:
        """The same in another folder, with more variables."""
        return replace(self, folder=folder, environment={**self.environment, **(environment or {})})

    def run(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run it to its end; an exit code that is not `ok` fails the test with all it wrote."""
        command = [self.binary, *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        if done.returncode not in ok:
            said = f"{done.stdout}\n{done.stderr}".strip()
            pytest.fail(
                f"{' '.join(command)} in {self.folder} ended with {done.returncode}:\n{said}",
                pytrace=False,
            )
        return done

    def init(self, *arguments: str) -> None:
        """`terraform init`: without a backend unless `arguments` say otherwise."""
        self.run("init", "-no-color", "-input=false", *(arguments or ("-backend=false",)))

    def json(self, *arguments: str) -> Any:
        """What a command prints as JSON."""
        return json.loads(self.run(*arguments).stdout)


@pytest.fixture(scope="session")
def terraform_configured(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Terraform with a configuration that knows only the local mirror."""
    binary, mirror = find_terraform(), find_mirror()
    if binary is None or mirror is None:
        words = _MISSING_TERRAFORM if binary is None else _MISSING_PROVIDER
        required = os.environ.get("FAIRWAY_REQUIRE_TERRAFORM")
        (pytest.fail if required else pytest.skip)(words)
    folder = tmp_path_factory.mktemp("terraform")
    return Terraform(binary, settings(mirror, folder), folder)


@pytest.fixture
def terraform(terraform_configured: Terraform, tmp_path: Path) -> Iterator[Terraform]:
    """Terraform in an empty folder, which is gone afterwards: it holds links to a large program."""
    folder = tmp_path / "terraform"
    folder.mkdir()
    yield terraform_configured.within(folder)
    shutil.rmtree(folder, ignore_errors=True)


@cache
def find_terraform() -> str | None:
    """The program, if there is one."""
    return shutil.which(os.environ.get("FAIRWAY_TERRAFORM") or "terraform")


@cache
def find_mirror() -> Path | str | None:
    """The folder of a mirror, or the CLI configuration (as text) that names one."""
    if named := os.environ.get("FAIRWAY_TERRAFORM_MIRROR"):
        return Path(named) if (Path(named) / PROVIDER).is_dir() else None
    given = Path(os.environ.get("TF_CLI_CONFIG_FILE", ""))
    if given.is_file() and "filesystem_mirror" in given.read_text():
        return given.read_text()
    return next((folder for folder in implied_mirrors() if (folder / PROVIDER).is_dir()), None)


def implied_mirrors() -> tuple[Path, ...]:
    """Folders that Terraform itself searches.

    Source: "Implied Local Mirror Directories" of the documentation of the CLI configuration file.
    """
    data = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return (
        Path.home() / ".terraform.d" / "plugins",
        Path(home) / "terraform" / "plugins",
        *(Path(folder) / "terraform" / "plugins" for folder in data.split(":") if folder),
    )


def settings(mirror: Path | str, folder: Path) -> dict[str, str]:
    """Write a CLI configuration to `folder`; the variables that make Terraform use it."""
    text = mirror if isinstance(mirror, str) else _only(mirror)
    file = folder / "cli.tfrc"
    file.write_text(text)
    return {
        "TF_CLI_CONFIG_FILE": str(file),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
    }


def _only(mirror: Path) -> str:
    return f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n'


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What tests have measured, and what nobody overlooks when Terraform's tests were skipped."""
    reports = [each for kind in terminalreporter.stats.values() for each in kind]
    figures = [
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == FIGURE
    ]
    if figures:
        terminalreporter.section("figures of AWS")
        for figure in dict.fromkeys(figures):
            terminalreporter.line(figure)
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if NOT_TESTED in str(report.longrepr)
    ]
    if skipped:
        _, _, words = skipped[0].longrepr
        terminalreporter.section(f"{len(skipped)} tests: {NOT_TESTED}", sep="!", red=True)
        terminalreporter.line(words.removeprefix("Skipped: "))
