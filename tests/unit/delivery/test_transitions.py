"""The life of a deployment, told step by step. What holds always is in the properties."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.deployments import a_deployment, canary

from fairway.delivery.advancing import IllegalTransition
from fairway.delivery.course import Course, Gate, Stage
from fairway.delivery.deployment import Approval, Deployment, Effect
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
    Told,
)
from fairway.delivery.transitions import ATTEMPTS, advance, objection
from fairway.delivery.words import waits_for

DONE = Done(1.0)
PASS = Judged(2.0, "pass", "no worse")
FAIL = Judged(2.0, "fail", "5 % of its answers failed")


def told(command: str, inbox: int = 1) -> Told:
    return Told(3.0, command, "ada", "because", inbox)  # type: ignore[arg-type]


def after(deployment: Deployment, *happenings: Happening) -> Deployment:
    for happening in happenings:
        deployment = advance(deployment, happening).deployment
    return deployment


def steps(deployment: Deployment, *happenings: Happening) -> list[str]:
    """The effects that were asked for, one after the other."""
    asked = []
    for happening in happenings:
        assert deployment.effect is not None
        asked.append(deployment.effect.step)
        deployment = advance(deployment, happening).deployment
    return [*asked, deployment.effect.step if deployment.effect else deployment.status]


def watching(course: Course | None = None) -> Deployment:
    """A canary in its first stage."""
    return after(a_deployment(course or canary(5, 50)), DONE, DONE, DONE, DONE, DONE)


def test_a_good_canary() -> None:
    found = steps(
        a_deployment(canary(5, 50)),
        DONE,
        DONE,
        DONE,
        DONE,
        DONE,
        PASS,
        DONE,
        PASS,
        DONE,
        DONE,
        DONE,
    )
    assert found == [
        "begin", "check_plan", "apply", "govern", "shift", "watch", "shift", "watch", "shift",
        "retire", "settle", "succeeded",
    ]  # fmt: skip


def test_a_bad_canary_goes_back_to_nothing() -> None:
    found = steps(watching(), FAIL, DONE, DONE, DONE, DONE)
    assert found == ["watch", "shift", "govern", "retire", "settle", "rolled_back"]
    ended = after(watching(), FAIL, DONE, DONE, DONE, DONE)
    assert (ended.reason, ended.serving) == (FAIL.words, 0)


def test_what_cannot_be_taken_away_waits_for_a_person_while_the_new_version_serves() -> None:
    retiring = after(a_deployment(Course((Stage(100),))), *[DONE] * 5)
    assert retiring.effect is not None and retiring.effect.step == "retire"
    stuck = after(retiring, Failed(1.0, "the load balancer is busy"))
    assert (stuck.serving, stuck.paused) == (
        100, "r8 serves, what it replaces is not cleared away: the load balancer is busy",
    )  # fmt: skip
    again, gone = after(stuck, told("resume")), told("abort")
    assert steps(again, DONE, DONE) == ["retire", "settle", "succeeded"]
    assert steps(stuck, gone, DONE, DONE)[1:] == ["apply", "shift", "govern"]


def test_traffic_leaves_a_bad_version_before_anything_else_happens() -> None:
    effect = after(watching(), FAIL).effect
    assert effect is not None
    assert (effect.step, effect.back, effect.weight) == ("shift", True, 0)


def test_rolling_starts_shifts_and_trims_in_turns() -> None:
    course = Course((Stage(50, share=0.5), Stage(100, share=1.0)))
    found = steps(a_deployment(course), *[DONE] * 10)
    assert found == [
        "begin", "check_plan", "apply", "govern", "shift", "trim", "apply", "shift", "trim",
        "retire", "settle",
    ]  # fmt: skip


def test_rolling_without_room_stops_before_it_starts() -> None:
    course = Course((Stage(100, share=1.0, stop_first=True),))
    assert steps(a_deployment(course), DONE, DONE, DONE)[-2:] == ["trim", "apply"]


def test_what_was_stopped_is_started_before_traffic_goes_back() -> None:
    course = Course((Stage(50, share=0.5, bake=1.0, judged=True), Stage(100, share=1.0)))
    judged = after(a_deployment(course), *[DONE] * 6)
    assert steps(judged, FAIL, DONE) == ["watch", "apply", "shift"]


def test_approval_is_followed_by_another_look_at_the_plan() -> None:
    waiting = after(a_deployment(canary(5, gate=Gate(1))), DONE, DONE)
    assert waiting.status == "awaiting_approval"
    agreed = Approved(5.0, (Approval("bo", "approver", 5.0),), inbox=1)
    assert steps(waiting, agreed, DONE) == ["await_approval", "check_plan", "apply"]
    stale = after(waiting, agreed, PlanStale(6.0, "axon runs r9 now"))
    assert (stale.status, stale.reason) == ("failed", "the plan is stale: axon runs r9 now")


def test_an_approval_that_is_not_enough_is_kept_and_told() -> None:
    waiting = after(a_deployment(canary(5, gate=Gate(2))), DONE, DONE)
    bo = Approval("bo", "approver", 5.0)
    step = advance(waiting, Agreed(5.0, (bo,)))
    assert (step.deployment.approvals, step.deployment.effect) == ((bo,), waiting.effect)
    assert [(each.type, each.words) for each in step.announcements] == [
        ("ApprovalGiven", "bo agreed: 1 of 2"),
    ]


def test_whoever_looks_sees_which_window_or_freeze_it_waits_for() -> None:
    waiting = after(a_deployment(canary(5, windows=True)), DONE, DONE)
    assert waits_for(waiting) == "", "an open window holds nobody up"
    frozen = after(waiting, Held(5.0, "frozen until 2026-12-26: holidays", 90.0))
    assert (frozen.status, frozen.effect) == (
        "awaiting_approval", Effect("await_window", deadline=90.0),
    )  # fmt: skip
    assert waits_for(frozen) == "it waits: frozen until 2026-12-26: holidays"
    assert steps(frozen, DONE, DONE) == ["await_window", "check_plan", "apply"]
    with pytest.raises(IllegalTransition):
        advance(watching(), Held(5.0, "frozen", 90.0))


def test_a_rejection_cancels() -> None:
    waiting = after(a_deployment(canary(5, gate=Gate(1))), DONE, DONE)
    step = advance(waiting, Refused(5.0, "not on a Friday", 1))
    assert step.deployment.status == "cancelled"
    assert [each.type for each in step.announcements] == [
        "DeploymentRejected",
        "DeploymentCancelled",
    ]


def test_an_override_skips_gate_and_window_and_says_so() -> None:
    waiting = after(a_deployment(canary(5, gate=Gate(2), windows=True)), DONE, DONE)
    step = advance(waiting, told("override"))
    assert step.announcements[0].type == "EmergencyOverride"
    assert steps(step.deployment, DONE) == ["check_plan", "apply"]


def test_a_pause_ends_by_watching_the_stage_anew() -> None:
    paused = after(watching(), told("pause"))
    assert paused.paused == "paused by ada: because"
    resumed = after(paused, told("resume", 2))
    assert resumed.effect is not None
    assert (resumed.effect.step, resumed.effect.since, resumed.paused) == ("watch", 3.0, "")


def test_a_paused_canary_that_turns_bad_still_goes_back() -> None:
    assert after(watching(), told("pause"), FAIL).status == "rolling_back"


@pytest.mark.parametrize(("command", "weight"), [("promote", 50), ("promote_fully", 100)])
def test_promotion(command: str, weight: int) -> None:
    effect = after(watching(canary(5, 50, 75)), told(command)).effect
    assert effect is not None
    assert (effect.step, effect.weight) == ("shift", weight)


@pytest.mark.parametrize(
    ("policy", "step"), [("pause", "await_resume"), ("promote", "shift"), ("roll_back", "shift")]
)
def test_no_verdict_in_time(policy: str, step: str) -> None:
    undecided = Judged(9.0, "inconclusive", "too few requests")
    found = after(watching(canary(5, 50, inconclusive=policy)), undecided)
    assert found.effect is not None
    assert (found.effect.step, found.effect.back) == (step, policy == "roll_back")


def test_an_abort_before_anything_started_cancels() -> None:
    waiting = after(a_deployment(canary(5, gate=Gate(1))), DONE, DONE)
    ended = after(waiting, told("abort"))
    assert (ended.status, ended.reason) == ("cancelled", "aborted by ada: because")


def test_an_abort_while_versions_start_goes_back() -> None:
    starting = after(a_deployment(canary(5)), DONE, DONE)
    assert after(starting, told("abort")).status == "rolling_back"


def test_a_passing_failure_is_tried_again_and_then_goes_back() -> None:
    starting = after(a_deployment(canary(5)), DONE, DONE)
    failing = Failed(1.0, "Envoy does not answer", retry=True)
    tried = after(starting, *[failing] * (ATTEMPTS - 1))
    assert (tried.attempts, tried.effect) == (ATTEMPTS - 1, starting.effect)
    assert after(tried, failing).status == "rolling_back"


def test_a_rollback_that_cannot_be_done_says_both_reasons() -> None:
    ended = after(watching(), FAIL, Failed(4.0, "the disk is full"))
    assert ended.status == "failed"
    assert ended.reason == f"{FAIL.words}; then the rollback failed: the disk is full"


@pytest.mark.parametrize(
    ("then", "status", "step"),
    [
        ("ignore", "shifting", "shift"),
        ("stop", "applying", "await_resume"),
        ("roll_back", "rolling_back", "shift"),
    ],
)
def test_a_failing_hook(then: str, status: str, step: str) -> None:
    course = canary(5, hooks=frozenset({"pre_shift"}))
    hooked = after(a_deployment(course), DONE, DONE, DONE, DONE)
    found = after(hooked, Failed(4.0, "smoke test: exit code 1", then=then))  # type: ignore[arg-type]
    assert found.effect is not None
    assert (found.status, found.effect.step) == (status, step)


def test_a_hook_that_stopped_it_is_run_again_or_passed_over() -> None:
    course = canary(5, hooks=frozenset({"pre_shift"}))
    hooked = after(a_deployment(course), DONE, DONE, DONE, DONE)
    stopped = after(hooked, Failed(4.0, "smoke test: exit code 1", then="stop"))
    again, over = after(stopped, told("resume")), after(stopped, told("promote"))
    assert again.effect == hooked.effect
    assert over.effect is not None
    assert over.effect.step == "shift"


def test_commands_that_make_no_sense() -> None:
    fresh, ended = a_deployment(canary(5)), after(watching(), FAIL)
    assert objection(fresh, "resume") == "the deployment is not paused"
    assert objection(fresh, "promote") == "there is no stage to promote yet"
    assert objection(ended, "abort") == "the deployment is being rolled back already"
    assert objection(watching(), "promote") is None


def test_a_command_that_came_too_late_changes_nothing_but_is_heard() -> None:
    now = watching()
    assert after(now, told("resume", inbox=4)) == replace(now, inbox=4)


def test_an_emergency_waits_for_nobody() -> None:
    course = Course((Stage(100),), gate=Gate(2), windows=True, emergency=True)
    begun = advance(after(a_deployment(course), DONE), DONE)
    assert begun.deployment.status == "applying"
    assert "EmergencyOverride" in [each.type for each in begun.announcements]
