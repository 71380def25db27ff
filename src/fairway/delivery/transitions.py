"""The life of a deployment: `advance(deployment, happening)` gives what it is next. Pure.

The engine calls it with the outcome of each effect and keeps the result; nobody else changes a
deployment. A happening that does not answer the effect under way is an `IllegalTransition`, a
defect of the caller. The way forward, left out where it has nothing to do:

    begin ▸ check_plan ▸ await_approval ▸ await_window ▸ check_plan ▸ hooks pre_deploy
      ▸ apply ▸ govern ▸ hooks pre_shift ▸ ┌ for each stage ──────────────────┐
                                           │ (trim) ▸ (apply) ▸ shift ▸ (trim) │
                                           │ ▸ watch ▸ (await_resume)          │
                                           └───────────────────────────────────┘
      ▸ hooks post_shift ▸ retire ▸ settle ▸ hooks post_deploy ▸ succeeded

and the way back, from wherever something was started: (apply) ▸ shift to 0 ▸ govern ▸ retire ▸
settle ▸ rolled_back. Where nothing was started yet, it ends as cancelled or failed instead. Of what
fails on the way, only hooks, measuring and what follows the last shift (retire, settle) pause it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from fairway.delivery.advancing import Advance, IllegalTransition, end, go
from fairway.delivery.back import done_back, roll_back
from fairway.delivery.deployment import Command, Deployment, Effect
from fairway.delivery.forward import (
    after_hooks,
    agreed,
    approved,
    done,
    enter_stage,
    held,
    replanned,
    stage_passed,
    watch,
)
from fairway.delivery.happenings import (
    Agreed,
    Approved,
    Done,
    Failed,
    Happening,
    Held,
    Judged,
    PlanStale,
    Refused,
    Replanned,
    Told,
)

ATTEMPTS = 5
"""How often an effect is tried that fails for a reason that may pass."""
ATTEMPTS_BACK = 30
"""The same on the way back, where giving up leaves a person with half a system."""


def advance(  # noqa: C901, PLR0911 - a case per happening
    deployment: Deployment, happening: Happening
) -> Advance:
    """The next value of a deployment; raises IllegalTransition."""
    effect = deployment.effect
    if effect is None:
        raise IllegalTransition(f"{deployment.id} is over ({deployment.status})")
    match happening:
        case Done():
            done_so = replace(deployment, attempts=0)
            follow = done_back if effect.back else done
            return follow(done_so, effect, happening.at)
        case Failed():
            return _failed(deployment, effect, happening)
        case Told():
            return _told(replace(deployment, inbox=happening.inbox), effect, happening)
        case Judged() if effect.step in ("watch", "await_resume"):
            return _judged(replace(deployment, attempts=0), effect, happening)
        case Agreed() if effect.step == "await_approval":
            return agreed(deployment, happening)
        case Approved() if effect.step == "await_approval":
            return approved(deployment, happening)
        case Held() if effect.step == "await_window":
            return held(deployment, effect, happening)
        case Refused() if effect.step == "await_approval":
            heard = replace(deployment, inbox=happening.inbox)
            return end(heard, "cancelled", happening.reason, happening.at).telling(
                "DeploymentRejected", happening.reason, reason=happening.reason
            )
        case Replanned() if effect.step == "check_plan" and effect.stage == 0:
            return replanned(deployment, happening)
        case PlanStale() if effect.step == "check_plan":
            reason = f"the plan is stale: {happening.moved}"
            return end(deployment, "failed", reason, happening.at)
        case _:
            raise IllegalTransition(f"{type(happening).__name__} while {effect.step}")


def objection(  # noqa: PLR0911 - a case per command
    deployment: Deployment, command: Command
) -> str | None:
    """Why a command makes no sense now; None when it does."""
    if deployment.over:
        return f"the deployment is over: {deployment.status.replace('_', ' ')}"
    if deployment.status == "rolling_back":
        return "the deployment is being rolled back already"
    waits = deployment.effect is not None and deployment.effect.step == "await_resume"
    match command:
        case "abort":
            return None
        case "pause":
            return "the deployment is paused already" if waits else None
        case "resume":
            return None if waits else "the deployment is not paused"
        case "promote" | "promote_fully":
            under_way = deployment.status in ("shifting", "verifying") or waits
            return None if under_way else "there is no stage to promote yet"
        case "override":
            held = deployment.effect is not None and deployment.effect.step in (
                "await_approval",
                "await_window",
            )
            return None if held else "no gate holds the deployment"
        case _:
            assert_never(command)


def _judged(deployment: Deployment, effect: Effect, judged: Judged) -> Advance:
    match judged.outcome:
        case "fail":
            onward = roll_back(deployment, judged.words, judged.at)
        case "pass" if effect.step == "watch":
            onward = stage_passed(deployment, judged.at)
        case "inconclusive" if effect.step == "watch":
            onward = _undecided(deployment, effect, judged)
        case _:
            raise IllegalTransition(f"{judged.outcome} while {effect.step}")
    return onward.telling(
        "AnalysisCompleted", judged.words, outcome=judged.outcome, stage=deployment.stage + 1
    )


def _undecided(deployment: Deployment, effect: Effect, judged: Judged) -> Advance:
    match deployment.course.inconclusive:
        case "pause":
            return _pause(deployment, effect, f"no verdict in time: {judged.words}")
        case "promote":
            return stage_passed(deployment, judged.at)
        case "roll_back":
            return roll_back(deployment, f"no verdict in time: {judged.words}", judged.at)
        case _:
            assert_never(deployment.course.inconclusive)


def _told(deployment: Deployment, effect: Effect, told: Told) -> Advance:
    if objection(deployment, told.command) is not None or effect.back:
        return Advance(deployment)  # it made sense when it was given; by now it does not
    match told.command:
        case "abort":
            reason = f"aborted by {told.by}{_why(told)}"
            return roll_back(deployment, reason, told.at, otherwise="cancelled")
        case "pause":
            return _pause(deployment, effect, f"paused by {told.by}{_why(told)}")
        case "resume":
            return _resumed(deployment, told)
        case "promote" | "promote_fully":
            return _promoted(deployment, effect, told)
        case "override":
            onward = go(deployment, "planning", Effect("check_plan", stage=1))
            words = f"{told.by} overrides the gates{_why(told)}"
            return onward.telling("EmergencyOverride", words, by=told.by, reason=told.reason)
        case _:
            assert_never(told.command)


def _pause(deployment: Deployment, effect: Effect, reason: str) -> Advance:
    wait = Effect("await_resume", stage=deployment.stage, since=effect.since)
    paused = replace(deployment, paused=reason, interrupted=effect)
    return go(paused, deployment.status, wait).telling("DeploymentPaused", reason, reason=reason)


def _resumed(deployment: Deployment, told: Told) -> Advance:
    """What was interrupted goes on: a stage is watched anew, a hook or a step is tried again."""
    goes_on, status = deployment.interrupted, deployment.status
    assert goes_on is not None, "a pause interrupts something"
    awake = replace(deployment, paused="", interrupted=None, attempts=0)
    onward = watch(awake, told.at) if goes_on.step == "watch" else go(awake, status, goes_on)
    return onward.telling("DeploymentResumed", f"resumed by {told.by}{_why(told)}", by=told.by)


def _promoted(deployment: Deployment, effect: Effect, told: Told) -> Advance:
    """Past what waits: to the next stage, to the last, or past a hook that failed."""
    interrupted = deployment.interrupted or effect
    awake = replace(deployment, paused="", interrupted=None, attempts=0)
    last = len(deployment.course.stages) - 1
    if interrupted.step == "run_hooks" and interrupted.phase is not None:
        onward = after_hooks(awake, interrupted.phase, told.at)
    elif interrupted.step not in ("watch", "await_resume"):
        onward = go(awake, deployment.status, interrupted)
    elif told.command == "promote_fully" and deployment.stage < last:
        onward = enter_stage(awake, last)
    else:
        onward = stage_passed(awake, told.at)
    return onward.telling("DeploymentPromoted", f"promoted by {told.by}{_why(told)}", by=told.by)


def _failed(deployment: Deployment, effect: Effect, failed: Failed) -> Advance:
    most = ATTEMPTS_BACK if effect.back else ATTEMPTS
    if failed.retry and deployment.attempts + 1 < most:
        return Advance(replace(deployment, attempts=deployment.attempts + 1))
    if effect.back:
        reason = f"{deployment.reason}; then the rollback failed: {failed.reason}"
        return end(deployment, "failed", reason, failed.at)
    return _failed_onward(deployment, effect, failed)


def _failed_onward(deployment: Deployment, effect: Effect, failed: Failed) -> Advance:
    match effect.step:
        case "run_hooks":
            return _hook_failed(deployment, effect, failed)
        case "await_resume":
            return Advance(deployment)
        case "watch":
            return _pause(deployment, effect, f"nothing can be measured: {failed.reason}")
        case "retire" | "settle":
            # A release that proved itself and serves everything is no worse for what is left over.
            left = f"{deployment.cohort} serves, what it replaces is not cleared away"
            return _pause(deployment, effect, f"{left}: {failed.reason}")
        case _:
            return roll_back(deployment, failed.reason, failed.at)


def _hook_failed(deployment: Deployment, effect: Effect, failed: Failed) -> Advance:
    assert effect.phase is not None, "hooks belong to a phase"
    words = failed.reason
    match failed.then:
        case "ignore":
            onward = after_hooks(deployment, effect.phase, failed.at)
            words = f"{failed.reason}; it was ignored"
        case "stop" if deployment.started:
            onward = _pause(deployment, effect, failed.reason)
        case "stop" | "roll_back":
            onward = roll_back(deployment, failed.reason, failed.at)
        case _:
            assert_never(failed.then)
    return onward.telling("HookCompleted", words, phase=effect.phase, failed=True)


def _why(told: Told) -> str:
    return f": {told.reason}" if told.reason else ""
