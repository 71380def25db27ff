"""What waits in a database is read back whole, also by a Fairway that knows more or less of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.delivery.codec import decode, decode_happening, encode
from fairway.delivery.course import Course, Gate, Stage
from fairway.delivery.deployment import Approval, Deployment, Effect
from fairway.delivery.happenings import Done, Failed, Happening, Judged
from fairway.errors import InvalidInput
from fairway.plan.plan import Change, Move, Plan
from fairway.plan.preview import MonthlyCost, Preview
from fairway.plan.release import Release, ReleaseContent, ServiceRelease
from fairway.targets.contract import Traffic

JSON = st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.integers(), st.text()))
TIMES = st.floats(0, 1e12)


def plans() -> st.SearchStrategy[Plan]:
    return st.builds(
        Plan, changes=st.lists(st.builds(Change)).map(tuple),
        moves=st.lists(st.builds(Move)).map(tuple), strategy=JSON, preview=previews(),
    )  # fmt: skip


def previews() -> st.SearchStrategy[Preview]:
    costs = st.lists(st.builds(MonthlyCost, before=TIMES, after=TIMES), max_size=2).map(tuple)
    return st.builds(Preview, costs=costs, budget=st.none() | TIMES)


def courses() -> st.SearchStrategy[Course]:
    stages = st.lists(st.builds(Stage, bake=TIMES), max_size=3).map(tuple)
    return st.builds(Course, stages=stages, gate=st.builds(Gate, timeout=TIMES), patience=TIMES)


def approvals() -> st.SearchStrategy[tuple[Approval, ...]]:
    return st.lists(st.builds(Approval, at=TIMES), max_size=2).map(tuple)


def deployments() -> st.SearchStrategy[Deployment]:
    effects = st.none() | st.builds(Effect, since=TIMES, deadline=st.none() | TIMES)
    return st.builds(
        Deployment, plan=plans(), course=courses(), at=TIMES, effect=effects, interrupted=effects,
        approvals=approvals(), ended_at=st.none() | TIMES,
    )  # fmt: skip


def happenings() -> st.SearchStrategy[Happening]:
    """Every kind that there is, also those that are added later."""
    made = {
        "at": TIMES,
        "until": TIMES,
        "plan": plans(),
        "course": courses(),
        "approvals": approvals(),
    }
    return st.one_of(
        st.builds(kind, **{name: made[name] for name in made.keys() & kind.__match_args__})
        for kind in get_args(Happening)
    )


@given(deployments())
def test_a_deployment_comes_back_as_it_was(deployment: Deployment) -> None:
    assert decode(Deployment, encode(deployment)) == deployment


@given(happenings())
def test_a_happening_comes_back_as_it_was(happening: Happening) -> None:
    assert decode_happening(encode(happening)) == happening


def test_keys_that_are_numbers_and_tuples_of_two_come_back() -> None:
    traffic = Traffic(7, 1, {12: 3, 400: 4}, {"paid": (3, 7)})
    assert decode(Traffic, encode(traffic)) == traffic
    service = ServiceRelease({"run": "serve", "scale": {"min": 2}}, "sha256:1", {"KEY": 3}, "d")
    content = ReleaseContent({"app": "shop"}, {"web": service}, 4, "p", {"db": (3, 5)})
    release = Release(7, "sha256:2", content, "ada", 12.5)
    assert decode(Release, encode(release)) == release


def edited(text: str, **fields: Any) -> str:
    envelope = json.loads(text)
    envelope["value"] |= fields
    return json.dumps(envelope)


def test_a_field_of_a_newer_fairway_is_left_out() -> None:
    assert decode(Done, edited(encode(Done(1.0)), weather="fine")) == Done(1.0)


def test_a_field_that_is_newer_than_the_value_has_its_default() -> None:
    envelope = json.loads(encode(Failed(1.0, "no", retry=True)))
    del envelope["value"]["retry"]
    assert decode_happening(json.dumps(envelope)) == replace(Failed(1.0, "no"), retry=False)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"at": "noon"}, r"Judged\.at: .*float was expected, this is str"),
        ({"at": True}, "float was expected, this is bool"),
        ({"outcome": "splendid"}, r"Judged\.outcome: .*'splendid' is none of pass, fail"),
        ({"words": None}, "str was expected, this is NoneType"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(fields: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidInput, match=what):
        decode_happening(edited(encode(Judged(1.0, "pass", "fine")), **fields))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "not JSON"),
        ("[]", "not written by Fairway"),
        ('{"fairway": 2, "is": "Done", "value": {"at": 1}}', "format 2 is not known here"),
        ('{"fairway": 1, "is": "Done", "value": {}}', "at is missing"),
        ('{"fairway": 1, "is": "Move", "value": {}}', "Move is not a happening"),
    ],
)
def test_what_is_no_happening_is_refused(text: str, what: str) -> None:
    with pytest.raises(InvalidInput, match=what):
        decode_happening(text)


def test_what_is_no_plain_value_is_not_written() -> None:
    with pytest.raises(TypeError, match="object is no plain value"):
        encode(Change("start", object()))  # type: ignore[arg-type]
