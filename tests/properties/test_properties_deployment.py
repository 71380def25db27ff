"""What holds for every deployment, whatever happens to it and whenever.

A random course is driven by random happenings against a world that loses no request: that is
checked after every effect, also when an effect is carried out and then reported as failed.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.deployments import COMMANDS, World, a_deployment, courses, happenings, move_sets

from fairway.delivery.course import Course
from fairway.delivery.deployment import TERMINAL, Deployment
from fairway.delivery.happenings import Approved, Done, Failed, Happening, Judged, Told
from fairway.delivery.transitions import IllegalTransition, advance, objection
from fairway.plan.plan import Move

ENDS = {"DeploymentSucceeded", "DeploymentRolledBack", "DeploymentFailed", "DeploymentCancelled"}


def drive(data: st.DataObject, deployment: Deployment, world: World, steps: int) -> Deployment:
    at = 0.0
    for _ in range(steps):
        if deployment.effect is None:
            break
        at += 1.0
        effect = deployment.effect
        happening = data.draw(happenings(effect, at, deployment.inbox))
        halfway = isinstance(happening, Failed) and data.draw(st.booleans())
        if isinstance(happening, Done) or halfway:
            world.carry_out(deployment, effect)
        deployment = advance(deployment, happening).deployment
    return deployment


def finish(deployment: Deployment, world: World) -> Deployment:
    """The shortest way out: everything works, people agree, nobody pauses."""
    for _ in range(200):
        effect = deployment.effect
        if effect is None:
            return deployment
        happening: Happening = Done(1e6)
        match effect.step:
            case "await_approval":
                happening = Approved(1e6, (), deployment.inbox + 1)
            case "watch":
                happening = Judged(1e6, "pass", "fine")
            case "await_resume":
                happening = Told(1e6, "resume", "ada", "", deployment.inbox + 1)
            case _:
                world.carry_out(deployment, effect)
        deployment = advance(deployment, happening).deployment
    raise AssertionError(f"never ends: {deployment.status}, {deployment.effect}")


@settings(max_examples=300)
@given(data=st.data(), course=courses(), moves=move_sets())
def test_nobody_loses_a_request_and_it_always_ends(
    data: st.DataObject, course: Course, moves: tuple[Move, ...]
) -> None:
    deployment = a_deployment(course, moves)
    world = World.before(deployment)
    before = World.before(deployment)
    deployment = drive(data, deployment, world, data.draw(st.integers(0, 60)))
    ended = finish(deployment, world)
    assert ended.status in TERMINAL
    match ended.status:
        case "succeeded":
            for move in moves:
                expected = {move.after: move.replicas} if move.after else {}
                assert world.running.get(move.service, {}) == expected
        case "rolled_back" | "cancelled":
            for move in moves:
                if move.before == move.after:
                    continue  # only scaled: whatever it has, it serves
                assert world.running.get(move.service, {}) == before.running.get(move.service, {})
                assert world.weights.get(move.service, {}) == before.weights.get(move.service, {})


@settings(max_examples=200)
@given(data=st.data(), course=courses(), moves=move_sets())
def test_the_end_is_the_end_and_told_once(
    data: st.DataObject, course: Course, moves: tuple[Move, ...]
) -> None:
    deployment = a_deployment(course, moves)
    told: list[str] = []
    at = 0.0
    while deployment.effect is not None and at < 400:
        at += 1.0
        step = advance(deployment, data.draw(happenings(deployment.effect, at, deployment.inbox)))
        deployment = step.deployment
        told += [announcement.type for announcement in step.announcements]
    if deployment.over:
        assert sum(kind in ENDS for kind in told) == 1
        assert deployment.ended_at is not None
        with pytest.raises(IllegalTransition):
            advance(deployment, Done(at))
        assert all(objection(deployment, command) for command in COMMANDS)


@settings(max_examples=200)
@given(data=st.data(), course=courses(), moves=move_sets())
def test_the_same_happenings_lead_to_the_same_deployment(
    data: st.DataObject, course: Course, moves: tuple[Move, ...]
) -> None:
    """What a recovered engine relies on: it is told the recorded happenings again."""
    first = second = a_deployment(course, moves)
    for number in range(40):
        if first.effect is None:
            break
        happening = data.draw(happenings(first.effect, float(number), first.inbox))
        first = advance(first, happening).deployment
        second = advance(second, happening).deployment
    assert first == second


@given(course=courses())
def test_a_happening_that_answers_nothing_is_illegal(course: Course) -> None:
    with pytest.raises(IllegalTransition):
        advance(a_deployment(course), Judged(1.0, "pass", "out of turn"))
