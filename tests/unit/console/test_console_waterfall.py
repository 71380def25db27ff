"""Traces as rows: places, the critical path, badges, and whatever odd spans arrive."""

from __future__ import annotations

import pytest
from tests.console_spans import span

from fairway.console.views.badges import badges, status_code
from fairway.console.views.spantree import in_order, tree
from fairway.console.views.waterfall import Waterfall, service_colours, ticks, waterfall
from fairway.telemetry.port import Value


def names(drawing: Waterfall) -> list[str]:
    return [f"{'.' * row.depth}{row.span.name}" for row in drawing.rows]


def badge_texts(**attributes: Value) -> list[str]:
    renamed = {name.replace("__", "."): value for name, value in attributes.items()}
    return [badge.text for badge in badges(span("a", 0, 1, attributes=renamed))]


def test_rows_are_parents_before_children_and_siblings_by_start() -> None:
    drawing = waterfall(
        [span("late", 6, 2, "root"), span("deep", 3, 1, "early"), span("root", 0, 10),
         span("early", 2, 3, "root")]
    )  # fmt: skip
    assert names(drawing) == ["root", ".early", "..deep", ".late"]
    assert drawing.rows[1].bar.offset == pytest.approx(0.2)
    assert drawing.rows[1].bar.width == pytest.approx(0.3)
    assert drawing.duration == 10


def test_nothing_gives_an_empty_drawing() -> None:
    assert waterfall([]).rows == ()


def test_a_span_without_duration_is_drawn() -> None:
    drawing = waterfall([span("instant", 5, 0)])
    assert drawing.rows[0].bar.width == 1.0
    assert drawing.ticks == ()


def test_the_critical_path_is_what_the_answer_waited_for() -> None:
    """`fast` ran beside `slow` and ended first: nobody waited for it."""
    drawing = waterfall(
        [span("root", 0, 10), span("slow", 1, 6, "root"), span("fast", 1, 2, "root"),
         span("last", 8, 1, "root")]
    )  # fmt: skip
    critical = {
        row.span.name: [
            (round(b.offset * 10), round((b.offset + b.width) * 10)) for b in row.critical
        ]
        for row in drawing.rows
    }
    assert critical == {
        "root": [(0, 1), (7, 8), (9, 10)], "slow": [(1, 7)], "fast": [], "last": [(8, 9)],
    }  # fmt: skip


def test_what_is_consumed_later_is_waited_for_by_nobody() -> None:
    drawing = waterfall([span("root", 0, 2), span("job", 1, 9, "root", kind="consumer")])
    assert drawing.rows[1].critical == ()
    assert drawing.duration == 10


def test_shares_say_which_service_the_time_went_to() -> None:
    drawing = waterfall([span("root", 0, 4), span("call", 1, 3, "root", service="axon")])
    assert [(s.service, s.seconds, s.part) for s in drawing.shares] == [
        ("axon", 3, 0.75), ("orbit", 1, 0.25),
    ]  # fmt: skip


def test_own_time_is_what_no_child_covers() -> None:
    drawing = waterfall(
        [span("root", 0, 10), span("a", 1, 4, "root"), span("b", 3, 4, "root"),
         span("long", 9, 5, "root")]
    )  # fmt: skip
    assert drawing.rows[0].own == pytest.approx(3)


def test_a_missing_parent_makes_a_root_that_says_so() -> None:
    drawing = waterfall([span("alone", 0, 1, "gone")])
    assert [badge.text for badge in drawing.rows[0].badges] == ["no parent"]


def test_what_a_silent_program_has_passed_on_stands_where_service_and_time_fit() -> None:
    """orbit has no SDK: its Envoys know of the request that came and of the one that it made."""
    drawing = waterfall(
        [span("gateway", 0, 10, service="gateway"), span("in", 1, 8, "gateway"),
         span("out", 2, 5, "never sent", kind="client"), span("axon", 3, 3, "out", service="axon")]
    )  # fmt: skip
    assert names(drawing) == ["gateway", ".in", "..out", "...axon"]
    assert [badge.text for badge in drawing.rows[2].badges] == ["placed by time"]
    assert [share.service for share in drawing.shares] == ["orbit", "axon", "gateway"]


