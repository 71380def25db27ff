"""What the pages of deployments and policies are made of, without a page: pure views."""

from __future__ import annotations

import difflib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.api.fake_delivery import plan_of, release_of

from fairway.console.views.canary import comparisons, verdict
from fairway.console.views.cedar import lines_of
from fairway.console.views.course import marks
from fairway.console.views.denials import BARS, denials
from fairway.console.views.differences import diff_of
from fairway.console.views.releases import event_rows, release_rows
from fairway.console.views.steering import buttons
from fairway.control.recorded import AuditEntry
from fairway.delivery.course import Course, Gate, Stage
from fairway.delivery.deployment import Deployment, Effect, Status, Step
from fairway.delivery.port import Actor, DeliveryEvent, VersionNumbers, Watching

COURSE = Course(
    (Stage(0, 5.0, mirror=10), Stage(20, 5.0, judged=True, evidence=True), Stage(100)),
    gate=Gate(count=1),
    windows=True,
)
ADA, BEN = Actor("ada", "admin"), Actor("ben", "deployer")


def deployment(
    status: Status, step: Step | None, *, stage: int = 0, serving: int = 0, started: bool = True
) -> Deployment:
    effect = None if step is None else Effect(step, stage=stage)
    return Deployment(
        "d2", plan_of(1), COURSE, 2, 1, "ben", 100.0, status=status, effect=effect, stage=stage,
        serving=serving, started=started,
    )  # fmt: skip


def line(of: Deployment) -> str:
    return " ".join(f"{mark.label.replace(' ', '_')}:{mark.state}" for mark in marks(of))


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (
            deployment("awaiting_approval", "await_approval", started=False),
            "plan:done approval:waits window:ahead start:ahead copies_10_%:ahead 20_%:ahead "
            "100_%:ahead in_force:ahead",
        ),
        (
            deployment("verifying", "watch", stage=1, serving=20),
            "plan:done approval:done window:done start:done copies_10_%:done 20_%:now "
            "100_%:ahead in_force:ahead",
        ),
        (
            deployment("succeeded", None, stage=2, serving=100),
            "plan:done approval:done window:done start:done copies_10_%:done 20_%:done "
            "100_%:done in_force:done",
        ),
        (
            deployment("rolled_back", None, stage=1),
            "plan:done approval:done window:done start:done copies_10_%:done 20_%:failed "
            "100_%:ahead in_force:ahead back_at_r1:done",
        ),
        (
            deployment("cancelled", None, started=False),
            "plan:done approval:failed window:ahead start:ahead copies_10_%:ahead 20_%:ahead "
            "100_%:ahead in_force:ahead",
        ),
    ],
)
def test_a_course_shows_where_a_deployment_is(of: Deployment, expected: str) -> None:
    assert line(of) == expected


def test_a_paused_deployment_waits_where_it_was_interrupted() -> None:
    held = replace(
        deployment("verifying", "await_resume", stage=1, serving=20),
        paused="by hand", interrupted=Effect("watch", stage=1),
    )  # fmt: skip
    assert "20_%:waits" in line(held)


CHECK = {
    "name": "p95", "unit": "seconds", "candidate": 0.02, "stable": 0.01, "candidate_requests": 5,
    "stable_requests": 9, "outcome": "need_more_data", "doubt_worse": 0.4, "doubt_fine": 1e-9,
    "limit": None, "service": "axon",
}  # fmt: skip
SEEN = Watching(
    10.0, 1, 3, 20, 5.0, 15.0, "need_more_data", "no sign of harm",
    (
        VersionNumbers("axon", "r2", 20, 100, 3, 4.0, 0.01, 0.02, (1.0, 4.0)),
        VersionNumbers("axon", "r1", 80, 400, 0, 16.0, 0.01, 0.01, (16.0, 16.0)),
        VersionNumbers("orbit", "r2", 20, 0, 0, 0.0, None, None),
    ),
    (CHECK, {**CHECK, "name": "slo p95", "limit": 0.2, "outcome": "fail"}),
    harmed=3,
)  # fmt: skip


