"""Callees before callers, and what can be reached."""

from __future__ import annotations

from fairway.plan.order import callees_first, reachable


def test_callees_come_first() -> None:
    assert callees_first({"a": ["b", "c"], "b": ["c"], "c": [], "d": []}) == ("c", "b", "a", "d")


def test_a_circle_has_an_order_too() -> None:
    assert callees_first({"a": ["b"], "b": ["a", "c"], "c": []}) == ("c", "b", "a")
    assert callees_first({"a": ["a"]}) == ("a",)


def test_who_is_called_by_several_stands_before_all_of_them() -> None:
    calls = {"a": ["z"], "b": ["a", "z"], "c": ["b"], "z": []}
    order = callees_first(calls)
    assert all(order.index(callee) < order.index(name) for name in calls for callee in calls[name])


def test_names_that_are_not_there_are_ignored() -> None:
    assert callees_first({"a": ["nobody"]}) == ("a",)


def test_a_chain_of_thousands_is_no_recursion() -> None:
    calls = {f"s{n:05}": [f"s{n + 1:05}"] for n in range(5_000)}
    assert callees_first(calls)[0] == "s04999"


def test_reachable_is_by_way_of_an_edge() -> None:
    edges = {"a": ["b"], "b": ["c"], "c": ["b"], "d": ["a"]}
    assert reachable(["a"], edges) == {"b", "c"}
    assert reachable(["b"], edges) == {"b", "c"}
    assert reachable([], edges) == frozenset()
