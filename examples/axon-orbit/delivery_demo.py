"""Delivery in three minutes: a good release, two bad ones and the way back, under load, for real.

`make demo-delivery` runs it. It deploys a copy of this example to `local` with the command line
alone, while a constant rate of requests goes through the gateway, and prints what each deployment
did to them. It exits 0 if everything was as promised, else 1, and takes everything down again.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

HERE = Path(__file__).resolve().parent
TOOLS = Path(sys.executable).parent
RATE = 50
LOAD = ("load", "orbit", "dispatch", "--data", json.dumps({"prompt": "Who is asking?"}), "--json")
NOT_COPIED = shutil.ignore_patterns(".fairway*", "__pycache__", ".pytest_cache", ".coverage")
console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Act:
    """One deployment under load: what is run, with which variables, and what is promised.

    `exit_code` is that of the command; `flawless` that no request of the load fails.
    """

    title: str
    command: tuple[str, ...]
    exit_code: int
    flawless: bool
    fault: str = ""


ACTS = (
    Act("a good release", ("deploy", "local", "-m", "says more"), 0, True),
    Act("a release that answers 500", ("deploy", "local"), 3, False, fault="errors"),
    Act("a release that is slow", ("deploy", "local"), 3, True, fault="latency"),
    Act("back to the first release", ("rollback", "local", "1"), 0, True),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A copy of the example, so that editing it changes nothing here."""

    folder: Path

    def fairway(self, *arguments: str, stdin: str | None = None) -> str:
        """The output of a command that has to succeed."""
        done = self.start(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        out, _ = done.communicate(stdin)
        if done.returncode:
            raise RuntimeError(f"fairway {' '.join(arguments)} ended with {done.returncode}")
        return out

    def start(self, *arguments: str, fault: str = "", **streams: int) -> subprocess.Popen[str]:
        """A command that goes on by itself."""
        path = f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}"
        environment = os.environ | {"PATH": path, "FAULT": fault}
        command = [str(TOOLS / "fairway"), *arguments]
        return subprocess.Popen(command, cwd=self.folder, env=environment, text=True, **streams)  # type: ignore[call-overload, no-any-return]

    def edit(self) -> None:
        """Change what orbit logs: an edit that harms nobody."""
        file = self.folder / "services" / "orbit" / "orbit" / "main.py"
        file.write_text(file.read_text().replace('"dispatched"', '"dispatched an order"'))


def main() -> int:
    """Deploy the first release, play every act, show the history."""
    with stage() as here:
        console.rule("the first release")
        here.fairway("deploy", "local")
        here.edit()
        kept = [play(here, act) for act in ACTS]
        console.rule("the history")
        console.print(here.fairway("history", "local"))
    if all(kept):
        console.print("[green]Everything was as promised.[/green]")
        return 0
    console.print("[red]Something was not as promised; see above.[/red]")
    return 1


@contextmanager
def stage() -> Iterator[Stage]:
    """A copy with a secret; whatever runs of it is taken down at the end."""
    with tempfile.TemporaryDirectory() as folder:
        here = Stage(shutil.copytree(HERE, Path(folder) / "app", ignore=NOT_COPIED))
        here.fairway("secrets", "set", "AXON_MODEL_KEY", stdin=secrets.token_hex(32))
        try:
            yield here
        finally:
            here.fairway("down")


def play(here: Stage, act: Act) -> bool:
    """One deployment while requests come in; whether both went as promised."""
    console.rule(act.title)
    with loaded(here) as report:
        code = here.start(*act.command, fault=act.fault).wait()
    failed = report["failed"]
    console.print(
        f"\n{report['requests']} requests at {RATE} a second meanwhile, {failed} failed, "
        f"p95 {report['p95'] * 1000:.1f} ms; exit code {code}"
    )
    promised = code == act.exit_code and (failed == 0 or not act.flawless)
    console.print("[green]as promised[/]" if promised else "[red]not as promised[/]")
    return promised


@contextmanager
def loaded(here: Stage) -> Iterator[dict[str, Any]]:
    """A constant rate of requests, from before until after; its report at the end."""
    load = here.start(*LOAD, "--rate", str(RATE), "--duration", "10m", stdout=subprocess.PIPE)
    report: dict[str, Any] = {}
    try:
        yield report
    finally:
        load.send_signal(signal.SIGINT)
        out, _ = load.communicate(timeout=30)
    report |= json.loads(out)


if __name__ == "__main__":
    # SIGTERM ends like Ctrl-C, so that nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
