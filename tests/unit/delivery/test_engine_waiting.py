"""What orders amount to while a deployment waits, and when a stage that is watched ends. Pure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.delivery_support import NOW, deployment

from fairway.delivery.analysis.verdict import Outcome, Verdict
from fairway.delivery.course import Gate, Stage
from fairway.delivery.deployment import Deployment, Effect
from fairway.delivery.engine.waiting import answered
from fairway.delivery.engine.watching import ended
from fairway.delivery.happenings import Agreed, Approved, Refused, Told
from fairway.delivery.store.deployments import Order, OrderKind


def gated(count: int = 1, inbox: int = 0) -> Deployment:
    new = deployment("d1", inbox=inbox, effect=Effect("await_approval"))
    return replace(new, course=replace(new.course, gate=Gate(count)))


def order(number: int, kind: OrderKind, by: str = "bob", role: str = "approver") -> Order:
    return Order(kind, by, role, "it is fine", NOW + number, number)


def test_enough_people_who_may_agree_approve() -> None:
    given = [order(1, "approve"), order(2, "approve", "eve", "admin")]
    answer = answered(gated(2), given)
    assert isinstance(answer, Approved)
    assert [(each.by, each.role) for each in answer.approvals] == [
        ("bob", "approver"), ("eve", "admin"),
    ]  # fmt: skip
    assert (answer.inbox, answer.at) == (2, NOW + 2)


@pytest.mark.parametrize(
    "second",
    [order(2, "approve"), order(2, "approve", "ada"), order(2, "approve", "eve", "deployer")],
    ids=["twice", "one's own", "without the role"],
)
def test_some_approvals_do_not_count(second: Order) -> None:
    answer = answered(gated(2), [order(1, "approve"), second])
    assert isinstance(answer, Agreed)
    assert [each.by for each in answer.approvals] == ["bob"]


def test_who_agreed_is_told_once_while_more_have_to() -> None:
    first = answered(gated(2), [order(1, "approve")])
    assert isinstance(first, Agreed)
    told = replace(gated(2), approvals=first.approvals)
    assert answered(told, [order(1, "approve")]) is None
    assert isinstance(answered(told, [order(1, "approve"), order(2, "abort")]), Told)


def test_approvals_count_that_were_given_before_another_order_was_heard() -> None:
    given = [order(1, "approve"), order(2, "resume"), order(3, "approve", "eve")]
    answer = answered(gated(2, inbox=2), given)
    assert isinstance(answer, Approved)
    assert answer.inbox == 3


def test_an_order_is_heard_once_and_in_its_turn() -> None:
    given = [order(1, "abort"), order(2, "approve")]
    assert isinstance(answered(gated(), given), Told)
    assert isinstance(answered(gated(inbox=1), given), Approved)


def test_one_who_may_refuses() -> None:
    refused = answered(gated(2), [order(1, "approve"), order(2, "reject", "eve")])
    assert refused == Refused(NOW + 2, "rejected by eve: it is fine", 2)
    assert answered(gated(), [order(1, "reject", role="deployer")]) is None


def verdict(outcome: Outcome, *, harmless: bool = False) -> Verdict:
    return Verdict(outcome, harmless, "in words", (), 10, 0)


def at_stage(stage: Stage, since: float = NOW) -> tuple[Deployment, Effect]:
    effect = Effect("watch", since=since, deadline=since + stage.bake)
    new = deployment("d1", effect=effect)
    course = replace(new.course, stages=(stage, Stage(100)), patience=600.0)
    return replace(new, course=course), effect


BAKED = Stage(5, 60.0, judged=True)
PROVEN = Stage(5, 60.0, judged=True, evidence=True)
TIMED = Stage(5, 60.0)


@pytest.mark.parametrize(
    ("stage", "after", "seen", "outcome"),
    [
        (BAKED, 1, verdict("fail"), "fail"),
        (BAKED, 59, verdict("pass", harmless=True), None),
        (BAKED, 60, verdict("pass", harmless=True), "pass"),
        (BAKED, 60, verdict("need_more_data", harmless=True), "pass"),
        (BAKED, 60, verdict("need_more_data"), None),
        (BAKED, 600, verdict("need_more_data"), "inconclusive"),
        (PROVEN, 60, verdict("need_more_data", harmless=True), None),
        (PROVEN, 60, verdict("pass", harmless=True), "pass"),
        (PROVEN, 600, verdict("need_more_data", harmless=True), "inconclusive"),
        (TIMED, 59, verdict("fail"), None),
        (TIMED, 60, verdict("fail"), "pass"),
    ],
)
def test_a_stage_ends(stage: Stage, after: float, seen: Verdict, outcome: str | None) -> None:
    judged = ended(*at_stage(stage), seen, NOW + after)
    assert (judged.outcome if judged else None) == outcome
