"""The way forward: what follows when an effect of a deployment was carried out. Pure.

Called by `transitions.py`, which draws the whole way in its docstring.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from fairway.delivery.advancing import Advance, IllegalTransition, end, go, stage_of
from fairway.delivery.course import Gate, Phase, Stage
from fairway.delivery.deployment import Deployment, Effect, Status
from fairway.delivery.happenings import Agreed, Approved, Held, Replanned


def done(deployment: Deployment, effect: Effect, at: float) -> Advance:  # noqa: C901, PLR0911 - a case per step
    """What follows an effect of the way forward that was carried out."""
    match effect.step:
        case "begin":
            started = go(deployment, "planning", Effect("check_plan"))
            return started.telling(
                "DeploymentStarted",
                f"the deployment of {deployment.cohort} begins",
                by=deployment.by,
            )
        case "check_plan":
            return _planned(deployment, effect, at)
        case "await_window":
            return go(deployment, "planning", Effect("check_plan", stage=1))
        case "run_hooks":
            assert effect.phase is not None, "hooks belong to a phase"
            return after_hooks(deployment, effect.phase, at).telling(
                "HookCompleted", f"the {effect.phase} hooks passed", phase=effect.phase
            )
        case "apply":
            return _applied(deployment, effect)
        case "govern":
            return _governed(deployment, at)
        case "trim":
            return _trimmed(deployment, effect, at)
        case "shift":
            return _shifted(deployment, effect, at)
        case "retire":
            return go(deployment, "verifying", Effect("settle"))
        case "settle":
            return _hooks_or(deployment, "post_deploy", at)
        case "await_approval" | "watch" | "await_resume":
            raise IllegalTransition(f"Done says nothing about {effect.step}")
        case _:
            assert_never(effect.step)


def _planned(deployment: Deployment, effect: Effect, at: float) -> Advance:
    if effect.stage == 1:  # checked again after waiting
        return _hooks_or(deployment, "pre_deploy", at)
    return _at_the_gate(deployment, at).telling("PlanConfirmed", "the plan holds")


def _at_the_gate(deployment: Deployment, at: float) -> Advance:
    course = deployment.course
    if course.emergency:
        by, why = deployment.by, deployment.note
        onward = _hooks_or(deployment, "pre_deploy", at)
        return onward.telling(
            "EmergencyOverride", f"{by} skips every gate: {why}", by=by, reason=why
        )
    if course.gate.count:
        return _ask(deployment, course.gate, at + course.gate.timeout)
    if course.windows:
        return go(deployment, "awaiting_approval", Effect("await_window"))
    return _hooks_or(deployment, "pre_deploy", at)


def _ask(deployment: Deployment, gate: Gate, deadline: float) -> Advance:
    waiting = go(deployment, "awaiting_approval", Effect("await_approval", deadline=deadline))
    words = f"{gate.count} of {' or '.join(gate.roles)} must agree"
    return waiting.telling(
        "ApprovalRequested", words, count=gate.count, roles=list(gate.roles), deadline=deadline
    )


def replanned(deployment: Deployment, fresh: Replanned) -> Advance:
    """Another deployment ended before its turn: the gates are those of the plan that holds now."""
    base = fresh.plan.base
    anew = replace(deployment, plan=fresh.plan, course=fresh.course, base=base)
    return _planned(anew, Effect("check_plan"), fresh.at).telling(
        "DeploymentReplanned",
        f"the environment has moved: {deployment.cohort} is planned anew after r{base}",
        base=base,
    )


def agreed(deployment: Deployment, happening: Agreed) -> Advance:
    """Someone agreed and more have to: whoever looks sees who did, and it goes on waiting."""
    known = {approval.by for approval in deployment.approvals}
    names = ", ".join(each.by for each in happening.approvals if each.by not in known)
    so_far = f"{len(happening.approvals)} of {deployment.course.gate.count}"
    onward = Advance(replace(deployment, approvals=happening.approvals))
    return onward.telling("ApprovalGiven", f"{names} agreed: {so_far}", by=names)


def approved(deployment: Deployment, happening: Approved) -> Advance:
    """Enough people agreed: time has passed, so the plan is checked again."""
    let_in = replace(deployment, approvals=happening.approvals, inbox=happening.inbox)
    names = ", ".join(approval.by for approval in happening.approvals)
    if deployment.course.windows:
        onward = go(let_in, "awaiting_approval", Effect("await_window"))
    else:
        onward = go(let_in, "planning", Effect("check_plan", stage=1))
    return onward.telling("ApprovalGiven", f"approved by {names}", by=names)


def held(deployment: Deployment, effect: Effect, happening: Held) -> Advance:
    """A window or a freeze is in the way: whoever looks sees which, and it goes on waiting."""
    until = replace(effect, deadline=happening.until)
    return Advance(replace(deployment, effect=until, held=happening.reason))


def _hooks_or(deployment: Deployment, phase: Phase, at: float) -> Advance:
    """The hooks of a phase, or at once what follows them."""
    if phase not in deployment.course.hooks:
        return after_hooks(deployment, phase, at)
    status: Status = "applying" if phase in ("pre_deploy", "pre_shift") else "verifying"
    return go(deployment, status, Effect("run_hooks", phase=phase, stage=deployment.stage))


def after_hooks(deployment: Deployment, phase: Phase, at: float) -> Advance:
    """What the hooks of a phase were held before."""
    match phase:
        case "pre_deploy":
            return enter_stage(deployment, 0)
        case "pre_shift":
            return _shift(deployment)
        case "post_shift":
            return go(replace(deployment, stopped=True), "verifying", Effect("retire"))
        case "post_deploy":
            reason = f"{deployment.cohort} serves every request"
            return end(deployment, "succeeded", reason, at)
        case _:
            assert_never(phase)


def enter_stage(deployment: Deployment, number: int) -> Advance:
    """What a stage needs before its traffic: room, then candidates; later stages may need none."""
    entered = replace(deployment, stage=number, started=True)
    stage = stage_of(entered)
    status: Status = "shifting" if number else "applying"
    if stage.stop_first:
        return go(replace(entered, stopped=True), status, Effect("trim", stage=number))
    if number == 0 or stage.share is not None:
        return go(entered, status, Effect("apply", stage=number))
    return _shift(entered)


def _applied(deployment: Deployment, effect: Effect) -> Advance:
    if effect.stage:
        return _shift(deployment)
    onward = go(replace(deployment, governed=True), "applying", Effect("govern"))
    return onward.telling("VersionStarted", f"{deployment.cohort} runs, without requests yet")


def _governed(deployment: Deployment, at: float) -> Advance:
    onward = _hooks_or(deployment, "pre_shift", at)
    plan = deployment.plan
    if plan.policy_set == plan.base_policy_set:
        return onward
    return onward.telling(
        "PoliciesGoverned", f"policy set {plan.policy_set} decides", policy_set=plan.policy_set
    )


def _shift(deployment: Deployment) -> Advance:
    stage = stage_of(deployment)
    shift = Effect("shift", stage=deployment.stage, weight=stage.weight, mirror=stage.mirror)
    return go(deployment, "shifting", shift)


def _shifted(deployment: Deployment, effect: Effect, at: float) -> Advance:
    moved = replace(deployment, serving=effect.weight)
    stage = stage_of(moved)
    if stage.share is not None and not stage.stop_first:
        onward = go(replace(moved, stopped=True), "shifting", Effect("trim", stage=moved.stage))
    else:
        onward = watch(moved, at)
    return onward.telling(
        "WeightShifted", _shift_words(moved, stage), weight=effect.weight, mirror=effect.mirror,
        stage=moved.stage + 1, stages=len(moved.course.stages),
    )  # fmt: skip


def _trimmed(deployment: Deployment, effect: Effect, at: float) -> Advance:
    if stage_of(deployment).stop_first:
        return go(deployment, deployment.status, Effect("apply", stage=effect.stage))
    return watch(deployment, at)


def watch(deployment: Deployment, at: float) -> Advance:
    """Look at the stage for as long as it lasts; one that does not last is passed at once."""
    stage = stage_of(deployment)
    if not stage.watched:
        return stage_passed(deployment, at)
    watch = Effect("watch", stage=deployment.stage, since=at, deadline=at + stage.bake)
    return go(deployment, "verifying", watch)


def stage_passed(deployment: Deployment, at: float) -> Advance:
    """The next stage; after the last one the old versions go."""
    number = deployment.stage + 1
    if number < len(deployment.course.stages):
        return enter_stage(deployment, number)
    return _hooks_or(deployment, "post_shift", at)


def _shift_words(deployment: Deployment, stage: Stage) -> str:
    copied = f"{stage.mirror} % of requests are copied to it" if stage.mirror else ""
    served = f"{stage.weight} % of new requests go to {deployment.cohort}"
    return "; ".join(filter(None, (served, copied)))
