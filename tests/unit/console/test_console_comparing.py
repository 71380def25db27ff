"""Two traces side by side."""

from __future__ import annotations

from dataclasses import replace

from tests.console_spans import span

from fairway.console.views.comparing import compare
from fairway.telemetry.port import Span


def test_spans_are_matched_by_their_place_and_their_order() -> None:
    before = [span("root", 0, 10), span("a", 1, 2, "root"), span("b", 4, 1, "root")]
    after = [span("root", 100, 20), span("a", 101, 8, "root"), span("c", 110, 1, "root"),
             span("b", 112, 1, "root")]  # fmt: skip
    found = compare(before, after)
    assert [(pair.span.name, pair.change) for pair in found.pairs] == [
        ("root", "slower"), ("a", "slower"), ("c", "added"), ("b", "same"),
    ]  # fmt: skip
    assert found.duration == 20
    assert found.pairs[0].difference == 10
    assert found.counts == {"slower": 2, "added": 1, "same": 1}


def test_what_is_gone_takes_everything_below_it_along() -> None:
    before = [span("root", 0, 10), span("a", 1, 8, "root"), span("deep", 2, 1, "a")]
    found = compare(before, [span("root", 0, 10)])
    assert [(pair.depth, pair.change) for pair in found.pairs] == [
        (0, "same"), (1, "removed"), (2, "removed"),
    ]  # fmt: skip


def test_small_differences_are_none() -> None:
    found = compare([span("root", 0, 1.0)], [span("root", 0, 1.05)])
    assert found.pairs[0].change == "same"


def test_the_same_call_many_times_is_matched_in_turn() -> None:
    def calls(count: int) -> list[Span]:
        children = [span(f"c{n}", n, 1, "root", kind="client") for n in range(count)]
        return [span("root", 0, 10), *[replace(child, name="query") for child in children]]

    found = compare(calls(2), calls(3))
    assert [pair.change for pair in found.pairs] == ["same", "same", "same", "added"]


def test_nothing_against_something() -> None:
    assert [pair.change for pair in compare([], [span("a", 0, 1)]).pairs] == ["added"]
