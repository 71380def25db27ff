"""Golden scenarios: a situation and the plan for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fairway.delivery.course import Course
from fairway.delivery.strategies import course
from fairway.model.app import App
from fairway.model.load import load_app
from fairway.model.views import environment_view
from fairway.plan.describe import describe
from fairway.plan.observed import Observed, ObservedVersion
from fairway.plan.plan import Plan
from fairway.plan.planner import plan
from fairway.plan.release import Release, ReleaseContent
from fairway.plan.releases import app_of, content_digest, release_content

FOLDER = Path(__file__).parents[2] / "scenarios" / "plans"
SCENARIOS = sorted(FOLDER.glob("*.yaml"))
WRITE = os.environ.get("FAIRWAY_WRITE_SCENARIOS") == "1"
ENVIRONMENT = "local"
NEXT = 8
Json = dict[str, Any]


def laid_over(base: Any, over: Any) -> Any:
    """`over` laid over `base`; a key with nothing behind it goes."""
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return over
    merged = {k: laid_over(base.get(k), v) for k, v in over.items() if v is not None}
    return {**{k: v for k, v in base.items() if k not in over}, **merged}


def loaded(declared: Json) -> App:
    text = yaml.safe_dump({"app": "shop", **declared}, sort_keys=False)
    app = load_app("fairway.yaml", text, read=lambda path: "", variables={}).app
    return environment_view(app, ENVIRONMENT)


def content(situation: Json) -> ReleaseContent:
    number, text = situation.get("policies", [1, "one"])
    return release_content(
        loaded(situation["app"]),
        situation.get("artifacts", {}),
        situation.get("secrets", {}),
        number,
        text,
    )


def base(situation: Json) -> Release | None:
    if "release" not in situation:
        return None
    made = content(situation)
    return Release(situation["release"], content_digest(made), made, "ada", 0.0)


def observed(situation: Json, before: Release | None, wanted: ReleaseContent) -> Observed:
    number = before.number if before else 0
    in_force = situation.get("in_force", before.content.policy_set if before else 0)
    return Observed(number, in_force, dict(_services(situation, before, wanted)))


def _services(
    situation: Json, before: Release | None, wanted: ReleaseContent
) -> Iterator[tuple[str, tuple[ObservedVersion, ...]]]:
    known = before.content.services if before else {}
    if "observed" not in situation and before is not None:
        for name, service in app_of(before.content).services.items():
            count = service.desired_replicas
            yield name, (ObservedVersion(before.name, known[name].digest, 100, count, count),)
        return
    for name, versions in situation.get("observed", {}).items():
        found = []
        for version, weight, count, *written in versions:
            made = wanted.services if written == ["new"] else known
            digest = made[name].digest if written in ([], ["new"]) else written[0]
            found.append(ObservedVersion(version, digest, weight, count, count))
        yield name, tuple(found)


def planned(file: Path) -> tuple[Plan, App]:
    situation = yaml.safe_load(file.read_text("utf-8"))
    before = base(situation)
    wanted = content(laid_over(situation, situation.get("change", {})))
    found = observed(situation, before, wanted)
    made = plan(wanted, found, base=before, environment=ENVIRONMENT, next_number=NEXT)
    return made, app_of(wanted)


def report(made: Plan, app: App) -> str:
    walked = course(made, app.environments[ENVIRONMENT])
    lines = [*describe(made), "", "moves", *_moves(made), "", "course", *_course(walked)]
    return "\n".join(lines) + "\n"


def _moves(made: Plan) -> Iterator[str]:
    for move in made.moves:
        before, after = move.before or "nothing", move.after or "nothing"
        yield f"  {move.service}: {move.before_replicas} of {before} → {move.replicas} of {after}"
    for service, version in made.leftovers:
        yield f"  {service}: {version} was left behind"


def _course(walked: Course) -> Iterator[str]:
    for stage in walked.stages:
        words = [
            f"{stage.weight} %",
            f"{stage.bake:g} s",
            "judged" if stage.judged else "",
            "until evidence" if stage.evidence else "",
            f"{stage.mirror} % mirrored" if stage.mirror else "",
            f"{stage.share:.2f} of replicas" if stage.share is not None else "",
            "old ones first" if stage.stop_first else "",
        ]
        yield f"  {', '.join(filter(None, words))}"


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) > 12


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_scenario(file: Path) -> None:
    expected = file.with_suffix(".plan")
    reported = report(*planned(file))
    if WRITE:
        expected.write_text(reported, "utf-8")
    assert reported == expected.read_text("utf-8")


def test_no_expectation_without_its_situation() -> None:
    assert {f.stem for f in FOLDER.glob("*.plan")} == {f.stem for f in SCENARIOS}
