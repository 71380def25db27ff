"""How long the files of an environment on AWS take to render: the example, and 200 services.

    python bench/aws.py
    python -m bench.aws --plan

Prints seconds, the best of several runs, and the limits that we set ourselves. With `--plan`, which
needs Terraform and takes five minutes: what `fairway plan prod` costs beyond the Terraform in it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from fairway.model.app import App
from fairway.model.views import environment_view
from fairway.targets.aws.rendering import tree
from fairway.targets.aws.rendering.roots import rendered
from fairway.targets.aws.standing.state import Standing
from fairway.workspace import open_workspace

EXAMPLE = Path(__file__).parents[1] / "examples" / "axon-orbit"
LIMITS = {"the example": 0.5, "200 services": 3.0}
MOST_OVERHEAD = 0.15
"""Of `fairway plan`, as a share of the `terraform plan` inside it."""


def example() -> Standing:
    """The example's production."""
    loaded = open_workspace(EXAMPLE, "prod").loaded
    return _standing(environment_view(loaded.app, "prod"))


def many(count: int = 200) -> Standing:
    """An app of `count` services, each of which calls the next two."""
    names = [f"service-{number}" for number in range(count)]
    services = {
        name: {
            "build": name,
            "health": "/health",
            "intents": {"ask": f"POST /{name}"},
            "calls": {names[(at + step) % count]: ["ask"] for step in (1, 2)},
            "scale": {"min": 2, "max": 10, "cpu": 60},
            "secrets": ["API_KEY"],
        }
        for at, name in enumerate(names)
    }
    declared = {
        "app": "wide",
        "services": services,
        "environments": {
            "prod": {"target": "aws-ecs", "regions": ["eu-central-1", "eu-west-1"]},
        },
    }
    return _standing(App.model_validate(declared))


def seconds(standing: Standing, runs: int = 3) -> float:
    """The best of several runs: every text file and every zip."""

    def once() -> float:
        begun = time.perf_counter()
        rendered(standing)
        tree.archives(wheels=False)
        return time.perf_counter() - begun

    return min(once() for _ in range(runs))


def _standing(app: App) -> Standing:
    return Standing("prod", app.model_dump(mode="json", by_alias=True, exclude_none=True))


def plans(runs: int = 3) -> tuple[float, float]:
    """Seconds of `fairway plan prod`, and of `terraform plan` alone on the roots that it planned.

    Both as they are again and again: initialised, with all regions side by side; the best of runs.
    """
    from tests.aws.stage import server, stage  # noqa: PLC0415 - only with --plan
    from tests.aws.terraform_rig import (  # noqa: PLC0415 - as above
        find_mirror,
        find_terraform,
        settings,
    )

    binary, mirror = find_terraform(), find_mirror()
    if binary is None or mirror is None:
        raise SystemExit("Terraform and a local copy of the provider hashicorp/aws are needed")
    with tempfile.TemporaryDirectory(prefix="fairway-bench-") as made:
        folder = Path(made)
        variables = {**settings(mirror, folder), "FAIRWAY_TERRAFORM": binary}
        with stage(folder, variables) as on:
            on.fairway("bootstrap", "prod", "--without-control-plane")
            with server(on):
                on.fairway("plan", "prod", ok=(2,))  # downloads and initialises
                roots = folder / "server" / "aws" / "axon-orbit" / "prod" / "look" / "regions"
                ours, theirs = [], []
                for _ in range(runs):
                    begun = time.perf_counter()
                    on.fairway("plan", "prod", ok=(2,))
                    ours.append(time.perf_counter() - begun)
                    theirs.append(_terraform(binary, roots, on.variables))
    return min(ours), min(theirs)


def _terraform(binary: str, roots: Path, variables: Mapping[str, str]) -> float:
    """Seconds of `terraform plan` in all roots at once."""
    command = [binary, "plan", "-lock=false", "-input=false", "-no-color", "-out=bench.tfplan"]
    begun = time.perf_counter()
    running = [
        subprocess.Popen(command, cwd=root, env=dict(variables), stdout=subprocess.DEVNULL)
        for root in sorted(roots.iterdir())
    ]
    if any(each.wait() for each in running):
        raise SystemExit("terraform plan failed")
    return time.perf_counter() - begun


def main() -> None:
    """Measure."""
    if "--plan" in sys.argv[1:]:
        ours, theirs = plans()
        more = ours / theirs - 1
        print(f"fairway plan prod: {ours:.1f} s, terraform plan inside it: {theirs:.1f} s")
        print(f"more than Terraform: {more:.1%} (limit {MOST_OVERHEAD:.0%})")
        return
    for name, standing in (("the example", example()), ("200 services", many())):
        print(f"{name}: {seconds(standing):.3f} s (limit {LIMITS[name]} s)")


if __name__ == "__main__":
    main()