def test_a_circle_of_parents_is_opened_at_its_earliest_span() -> None:
    drawing = waterfall(
        [span("b", 1, 1, "a"), span("a", 0, 3, "c"), span("c", 2, 1, "b"), span("root", 0, 9)]
    )
    assert names(drawing) == ["a", ".b", "..c", "root"] or names(drawing)[0] == "root"
    assert "circle" in [badge.text for row in drawing.rows for badge in row.badges]


def test_its_own_parent_is_a_root() -> None:
    assert names(waterfall([span("self", 0, 1, "self")])) == ["self"]


def test_an_id_used_twice_keeps_both_spans() -> None:
    drawing = waterfall([span("same", 0, 4), span("same", 1, 2), span("below", 2, 1, "same")])
    assert sorted(names(drawing)) == [".below", "same", "same"]


def test_a_child_that_seems_to_start_before_its_parent_is_centred_in_it() -> None:
    skewed = span("child", -50, 2, "root", service="axon")
    drawing = waterfall(
        [span("root", 0, 10), skewed, span("deep", -49, 1, "child", service="axon")]
    )
    child, deep = drawing.rows[1], drawing.rows[2]
    assert (child.skew, deep.skew) == (54, 54)
    assert child.bar.offset == pytest.approx(0.4)
    assert deep.bar.offset == pytest.approx(0.5)
    assert "clock" in [badge.text for badge in child.badges]


def test_another_process_below_a_moved_span_keeps_its_own_clock() -> None:
    spans = [span("root", 0, 10), span("child", -50, 2, "root", service="axon"),
             span("right", 4.5, 0.5, "child", service="store")]  # fmt: skip
    assert [node.skew for node in in_order(tree(spans))] == [0, 54, 0]


def test_a_very_deep_trace_needs_no_recursion() -> None:
    chain = [span(f"s{n}", n, 6000 - n, f"s{n - 1}" if n else "") for n in range(5000)]
    assert waterfall(chain).rows[-1].depth == 4999


def test_services_keep_their_colour_and_never_share_one_needlessly() -> None:
    few = service_colours(["axon", "orbit"])
    assert service_colours(["orbit", "axon"]) == few
    many = service_colours([f"service-{number}" for number in range(12)])
    assert len(set(many.values())) == 12


def test_ticks_are_round() -> None:
    assert [round(tick.seconds, 6) for tick in ticks(0.0123)] == [0, 0.005, 0.01]
    assert [tick.seconds for tick in ticks(4)] == [0, 1, 2, 3, 4]


def test_badges_tell_the_story_of_a_hop() -> None:
    assert badge_texts(
        fairway__decision="deny", fairway__policies="only-orbit", fairway__attempts="3",
        fairway__flags="UO,UF", fairway__cohort="r8", fairway__version="r7",
        http__status_code=503,
    ) == ["error 503", "denied", "breaker open", "UF", "2 retries", "cohort r8", "r7"]  # fmt: skip


def test_badges_name_policies_and_reason() -> None:
    found = badges(
        span("a", 0, 1, attributes={
            "fairway.decision": "deny", "fairway.policies": ("p1", "p2"), "fairway.reason": "why",
        })
    )  # fmt: skip
    assert found[0].title == "denied by p1, p2: why"


def test_what_envoy_could_not_fill_in_gives_no_badge() -> None:
    assert badge_texts(fairway__flags="-", fairway__cohort="-", fairway__attempts="1") == []


def test_statuses_by_both_conventions() -> None:
    assert status_code({"http.response.status_code": 404}) == 404
    assert status_code({"http.status_code": "200"}) == 200
    assert status_code({"http.status_code": "soon"}) is None
    assert badge_texts(http__status_code=404) == ["404"]
