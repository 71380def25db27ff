"""The layout of the topology: nothing overlaps, and the same app is always drawn the same way."""

from __future__ import annotations

import random
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.console.views.graph import Sizes, draw, spread

names = st.sampled_from([f"n{number}" for number in range(12)])
graphs = st.tuples(st.frozensets(names), st.frozensets(st.tuples(names, names), max_size=30))
shapes = st.sampled_from([Sizes(), Sizes(across=False, gap=90, width=150)])


@given(graphs, shapes)
def test_nothing_overlaps_and_everything_is_inside(
    graph: tuple[frozenset[str], frozenset[tuple[str, str]]], sizes: Sizes
) -> None:
    nodes, edges = graph
    drawing = draw(nodes, edges, sizes)
    assert {box.name for box in drawing.boxes} == nodes
    for box in drawing.boxes:
        assert 0 <= box.x <= drawing.width - box.width + 0.2
        assert 0 <= box.y <= drawing.height - box.height + 0.2
    for one, other in combinations(drawing.boxes, 2):
        beside = one.x + one.width <= other.x or other.x + other.width <= one.x
        above = one.y + one.height <= other.y or other.y + other.height <= one.y
        assert beside or above
    for one, other in combinations(drawing.lines, 2):  # type: ignore[assignment]
        apart_x = abs(one.x - other.x) >= sizes.label_width
        apart_y = abs(one.y - other.y) >= sizes.label_height
        assert apart_x or apart_y


@given(graphs, shapes, st.randoms(use_true_random=False))
def test_the_order_of_what_is_given_changes_nothing(
    graph: tuple[frozenset[str], frozenset[tuple[str, str]]], sizes: Sizes, chance: random.Random
) -> None:
    nodes, edges = list(graph[0]), list(graph[1])
    first = draw(nodes, edges, sizes)
    chance.shuffle(nodes)
    chance.shuffle(edges)
    assert draw(nodes, edges, sizes) == first


@given(graphs)
def test_every_edge_between_two_known_nodes_is_drawn_once(
    graph: tuple[frozenset[str], frozenset[tuple[str, str]]],
) -> None:
    nodes, edges = graph
    drawn = [(line.source, line.target) for line in draw(nodes, edges).lines]
    assert sorted(drawn) == sorted((a, b) for a, b in edges if a != b and {a, b} <= nodes)


def test_callers_stand_before_callees() -> None:
    edges = [("public", "gateway"), ("gateway", "orbit"), ("orbit", "axon"), ("web", "orbit")]
    drawing = draw({name for edge in edges for name in edge}, edges)
    x = {box.name: box.x for box in drawing.boxes}
    assert x["public"] < x["gateway"] < x["orbit"] < x["axon"]
    assert x["web"] == x["gateway"], "who only calls stands close to whom it calls"


@given(
    st.lists(st.tuples(st.floats(-500, 500), st.floats(1, 80)), min_size=1, max_size=12),
)
def test_spreading_keeps_order_and_distance(wanted: list[tuple[float, float]]) -> None:
    wanted.sort()
    middles = spread([at for at, _ in wanted], [extent for _, extent in wanted])
    for (one, (_, first)), (other, (_, second)) in pairwise(zip(middles, wanted, strict=True)):
        assert other - one >= (first + second) / 2 - 1e-6
    assert sum(middles) == pytest.approx(sum(at for at, _ in wanted), abs=1e-6)
