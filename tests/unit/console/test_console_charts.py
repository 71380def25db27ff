"""Numbers as people read them, the time that a page shows, charts, marks and distributions."""

from __future__ import annotations

import math

import pytest
from pytest import approx

from fairway.console.views import quantities as q
from fairway.console.views.charts import (
    Axis,
    Mark,
    chart,
    label_of,
    laid_over,
    of_metric,
    of_traffic,
    since_start,
    with_marks,
)
from fairway.console.views.durations import duration_bars
from fairway.console.views.links import Address
from fairway.console.views.marks import MARKED, delivery_marks, policy_marks
from fairway.console.views.red import as_kept, label_by, split_of, whole_steps
from fairway.console.views.timerange import time_range
from fairway.console.views.wording import NOTHING
from fairway.control.recorded import ReleaseRecord
from fairway.delivery.events import TYPES
from fairway.delivery.port import DeliveryEvent
from fairway.errors import InvalidInput
from fairway.telemetry.port import (
    DurationBucket,
    Exemplar,
    MetricAnswer,
    MetricKind,
    MetricPoint,
    MetricSeries,
    MetricSummary,
    Traffic,
)

NOW = 1_780_000_000.0
AXIS = Axis(0, 100, 10)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, NOTHING), (0, "0 s"), (0.00025, "250 µs"), (0.0123, "12.3 ms"), (1.84, "1.84 s"),
        (0.9999, "1 s"), (200, "3 min 20 s"), (-0.5, "\u2212500 ms"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, words: str) -> None:
    assert q.duration(seconds) == words


def test_shares_are_never_rounded_to_nothing_nor_to_all() -> None:
    assert [q.share(part) for part in (0, 0.00001, 0.0123, 0.9995, 0.999999, 1)] == [
        "0 %", "< 0.01 %", "1.23 %", "99.95 %", "> 99.99 %", "100 %",
    ]  # fmt: skip


def test_quantities_have_the_units_of_opentelemetry() -> None:
    found = [
        q.quantity(value, unit)
        for value, unit in (
            (0.02, "s"), (20, "ms"), (2048, "By"), (3, "{thread}"), (0.05, "/s"), (7, "J"), (1, ""),
        )
    ]  # fmt: skip
    assert found == ["20 ms", "20 ms", "2.0 KiB", "3", "3/min", "7 J", "1"]


def test_the_time_that_an_address_asks_for() -> None:
    shown = time_range(Address("/metrics"), NOW)
    assert (shown.length, shown.moving, shown.step) == (900, True, 10)
    shown = time_range(Address("/metrics").having(since="7d"), NOW)
    assert (shown.length, shown.step) == (7 * 86_400, 3600)
    shown = time_range(Address("/metrics").having(since=NOW - 60, until=NOW - 30), NOW)
    assert (shown.since, shown.until, shown.moving) == (NOW - 60, NOW - 30, False)
    shown = time_range(Address("/metrics").having(since="2026-05-28T20:00"), NOW)
    assert shown.since == 1_779_998_400


@pytest.mark.parametrize("since", ["soon", "-5", "1e400", "nan", "9999-99-99"])
def test_what_is_no_time_is_refused(since: str) -> None:
    with pytest.raises(InvalidInput):
        time_range(Address("/metrics").having(since=since), NOW)


def test_charts_begin_and_end_with_whole_steps() -> None:
    assert whole_steps(1003, 1100, 10, 1100) == Axis(1000, 1090, 10)
    assert whole_steps(1003, 1004, 10, 1004) == Axis(1000, 1010, 10)


def test_what_is_old_is_drawn_in_the_steps_it_is_kept_in() -> None:
    fine, old = Axis(900_000, 901_000, 10), 4 * 86_400.0
    assert as_kept(fine, 901_000) == fine
    assert as_kept(fine, 901_000 + old) == Axis(900_000, 900_900, 300)
    assert as_kept(Axis(900_000, 990_000, 900), 901_000 + old) == Axis(900_000, 990_000, 900)


def test_a_gap_is_left_where_steps_are_missing_but_not_where_they_are_seldom() -> None:
    values = {"a": [(0.0, 1.0), (10.0, 2.0), (50.0, 3.0)]}
    assert chart(values, AXIS, "s").lines[0].values == (1.0, 2.0, None, 3.0)
    patient = Axis(0, 100, 10, patience=60)
    assert chart(values, patient, "s").lines[0].values == (1.0, 2.0, 3.0)


def traffic(service: str, at: float, requests: int = 10, **more: float) -> Traffic:
    found = {"errors": 0, "denied": 0, "rate": 1.0, "p50": 0.1, "p95": 0.2, "p99": 0.3} | more
    return Traffic("web", service, "r7", "reason", at, requests, **found)  # type: ignore[arg-type]