def test_both_versions_of_each_service_are_side_by_side() -> None:
    axon, orbit = comparisons(deployment("verifying", "watch", stage=1, serving=20), SEEN)
    assert axon.new is not None
    assert axon.old is not None
    assert (axon.new.version, axon.new.error_share, axon.new.p95) == ("r2", "3.0 %", "20 ms")
    assert (axon.old.version, axon.old.error_share) == ("r1", "0.0 %")
    compared, limited = axon.evidence
    assert (compared.new, compared.old, compared.worse, compared.fine) == (
        "20 ms", "10 ms", 60.0, 99.9,
    )  # fmt: skip
    assert (limited.limit, limited.words, limited.worse) == (
        "200 ms", "over the limit, beyond doubt", None,
    )  # fmt: skip
    assert orbit.old is None
    assert orbit.evidence == ()


def test_a_verdict_says_who_was_harmed_and_how_long_it_is_watched() -> None:
    found = verdict(deployment("verifying", "watch", stage=1, serving=20), SEEN, 12.0)
    assert found is not None
    assert (found.tone, found.remaining) == ("busy", 3.0)
    assert found.harmed == "3 requests harmed of 100 that r2 answered"


@pytest.mark.parametrize(
    ("status", "outcome", "expected"),
    [
        ("verifying", "need_more_data", ("busy", "not certain yet")),
        ("rolling_back", "need_more_data", ("idle", "goes back")),
        ("rolled_back", "need_more_data", ("idle", "ended without a verdict")),
        ("rolled_back", "pass", ("idle", "ended without a verdict")),
        ("rolled_back", "fail", ("bad", "worse, beyond doubt")),
        ("failed", "need_more_data", ("idle", "ended without a verdict")),
        ("succeeded", "need_more_data", ("ok", "in force")),
    ],
)
def test_nothing_is_busy_about_a_deployment_that_is_over(
    status: Status, outcome: str, expected: tuple[str, str]
) -> None:
    of = deployment(status, None, stage=1)
    found = verdict(of, replace(SEEN, outcome=outcome), 12.0)
    assert found is not None
    assert (found.tone, found.title) == expected
    compared = comparisons(of, SEEN)[0].evidence[0]
    assert (compared.tone == "busy") == (status == "verifying")


def orders(of: Deployment, actor: Actor) -> dict[str, str]:
    return {button.order: button.why_not for button in buttons(of, actor)}


def test_buttons_are_those_that_make_sense() -> None:
    watched = deployment("verifying", "watch", stage=1, serving=20)
    assert list(orders(watched, BEN)) == ["promote", "promote_fully", "pause", "abort"]
    assert not any(orders(watched, BEN).values())
    assert orders(watched, Actor("vera", "viewer"))["abort"] == "this needs the role deployer"
    assert orders(deployment("succeeded", None), ADA) == {}


def test_nobody_approves_their_own_deployment() -> None:
    held = deployment("awaiting_approval", "await_approval", started=False)
    assert orders(held, Actor("ben", "admin"))["approve"].startswith("ben started it")
    assert orders(held, ADA)["approve"] == ""
    assert orders(held, BEN)["override"] == "this needs the role admin"


@given(
    st.lists(st.sampled_from("abc+-@ "), max_size=12), st.lists(st.text(max_size=3), max_size=12)
)
def test_a_diff_shown_can_be_read_back(old: list[str], new: list[str]) -> None:
    new = [line for line in new if line.splitlines() in ([], [line])]
    text = "\n".join(difflib.unified_diff(old, new, "a", "b", lineterm="", n=99))
    rows = diff_of(text).rows
    assert [row.text for row in rows if row.kind in ("same", "add")] == (new if text else [])
    assert [row.new for row in rows if row.new] == [*range(1, len(new) + 1)] * bool(text)
    assert [row.text for row in rows if row.kind in ("same", "del")] == (old if text else [])


