"""What holds for every trace and every chart, however odd what arrived."""

from __future__ import annotations

import itertools
import math
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from fairway.console.views.charts import Axis, chart, laid_over, since_start
from fairway.console.views.comparing import compare
from fairway.console.views.critical import critical_path
from fairway.console.views.filters import properties, wanted_attributes
from fairway.console.views.links import Address
from fairway.console.views.spantree import in_order, tree
from fairway.console.views.waterfall import ticks, waterfall
from fairway.telemetry.port import Span

_ids = st.integers(0, 12).map(str)
_kinds = st.sampled_from(["internal", "server", "client", "producer", "consumer"])
_spans = st.lists(
    st.builds(
        Span,
        trace_id=st.just("t"), span_id=_ids, parent_id=st.one_of(st.just(""), _ids),
        name=st.sampled_from(["a", "b", "c"]), kind=_kinds,
        service=st.sampled_from(["axon", "orbit", "gateway"]), version=st.just(""),
        instance=st.sampled_from(["", "1"]),
        started_at=st.integers(0, 50).map(float), duration=st.integers(0, 50).map(float),
        status=st.just("unset"), message=st.just(""), attributes=st.just({}), resource=st.just({}),
    ),
    max_size=25,
)  # fmt: skip


@given(_spans)
def test_every_span_is_drawn_once_within_the_drawing(spans: list[Span]) -> None:
    drawing = waterfall(spans)
    assert sorted(map(id, spans)) == sorted(id(row.span) for row in drawing.rows)
    for row in drawing.rows:
        for bar in (row.bar, *row.critical):
            assert 0 <= bar.offset <= 1 and bar.width >= 0 and bar.offset + bar.width <= 1 + 1e-9
        assert 0 <= row.own <= row.span.duration + 1e-9


@given(_spans)
def test_no_child_starts_before_its_parent_and_depth_grows_by_one(spans: list[Span]) -> None:
    for node in in_order(tree(spans)):
        for child in node.children:
            assert child.start >= node.start - 1e-9
            assert child.depth == node.depth + 1


@given(_spans)
def test_the_critical_path_covers_its_root_exactly(spans: list[Span]) -> None:
    for root in tree(spans):
        pieces = sorted(piece for found in critical_path(root).values() for piece in found)
        assert math.isclose(sum(end - start for start, end in pieces), root.span.duration)
        for (_, end), (start, _) in itertools.pairwise(pieces):
            assert start == end


@given(_spans, _spans)
def test_a_comparison_has_every_span_of_both(before: list[Span], after: list[Span]) -> None:
    pairs = compare(before, after).pairs
    assert sorted(map(id, before)) == sorted(id(p.before) for p in pairs if p.before is not None)
    assert sorted(map(id, after)) == sorted(id(p.after) for p in pairs if p.after is not None)


@given(_spans)
def test_a_trace_does_not_differ_from_itself(spans: list[Span]) -> None:
    assert {pair.change for pair in compare(spans, spans).pairs} <= {"same"}


@given(st.floats(1e-6, 1e6))
def test_ticks_lie_within_and_are_few(length: float) -> None:
    found = ticks(length)
    assert 2 <= len(found) <= 7
    assert all(0 <= tick.offset <= 1 + 1e-6 for tick in found)


_values = st.lists(
    st.tuples(st.integers(0, 100).map(lambda n: n * 10.0), st.none() | st.floats(-10, 10)),
    max_size=20,
)
_series = st.dictionaries(st.text(max_size=3), _values, max_size=30)


def _drawn(series):
    return chart(series, Axis(0, 1000, 10), "s")


@given(_series)
def test_charts_are_what_uplot_asks_for(series) -> None:
    found = _drawn(series)
    assert list(found.x) == sorted(set(found.x))
    assert all(len(line.values) == len(found.x) for line in found.lines)
    assert len(found.lines) + found.left_out == len(series)
    for line in found.lines:
        known = {at: value for at, value in dict(series[line.label]).items() if value is not None}
        drawn = {at: value for at, value in zip(found.x, line.values, strict=True)
                 if value is not None}  # fmt: skip
        assert drawn == known


@given(_series)
def test_where_steps_are_missing_there_is_a_gap(series) -> None:
    found = _drawn(series)
    known = {at for values in series.values() for at, _ in values}
    for before, after in itertools.pairwise(found.x):
        if after - before > 15:
            assert before not in known or after not in known


@given(_series, _series)
@settings(max_examples=50)
def test_runs_laid_over_each_other_keep_both(present, earlier) -> None:
    now, then = since_start(_drawn(present), 7), since_start(_drawn(earlier), 3)
    found = laid_over(now, then, "run 1", 10)
    assert len(found.lines) == len(now.lines) + len(then.lines)
    assert list(found.x) == sorted(set(found.x))
    assert all(len(line.values) == len(found.x) for line in found.lines)


_pairs = st.lists(st.tuples(st.sampled_from("abc"), st.text(min_size=1, max_size=5)), max_size=5)


@given(_pairs, st.sampled_from("abc"), st.text(min_size=1, max_size=5))
def test_addresses_survive_a_round_trip(pairs, name: str, value: str) -> None:
    address = Address.of("/logs", pairs).having(**{name: value})
    assert address.get(name) == value
    assert dict(parse_qsl(urlsplit(str(address)).query))[name] == value
    assert address.plus("x", value).minus("x", value) == address


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.dictionaries(_texts, _texts, min_size=1, max_size=3))
def test_every_property_can_be_asked_for_by_its_link(attributes: dict[str, str]) -> None:
    address = Address("/logs")
    for each in properties(address, attributes):
        if each.name != "correlation_id":
            pairs = parse_qsl(urlsplit(each.href).query, keep_blank_values=True)
            asked = wanted_attributes(Address.of("/logs", pairs))
            assert asked == {each.name: attributes[each.name]}


@given(_spans)
def test_whoever_has_no_parent_is_a_root_or_placed_below_its_own_service(spans: list[Span]) -> None:
    roots = tree(spans)
    for node in in_order(roots):
        for child in node.children:
            if child.placed:
                assert child.orphan
                assert child.span.service == node.span.service