def test_requests_that_did_not_come_are_zero_but_their_duration_is_unknown() -> None:
    rows = [traffic("axon", 0), traffic("orbit", 0), traffic("orbit", 10, errors=5)]
    name = label_by("service")
    rate = of_traffic(rows, "rate", name, AXIS)
    assert {line.label: line.values for line in rate.lines} == {
        "axon": (1.0, 0.0), "orbit": (1.0, 1.0)
    }  # fmt: skip
    assert of_traffic(rows, "p95", name, AXIS).lines[0].values == (0.2, None)
    assert of_traffic(rows, "errors", name, AXIS).lines[1].values == (0.0, 0.5)


def test_lines_stand_for_what_one_looks_at() -> None:
    row = traffic("axon", 0)
    assert [label_by(split)(row) for split in ("service", "caller", "version", "intent")] == [
        "axon", "web → axon", "axon r7", "axon reason",
    ]  # fmt: skip
    page = Address("/metrics")
    assert split_of(page) == "service"
    assert split_of(page.having(service="axon")) == "version"
    assert split_of(page.having(service="axon", compare=1)) == "service"
    assert split_of(page.having(service="axon", split="caller")) == "caller"


def answer(kind: MetricKind, unit: str) -> MetricAnswer:
    point = MetricPoint(10, 2.0, 0.1, 0.2, 0.3)
    series = MetricSeries({"service": "axon", "code": "200"}, (point,))
    return MetricAnswer(
        MetricSummary("m", kind, unit, "", ()), (series,), (Exemplar(11, 0.15, "t1", "s1"),)
    )


def test_metrics_have_the_unit_of_what_is_drawn() -> None:
    found = of_metric(answer("histogram", "s"), "p95", AXIS)
    line = found.lines[0]
    assert (found.unit, line.values, line.label) == ("s", (0.2,), "axon code=200")
    assert found.dots[0].href == "/traces/t1?span=s1"
    found = of_metric(answer("histogram", "s"), "value", AXIS)
    assert (found.unit, found.dots) == ("/s", ())
    assert of_metric(answer("sum", "{order}"), "value", AXIS).unit == "/s"
    assert of_metric(answer("sum", "By"), "value", AXIS).unit == "By/s"
    assert of_metric(answer("gauge", "By"), "value", AXIS).unit == "By"
    assert label_of({}) == "all"


def test_the_lines_with_the_smallest_numbers_are_left_out() -> None:
    found = chart({f"l{n}": [(0.0, float(n))] for n in range(30)}, AXIS, "")
    assert found.left_out == 6
    assert "l5" not in {line.label for line in found.lines}


def test_runs_are_laid_over_each_other_from_their_starts() -> None:
    now = chart({"a": [(1000.0, 1.0), (1010.0, 2.0)]}, Axis(1000, 1020, 10), "s")
    then = chart({"a": [(503.0, 3.0)]}, Axis(500, 520, 10), "s")
    marked = with_marks(now, [Mark(1005, "weight", "r8 5 %", ""), Mark(5, "run", "old", "")])
    found = laid_over(since_start(marked, 1000), since_start(then, 500), "run 1", 10)
    assert found.x == (0, 10)
    assert [(line.label, line.values, line.dashed) for line in found.lines] == [
        ("a", (1.0, 2.0), False), ("a (run 1)", (3.0, None), True),
    ]  # fmt: skip
    assert [(mark.at, mark.label) for mark in found.marks] == [(5, "r8 5 %")]
    assert found.lines[0].colour == found.lines[1].colour


def test_what_changes_what_requests_meet_is_a_mark() -> None:
    told = [
        DeliveryEvent(1, 10, "DeploymentStarted", "d1", "begins", {"release": 8}),
        DeliveryEvent(2, 11, "WeightShifted", "d1", "5 %", {"release": 8, "weight": 5}),
        DeliveryEvent(3, 12, "ApprovalGiven", "d1", "agreed", {"release": 8}),
        DeliveryEvent(4, 13, "DeploymentRolledBack", "d1", "back", {"release": 8}),
    ]
    assert {each.name for each in TYPES} >= set(MARKED)
    assert [(mark.kind, mark.label, mark.href) for mark in delivery_marks(told)] == [
        ("deployment", "r8 begins", "/deployments/d1"), ("weight", "r8 5 %", "/deployments/d1"),
        ("failure", "r8 rolled back", "/deployments/d1"),
    ]  # fmt: skip
    records = [
        ReleaseRecord(1, "app", "d", 1, "ada", 5), ReleaseRecord(2, "policies", "d", 2, "ada", 6)
    ]  # fmt: skip
    assert [(mark.at, mark.label) for mark in policy_marks(records)] == [(6, "policies 2")]


def test_the_distribution_leaves_out_empty_ends() -> None:
    bars = duration_bars(
        [DurationBucket(0.1, 0, 0), DurationBucket(0.2, 100, 0), DurationBucket(0.5, 0, 0),
         DurationBucket(math.inf, 25, 5), DurationBucket(0.01, 0, 0)]
    )  # fmt: skip
    assert [(bar.lower, bar.upper, bar.height) for bar in bars] == [
        (0.1, 0.2, 1.0), (0.2, 0.5, 0.0), (0.5, None, 0.5),
    ]  # fmt: skip
    assert bars[2].failed == approx(0.1)
    assert duration_bars([]) == ()
