"""A deployment as a line of marks: where it has been, where it is, what lies ahead. Pure.

The page of a deployment and the list of deployments draw it. The marks are the gates and stages of
its course, so that an eye sees how far it is without reading a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fairway.delivery.course import Stage
from fairway.delivery.deployment import Deployment, Effect

MarkState = Literal["done", "now", "waits", "failed", "ahead"]
_WORDS: dict[MarkState, str] = {
    "done": "done",
    "now": "under way",
    "waits": "waits here",
    "failed": "ended here",
    "ahead": "ahead",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One gate or stage. `detail` says more in a few words."""

    label: str
    state: MarkState
    detail: str = ""

    @property
    def words(self) -> str:
        """Its state, for who cannot see its colour."""
        return _WORDS[self.state]


def marks(deployment: Deployment) -> tuple[Mark, ...]:
    """The whole line; a deployment that went back ends where it turned, and one mark later."""
    labels = list(_labels(deployment))
    at = _position(deployment, [key for key, _, _ in labels])
    line = tuple(
        Mark(label, _state(deployment, index, at), detail)
        for index, (_, label, detail) in enumerate(labels)
    )
    return (*line, *_way_back(deployment))


def _labels(deployment: Deployment) -> Iterator[tuple[str, str, str]]:
    """(key, label, detail) of every mark on the way forward."""
    course = deployment.course
    yield "plan", "plan", ""
    if course.gate.count and not course.emergency:
        agreed = f"{len(deployment.approvals)} of {course.gate.count} agreed"
        yield "approval", "approval", agreed
    if course.windows and not course.emergency:
        yield "window", "window", "changes are allowed"
    yield "start", "start", "the new versions, without requests"
    for number, stage in enumerate(course.stages):
        yield f"stage {number}", _stage_label(stage), _stage_detail(stage)
    yield "settle", "in force", "the old versions are gone"


def _stage_label(stage: Stage) -> str:
    if stage.mirror:
        return f"copies {stage.mirror} %"
    return "preview" if stage.weight == 0 else f"{stage.weight} %"


def _stage_detail(stage: Stage) -> str:
    if stage.evidence:
        return "until there is a verdict"
    if not stage.watched:
        return ""
    return f"{'judged' if stage.judged else 'watched'} for {stage.bake:g} s"


def _position(deployment: Deployment, keys: list[str]) -> int:
    """The mark that it is at, or was when it turned."""
    if deployment.status == "succeeded":
        return len(keys)
    effect = deployment.interrupted or deployment.effect
    if effect is None or effect.back:
        key = f"stage {deployment.stage}" if deployment.started else _before_start(deployment)
    else:
        key = _key(deployment, effect)
    return keys.index(key) if key in keys else 0


def _before_start(deployment: Deployment) -> str:
    """Where it was when it ended without having started anything."""
    if deployment.course.gate.count and not deployment.agreed:
        return "approval" if deployment.status == "cancelled" else "plan"
    return "start"


def _key(deployment: Deployment, effect: Effect) -> str:  # noqa: PLR0911 - a case per step
    match effect.step:
        case "begin" | "check_plan":
            return "plan"
        case "await_approval":
            return "approval"
        case "await_window":
            return "window"
        case "govern":
            return "start"
        case "apply":
            return "start" if deployment.serving == 0 else f"stage {deployment.stage}"
        case "run_hooks":
            return "start" if effect.phase in ("pre_deploy", "pre_shift") else "settle"
        case "retire" | "settle":
            return "settle"
        case _:
            return f"stage {deployment.stage}"


def _state(deployment: Deployment, index: int, at: int) -> MarkState:
    if index != at:
        return "done" if index < at else "ahead"
    if deployment.over or deployment.status == "rolling_back":
        return "failed"
    effect = deployment.effect
    waits = effect is not None and effect.step in ("await_approval", "await_window", "await_resume")
    return "waits" if waits else "now"


def _way_back(deployment: Deployment) -> Iterator[Mark]:
    before = f"r{deployment.base}" if deployment.base else "nothing"
    if deployment.status == "rolling_back":
        yield Mark(f"back to {before}", "now", deployment.reason)
    elif deployment.status == "rolled_back":
        yield Mark(f"back at {before}", "done", deployment.reason)