@given(st.text(alphabet=st.sampled_from('permit forbid @"\\/\n(){};=x1☃'), max_size=60))
def test_coloured_cedar_loses_nothing(text: str) -> None:
    shown = "\n".join("".join(piece.text for piece in line.pieces) for line in lines_of(text))
    assert shown == text.removesuffix("\n")


def test_comments_strings_and_effects_have_their_colours() -> None:
    (line,) = lines_of('forbid (principal) when { "// no" == 1 }; // why')
    kinds = {piece.text: piece.kind for piece in line.pieces}
    assert kinds['"// no"'] == "string"
    assert kinds["// why"] == "note"
    assert (kinds["forbid"], kinds["principal"], kinds["1"]) == ("effect", "word", "number")


def denied(at: float, caller: str = "Client::web") -> AuditEntry:
    return AuditEntry("axon", 1, at, "decision", caller, "axon", "reason", "deny", "because")


def test_a_burst_of_denials_is_a_spike_and_a_trickle_is_none() -> None:
    trickle = [denied(float(second)) for second in range(0, 3600, 90)]
    quiet = denials(trickle, 0.0, 3600.0, 1000)
    assert (quiet.total, quiet.spikes, len(quiet.bars)) == (40, 0, BARS)
    burst = [denied(1800.0 + n / 10, "Client::intruder") for n in range(30)]
    loud = denials([*trickle, *burst], 0.0, 3600.0, 1000)
    assert [bar.count >= 30 for bar in loud.bars if bar.spike] == [True]
    assert (loud.most[0].caller, loud.most[0].count) == ("Client::web", 40)
    assert loud.most[1].count == 30


@given(st.lists(st.floats(-100, 4000), max_size=50))
def test_bars_count_every_denial_of_the_span_and_stay_in_the_picture(times: list[float]) -> None:
    found = denials([denied(at) for at in times], 0.0, 3600.0, 1000)
    assert sum(bar.count for bar in found.bars) == sum(0 <= at < 3600 for at in times)
    assert all(bar.y >= 0 and bar.y + bar.height <= 72.2 for bar in found.bars)


def test_a_reason_is_told_once() -> None:
    told = [
        DeliveryEvent(1, 1.0, "AnalysisCompleted", "d2", "r2 is worse", {}),
        DeliveryEvent(2, 2.0, "RollbackStarted", "d2", "r2 is worse", {}),
    ]
    assert [row.words for row in event_rows(told)] == [
        "It goes back to what was before",
        "r2 is worse",
    ]


def test_what_only_repeats_the_row_before_it_is_left_out() -> None:
    told = [
        DeliveryEvent(1, 1.0, "AnalysisCompleted", "d2", "too few answers", {}),
        DeliveryEvent(2, 2.0, "RollbackStarted", "d2", "no verdict in time: too few answers", {}),
        DeliveryEvent(3, 3.0, "WeightShifted", "d2", "no more new requests go to it", {}),
        DeliveryEvent(4, 4.0, "VersionRetired", "d2", "r2 is gone", {}),
        DeliveryEvent(5, 5.0, "RollbackStarted", "d2", "r2 is gone", {}),
        DeliveryEvent(6, 6.0, "RollbackStarted", "d2", "r2 is gone", {}),
    ]
    assert [(row.id, row.words) for row in event_rows(told)] == [
        (5, "It goes back to what was before"),
        (4, "r2 is gone"),
        (3, "no more new requests go to it"),
        (2, "no verdict in time"),
        (1, "too few answers"),
    ]


def test_a_release_is_compared_with_the_one_that_was_kept_before_it() -> None:
    rows = release_rows([release_of(5, "ada"), release_of(3, "ada")], [], in_force=5)
    assert [(row.number, row.before, row.offers) for row in rows] == [
        (5, 3, ""),
        (3, 0, "Roll back"),
    ]
