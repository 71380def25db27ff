"""Fairway in one minute: starts this example for real, shows what is allowed and what is denied.

`make demo` runs it. It uses nothing but the command line and the gateway, as you would. With
`CI=true` it takes everything down again and exits 0 if all was as promised, else 1; without, the
system stays up until Ctrl-C, with a few requests a second for the console to show.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console

HERE = Path(__file__).resolve().parent
TOOLS = Path(sys.executable).parent
ENVIRONMENT = os.environ | {"PATH": f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}"}
PAUSE = 0.2
"""Between two requests while it stays up, in seconds."""
console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: its status and the words that explain it."""

    status: int
    words: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One call, who makes it and why, and the status that Fairway promises for it."""

    title: str
    promised: int
    call: Callable[[str], Outcome]


def main() -> int:
    """Start, show, say where to look; then stay until Ctrl-C, or not."""
    provide_secret()
    with started() as system:
        kept = [show(scene, system["gateway_url"]) for scene in SCENES]
        where_to_look(system)
        if not all(kept):
            console.print("[red]Something was not as promised; see above.[/red]")
            return 1
        if os.environ.get("CI", "").lower() != "true":
            ask_until_ctrl_c(system["gateway_url"])
    return 0


def provide_secret() -> None:
    """axon signs its conclusions with a key; make one unless there is one already."""
    known = {secret["name"]: secret["version"] for secret in fairway_json("secrets", "list")}
    if not known["AXON_MODEL_KEY"]:
        fairway("secrets", "set", "AXON_MODEL_KEY", stdin=secrets.token_hex(32))


@contextmanager
def started() -> Iterator[dict[str, Any]]:
    """The running system as `fairway status` sees it; taken down at the end, whatever happens."""
    began = 0.0
    try:
        fairway("up", "--detach", shown=True)
        system = fairway_json("status")
        began = system["started_at"]
        yield system
    finally:
        if began in (0.0, running_since()):  # else somebody has taken it down, or up again
            fairway("down", shown=True)


def running_since() -> float | None:
    """When what runs here was started; None when nothing runs."""
    asked = subprocess.run(
        [TOOLS / "fairway", "status", "--json"],
        cwd=HERE,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    return float(json.loads(asked.stdout)["started_at"]) if asked.returncode == 0 else None


def dispatch(gateway: str, intent: str) -> Outcome:
    """Ask orbit through the gateway, as anyone on the network could."""
    order = {"prompt": "How is the weather over Bremen?", "intent": intent}
    answer = httpx2.post(f"{gateway}/dispatch", json=order, timeout=10)
    body = answer.json()
    if "axon" not in body:
        return Outcome(answer.status_code, body.get("reason", answer.text))
    subject = body["axon"]["result"]["subject"]
    correlation = body["axon"]["correlation_id"]
    return Outcome(answer.status_code, f"axon thinks of “{subject}” (correlation id {correlation})")


def signed_call(service: str, path: str, client: str, intent: str) -> Outcome:
    """Call a service's sidecar with the certificate and the signature of a client."""
    call = ("call", service, path, "--as", client, "--intent", intent)
    reply = fairway_json(*call, "--data", json.dumps({"prompt": "Who may ask?"}))
    last = reply["hops"][-1]
    return Outcome(reply["status"], f"{last['by']}: {last['reason']}")


SCENES = (
    Scene("anyone → orbit dispatch", 200, lambda url: dispatch(url, "reason")),
    Scene(
        "web → orbit dispatch", 200, lambda _: signed_call("orbit", "/dispatch", "web", "dispatch")
    ),
    Scene("orbit → axon retrain", 403, lambda url: dispatch(url, "retrain")),
    Scene("web → axon reason", 403, lambda _: signed_call("axon", "/reason", "web", "reason")),
    Scene(
        "intruder → axon reason",
        403,
        lambda _: signed_call("axon", "/reason", "intruder", "reason"),
    ),
)


def show(scene: Scene, gateway: str) -> bool:
    """Play one scene and print how it ended; whether that was as promised."""
    outcome = scene.call(gateway)
    word, colour = ("ALLOWED", "green") if outcome.status < 400 else ("DENIED", "yellow")
    verdict = f"{word} {outcome.status}"
    console.print(f"[{colour}]{verdict:<11}[/]  {scene.title}", soft_wrap=True)
    console.print(f"             {outcome.words}", style="dim", markup=False, soft_wrap=True)
    if outcome.status != scene.promised:
        console.print(f"[red]             promised was {scene.promised}[/]")
    return outcome.status == scene.promised


def where_to_look(system: dict[str, Any]) -> None:
    """The addresses and commands that are worth a look now."""
    console.print()
    for what, where in (
        ("console", fairway_json("console")["url"]),
        ("gateway", system["gateway_url"]),
        ("API", system["api_url"]),
        ("logs", "fairway logs --follow"),
        ("decisions", "fairway policy audit"),
        ("app file", str(HERE / "fairway.yaml")),
    ):
        console.print(f"{what:<12} {where}", markup=False, soft_wrap=True)
    console.print(f"commands run in {HERE}, with {TOOLS} on PATH", style="dim", soft_wrap=True)


def ask_until_ctrl_c(gateway: str) -> None:
    """Leave the system to whoever watches, with a little to look at: now and then one is denied."""
    console.print("\nIt stays up until Ctrl-C, and is asked a few times a second.")
    try:
        for intent in cycle(["reason"] * 24 + ["retrain"]):
            try:
                dispatch(gateway, intent)
            except httpx2.TransportError:
                if running_since() is None:
                    console.print("\nIt was taken down.")
                    return
            except ValueError:
                pass  # a service is stopped, to see what happens: Envoy answers in plain words
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        console.print()


def fairway(*arguments: str, stdin: str | None = None, shown: bool = False) -> str:
    """Run one command in this folder; its output goes to the terminal, or comes back."""
    done = subprocess.run(
        [TOOLS / "fairway", *arguments],
        cwd=HERE,
        env=ENVIRONMENT,
        input=stdin,
        stdout=None if shown else subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout or ""


def fairway_json(*arguments: str) -> Any:
    """What a command reports."""
    return json.loads(fairway(*arguments, "--json"))


if __name__ == "__main__":
    # SIGTERM ends like Ctrl-C, so that nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
