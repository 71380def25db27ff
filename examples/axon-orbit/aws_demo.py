"""A delivery to AWS without an account: bootstrap, canary, a bad release, the way back, drift.

`make demo-aws` runs it, in a checkout. It works on a copy of this example with the command line
alone, prints what that prints, and exits 0 if everything was as promised, else 1. Nothing leaves
this machine, but for Terraform's provider where there is no local copy of it.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # what plays AWS comes with the tests

from tests.aws.stage import Stage, server, stage, users  # noqa: E402
from tests.aws.terraform_rig import find_mirror, find_terraform, settings  # noqa: E402

REAL = "the command line, a fairway server, Terraform with its AWS provider, every call to AWS"
PLAYED = (
    "AWS (moto, on this machine), the builder of images, the tasks with their agents, and users"
)
console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Act:
    """What is shown, and how; it fails with AssertionError when it is not as promised."""

    title: str
    play: Callable[[Stage], object]


def _tampered(on: Stage) -> None:
    key = on.tamper()
    console.print(f"[dim]somebody publishes an old {key} again: a quarter of the requests…[/]")
    on.fairway("drift", "prod", ok=(2,))
    on.fairway("drift", "prod", "--fix", "--yes")


def _first(on: Stage) -> None:
    on.keep_secret("not a real one")
    on.delivered("deploy", "prod")


def _edited(on: Stage) -> None:
    on.edit()
    on.delivered("deploy", "prod", "-m", "says more")


def _leaving(on: Stage) -> None:
    on.fairway("eject", "prod", "--out", "ours")
    on.terraform_alone("ours")


ACTS = (
    Act("plan: services first, then resources, then money", lambda on: on.fairway(
        "plan", "prod", ok=(2,))),
    Act("the first release, in two regions; ada deploys, grace approves", _first),
    Act("an edit: a canary by the weights of every Envoy", _edited),
    Act("a release that fails every other request: back by itself", lambda on: on.delivered(
        "deploy", "prod", ok=3, FAULT="errors")),
    Act("back to the first release", lambda on: on.delivered("rollback", "prod", "1")),
    Act("the history", lambda on: on.fairway("history", "prod")),
    Act("weights are changed behind its back", _tampered),
    Act("what it costs", lambda on: on.fairway("cost", "prod")),
    Act("leaving: Terraform alone finds nothing to change", _leaving),
)  # fmt: skip


def main() -> int:
    """Play every act; how long each took is printed at the end."""
    binary = find_terraform()
    if binary is None:
        console.print(
            "[red]Terraform is not here.[/] Install Terraform 1.10 or newer (or OpenTofu) on PATH, "
            "or name it: FAIRWAY_TERRAFORM=/path/to/it"
        )
        return 1
    console.print(f"real:   {REAL}\nplayed: {PLAYED}\n")
    folder = Path(tempfile.mkdtemp(prefix="fairway-aws-demo-"))
    began = time.monotonic()
    try:
        with stage(folder, _terraform(binary, folder), bake="5s", show=True) as on:
            _play(on)
    except AssertionError as error:
        console.print(f"[red]Not as promised:[/] {str(error).partition(chr(10))[0]}; see above.")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    console.print(f"[green]Everything was as promised[/], in {time.monotonic() - began:.0f} s.")
    return 0


def _play(on: Stage) -> None:
    console.rule("bootstrap: where state and images are kept")
    on.fairway("bootstrap", "prod", "--without-control-plane")
    with server(on), users(on):
        for act in ACTS:
            console.rule(act.title)
            act.play(on)
    console.rule("how long each command took")
    for command, seconds in on.timings.items():
        console.print(f"{seconds:7.1f} s  {command}")


def _terraform(binary: str, folder: Path) -> dict[str, str]:
    """Variables with which it finds its provider: on this machine, else in the registry."""
    mirror = find_mirror()
    if mirror is None:
        console.print(
            "[yellow]No local copy of the provider hashicorp/aws:[/] Terraform downloads it now "
            "(700 MB unpacked). Without a network, name a mirror: FAIRWAY_TERRAFORM_MIRROR=FOLDER"
        )
    found = {} if mirror is None else settings(mirror, folder)
    return {**found, "FAIRWAY_TERRAFORM": str(Path(binary).absolute())}


if __name__ == "__main__":
    # SIGTERM ends like Ctrl-C, so that nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
