"""How long the files of an environment on AWS take to render: the example, and 200 services.

    python bench/aws.py

Prints seconds, the best of several runs, and the limits that we set ourselves.
"""

from __future__ import annotations

import time
from pathlib import Path

from fairway.model.app import App
from fairway.model.views import environment_view
from fairway.targets.aws import tree
from fairway.targets.aws.rendering import rendered
from fairway.targets.aws.standing import Standing
from fairway.workspace import open_workspace

EXAMPLE = Path(__file__).parents[1] / "examples" / "axon-orbit"
LIMITS = {"the example": 0.5, "200 services": 3.0}


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


def main() -> None:
    """Measure both."""
    for name, standing in (("the example", example()), ("200 services", many())):
        print(f"{name}: {seconds(standing):.3f} s (limit {LIMITS[name]} s)")


if __name__ == "__main__":
    main()
