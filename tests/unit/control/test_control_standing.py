"""How a delivery stands, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.delivery_support import deployment

from fairway.control.standing import (
    deployment_words,
    drift_words,
    local_event,
    needs_someone,
    untold_words,
)
from fairway.delivery.deployment import Deployment, Effect
from fairway.delivery.port import DeadLetter, DeliveryEvent
from fairway.targets.contract import Drift

NEW = deployment("d1", release=8)


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (NEW, "r8 is being deployed, at 0 % of new requests; fairway follow"),
        (
            replace(NEW, status="verifying", serving=25, paused="paused by bob: lunch"),
            "r8 is paused at 25 %: paused by bob: lunch; fairway promote, resume or abort",
        ),
        (
            replace(NEW, status="awaiting_approval", effect=Effect("await_approval")),
            "r8 waits until someone agrees; fairway approve or reject",
        ),
        (
            replace(NEW, status="awaiting_approval", effect=Effect("await_window")),
            "r8 waits until changes are allowed; fairway follow",
        ),
        (
            replace(
                NEW,
                status="awaiting_approval",
                effect=Effect("await_window"),
                held="frozen until 2026-12-26: holidays",
            ),
            "r8 waits: frozen until 2026-12-26: holidays; fairway follow",
        ),
        (
            replace(NEW, status="rolling_back", reason="half of its answers failed"),
            "r8 is rolled back: half of its answers failed; fairway follow",
        ),
    ],
)
def test_what_is_under_way_and_what_to_do(standing: Deployment, words: str) -> None:
    assert deployment_words([standing]) == (words,)


def test_what_goes_on_by_itself_is_no_warning() -> None:
    assert not needs_someone([])
    assert not needs_someone([NEW, NEW])
    waiting = replace(NEW, status="awaiting_approval")
    assert not needs_someone([replace(waiting, effect=Effect("await_window"), held="frozen")])
    assert needs_someone([replace(waiting, effect=Effect("await_approval"))])
    assert needs_someone([replace(NEW, status="verifying", paused="paused by bob")])
    assert needs_someone([replace(NEW, status="rolling_back")])


def test_nothing_under_way_needs_no_words() -> None:
    assert deployment_words([]) == ()
    assert drift_words([]) == ()


def test_those_that_wait_are_named() -> None:
    later = [deployment("d2", release=9), deployment("d3", release=10)]
    assert deployment_words([NEW, *later[:1]])[1] == "r9 waits for the end of it"
    assert deployment_words([NEW, *later])[1] == "r9, r10 wait for the end of it"


def test_some_differences_are_named_and_the_others_counted() -> None:
    found = [Drift("replicas", f"axon{n}", "2", "1", "") for n in range(5)]
    words = drift_words(found)
    assert words[0] == "axon0: 1 instead of 2; fairway drift"
    assert (len(words), words[-1]) == (4, "2 more differences; fairway drift")


def test_who_was_not_told_and_why() -> None:
    gone = "it answered 410"
    dead = [DeadLetter("slack OPS", number, "d1", 1, gone) for number in (1, 2)]
    other = DeadLetter("webhook http://a", 3, "d1", 12, "it answered 500")
    assert untold_words([*dead, other]) == (
        "slack OPS was not told of 2 events: it answered 410",
        "webhook http://a was not told of 1 event: it answered 500",
    )


def test_events_of_the_delivery_in_the_log() -> None:
    event = DeliveryEvent(1, 0.0, "DeploymentPaused", "d1", "no verdict", {"release": 8})
    assert local_event(event) == ("deployment.paused", "r8", "no verdict", "warning")
    assert local_event(replace(event, type="DeploymentFailed", data={}))[1:] == (
        "", "no verdict", "error",
    )  # fmt: skip
    assert local_event(replace(event, type="WeightShifted"))[3] == "info"
