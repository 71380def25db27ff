"""How a deployment ended, or what it waits for: its exit code and its closing words. Pure.

`deploy`, `rollback` and `follow` end with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.cli.output import Painter, duration
from fairway.delivery.deployment import Deployment, Status
from fairway.delivery.port import Watching
from fairway.delivery.words import outcome, plural, share, waits_for

ROLLED_BACK, REFUSED, FAILED, WAITING = 3, 6, 7, 8
_EXIT_CODES: Mapping[Status, int] = {
    "succeeded": 0,
    "rolled_back": ROLLED_BACK,
    "cancelled": REFUSED,
    "failed": FAILED,
}


def exit_code(deployment: Deployment) -> int:
    """With which code a command that followed it ends; `WAITING` while it is not over."""
    return _EXIT_CODES.get(deployment.status, WAITING)


def what_to_do(deployment: Deployment) -> tuple[str, ...]:
    """Commands that make sense while it waits."""
    step = deployment.effect.step if deployment.effect else None
    named = f"{deployment.id} --env {deployment.environment}"
    match step:
        case "await_approval":
            return (f"fairway approve {named}", f"fairway reject {named} --reason …")
        case "await_window":
            return (f"fairway override {named} --reason …", f"fairway abort {named}")
        case "await_resume":
            return tuple(f"fairway {verb} {named}" for verb in ("resume", "promote", "abort"))
        case _:
            return (f"fairway follow {named}",)


def closing_lines(deployment: Deployment, watching: Watching | None, paint: Painter) -> list[str]:
    """What happened, why, who was harmed, and what to do next."""
    lines = [_what_happened(deployment, paint)]
    reason = deployment.reason or waits_for(deployment)
    if reason and deployment.status != "succeeded":
        lines.append(f"because   {reason}")
    if watching is not None:
        lines += _traffic(deployment, watching, paint)
    return [*lines, *(f"next      {command}" for command in _next(deployment))]


def _what_happened(deployment: Deployment, paint: Painter) -> str:
    status = paint.state(deployment.status.replace("_", " "))
    ended = deployment.ended_at
    took = f" after {duration(ended - deployment.at)}" if ended is not None else ""
    return f"{status}  {paint.bold(outcome(deployment))}{took}"


def _traffic(deployment: Deployment, watching: Watching, paint: Painter) -> Iterator[str]:
    mine = [v for v in watching.versions if v.version == deployment.cohort]
    served = sum(version.requests for version in mine)
    if not served and not any(stage.watched for stage in deployment.course.stages):
        return
    if not served:
        yield f"requests  {deployment.cohort} answered none while it was watched"
        return
    text = (
        f"{plural(watching.harmed, 'request')} harmed of {served} that {deployment.cohort} "
        f"answered ({share(watching.harmed, served)})"
    )
    yield f"requests  {paint.red(text) if watching.harmed else text}"
    if watching.words and watching.words != deployment.reason:
        yield f"analysis  {watching.words}"


def _next(deployment: Deployment) -> Iterator[str]:
    place = deployment.environment
    match deployment.status:
        case "succeeded":
            yield f"fairway history {place}"
            if deployment.base:
                yield f"fairway rollback {place} {deployment.base}"
        case "rolled_back":
            yield f"fairway diff {place} {deployment.base} {deployment.release}"
            yield "fairway logs --level error --since 5m"
        case "failed":
            yield f"fairway deployment show {deployment.id} --env {place}"
            yield f"fairway drift {place}"
        case "cancelled":
            yield f"fairway plan {place}"
        case _:
            yield from what_to_do(deployment)
