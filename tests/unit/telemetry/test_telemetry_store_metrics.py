"""Metrics in and out: counters, gauges, histograms of both kinds, restarts, exemplars."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from tests.telemetry_store import NOW, Store, counter, gauge, metrics, nanos, trace_id

from fairway.errors import InvalidInput, NotFound
from fairway.telemetry.port import MetricQuery, MetricSummary

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path / "telemetry")
    yield found
    found.writer.close()


def send(store: Store, *found: Metric, **more: str) -> None:
    store.writer.metrics(metrics(*found, **more))
    store.writer.flush()


def query(name: str, seconds: float = 40.0, step: float = 10.0, **more: object) -> MetricQuery:
    return MetricQuery(name, NOW, NOW + seconds, step, **more)  # type: ignore[arg-type]


async def values(store: Store, asked: MetricQuery) -> dict[tuple[str, ...], list[float | None]]:
    answer = await store.telemetry.metric(asked)
    return {
        tuple(series.labels.values()): [point.value for point in series.points]
        for series in answer.series
    }


async def test_a_counter_is_a_rate_and_survives_restarts_of_its_process(store: Store) -> None:
    for at, value in ((1, 10), (11, 30), (21, 35)):
        send(store, counter("calls", at, value, start=0.5))
    send(store, counter("calls", 31, 4, start=25))
    assert await values(store, query("calls")) == {(): [1.0, 2.0, 0.5, 0.4]}


async def test_a_counter_that_was_there_before_the_run_counts_from_what_is_known(
    store: Store,
) -> None:
    send(store, counter("calls", 1, 1000, start=-500))
    send(store, counter("calls", 11, 1010, start=-500))
    assert await values(store, query("calls")) == {(): [1.0]}


async def test_the_point_before_the_time_asked_for_is_what_the_first_is_compared_with(
    store: Store,
) -> None:
    for at, value in ((1, 100), (5_001, 150), (5_011, 170)):
        send(store, counter("calls", at, value, start=0.5))
    asked = MetricQuery("calls", NOW + 5_000, NOW + 5_020, 10.0)
    assert await values(store, asked) == {(): [5.0, 2.0]}


async def test_restarts_within_a_step_are_not_lost(store: Store) -> None:
    for at, value, start in ((1, 10, 0.5), (2, 40, 0.5), (3, 5, 2.5), (4, 7, 2.5), (5, 1, 4.5)):
        send(store, counter("calls", at, value, start=start))
    assert await values(store, query("calls")) == {(): [(40 + 7 + 1) / 10]}


async def test_series_are_kept_apart_as_asked_and_else_summed(store: Store) -> None:
    for instance in ("orbit.v1.0", "orbit.v1.1"):
        send(
            store,
            counter("calls", 1, 10, start=0.5, code=200),
            counter("calls", 1, 20, start=0.5, code=500),
            instance=instance,
        )
    send(store, counter("calls", 1, 5, start=0.5, code=200), service="axon")
    assert await values(store, query("calls")) == {(): [6.5]}
    assert await values(store, query("calls", by=("code",))) == {("200",): [2.5], ("500",): [4.0]}
    assert await values(store, query("calls", by=("service",), attributes={"code": "200"})) == {
        ("axon",): [0.5], ("orbit",): [2.0],
    }  # fmt: skip
    assert await values(store, query("calls", service="axon")) == {(): [0.5]}
    assert await values(store, query("calls", service="nobody")) == {}


async def test_a_gauge_is_the_mean_of_a_step_and_the_sum_over_processes(store: Store) -> None:
    for at, value in ((1, 4.0), (5, 6.0), (11, 8.0)):
        send(store, gauge("queue", at, value))
    send(store, gauge("queue", 2, 10.0), instance="orbit.v1.1")
    assert await values(store, query("queue")) == {(): [15.0, 8.0]}


def histogram(at: float, counts: list[int], temporality: int, *, start: float = 0.5) -> Metric:
    metric = Metric(name="latency", unit="s")
    metric.histogram.aggregation_temporality = temporality  # type: ignore[assignment]
    point = metric.histogram.data_points.add()
    point.time_unix_nano, point.start_time_unix_nano = nanos(at), nanos(start)
    point.explicit_bounds.extend([0.1, 0.2, 0.4])
    point.bucket_counts.extend(counts)
    point.count, point.sum = sum(counts), 1.0
    exemplar = point.exemplars.add()
    exemplar.time_unix_nano, exemplar.as_double = nanos(at), 0.15
    exemplar.trace_id, exemplar.span_id = bytes.fromhex(trace_id(7)), b"\x01" * 8
    return metric


async def test_a_histogram_gives_percentiles_of_each_step_and_exemplars(store: Store) -> None:
    send(store, histogram(1, [100, 0, 0, 0], CUMULATIVE))
    send(store, histogram(11, [100, 100, 0, 0], CUMULATIVE))
    answer = await store.telemetry.metric(query("latency"))
    first, second = answer.series[0].points
    assert (first.value, first.p50, first.p99) == (10.0, pytest.approx(0.05), pytest.approx(0.099))
    assert (second.value, second.p50) == (10.0, pytest.approx(0.15))
    assert second.p95 == pytest.approx(0.195)
    assert [(found.trace_id, found.value) for found in answer.exemplars] == [
        (trace_id(7), 0.15), (trace_id(7), 0.15),
    ]  # fmt: skip


async def test_deltas_are_added_up_as_they_are(store: Store) -> None:
    send(store, histogram(1, [10, 0, 0, 0], DELTA))
    send(store, histogram(5, [10, 0, 0, 0], DELTA, start=1))
    (series,) = (await store.telemetry.metric(query("latency"))).series
    assert [point.value for point in series.points] == [2.0]


async def test_an_exponential_histogram_gives_percentiles(store: Store) -> None:
    metric = Metric(name="size")
    metric.exponential_histogram.aggregation_temporality = CUMULATIVE
    point = metric.exponential_histogram.data_points.add()
    point.time_unix_nano, point.start_time_unix_nano = nanos(1), nanos(0.5)
    point.scale, point.zero_count, point.count = 0, 10, 20
    point.positive.offset = 2  # (4, 8]
    point.positive.bucket_counts.append(10)
    send(store, metric)
    (series,) = (await store.telemetry.metric(query("size"))).series
    assert series.points[0].p50 == pytest.approx(0.0)
    assert series.points[0].p95 == pytest.approx(4 + 4 * 0.9)


async def test_series_go_on_over_segments(tmp_path: Path) -> None:
    store = Store(tmp_path, rows=1)
    for at, value in ((1, 10), (11, 30), (21, 35)):
        send(store, counter("calls", at, value, start=0.5))
    assert len(store.files) > 2
    assert await values(store, query("calls")) == {(): [1.0, 2.0, 0.5]}
    store.writer.close()


async def test_which_metrics_there_are(store: Store) -> None:
    send(store, counter("calls", 1, 1), gauge("queue", 1, 1))
    send(store, counter("calls", 1, 1), service="axon")
    assert await store.telemetry.metrics() == (
        MetricSummary("calls", "sum", "1", "a counter", ("axon", "orbit")),
        MetricSummary("queue", "gauge", "", "", ("orbit",)),
    )
    assert [found.name for found in await store.telemetry.metrics("axon")] == ["calls"]


async def test_what_a_metric_can_be_kept_apart_by(store: Store) -> None:
    send(store, counter("calls", 1, 1, route="a"), counter("calls", 1, 1, code="b"))
    (found,) = await store.telemetry.metrics()
    assert found.attributes == ("code", "route")


async def test_what_cannot_be_answered_is_said(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.telemetry.metric(query("nothing"))
    for asked in (query("x", seconds=-1), query("x", step=0), query("x", seconds=10**6, step=1)):
        with pytest.raises(InvalidInput):
            await store.telemetry.metric(asked)


async def test_points_without_a_value_and_of_unknown_kinds_are_told_from_others(
    store: Store,
) -> None:
    summary = Metric(name="old")
    summary.summary.data_points.add().count = 3
    taken = store.writer.metrics(
        metrics(summary, gauge("queue", 1, float("nan")), gauge("queue", 2, 3.0))
    )
    assert (taken.accepted, taken.rejected) == (1, 1)
    assert "summary" in taken.problem


async def test_absurd_times_do_not_cost_the_points_beside_them(store: Store) -> None:
    late, sampled = gauge("queue", 2, 5.0), gauge("queue", 3, 4.0)
    late.gauge.data_points[0].time_unix_nano = 2**64 - 1
    exemplar = sampled.gauge.data_points[0].exemplars.add()
    exemplar.time_unix_nano, exemplar.trace_id = 2**64 - 1, b"\x01" * 16
    send(store, gauge("queue", 1, 3.0), late, sampled)
    assert await values(store, query("queue")) == {(): [3.5]}


@pytest.mark.parametrize("scale", [-(2**31), -1024, 1024, 2**31 - 1])
async def test_a_histogram_of_absurd_scale_can_be_read(store: Store, scale: int) -> None:
    metric = Metric(name="size")
    point = metric.exponential_histogram.data_points.add(time_unix_nano=nanos(1), scale=scale)
    point.zero_threshold, point.zero_count, point.count = float("nan"), 1, 3
    point.positive.offset = 3
    point.positive.bucket_counts.extend([1, 1])
    send(store, metric)
    (series,) = (await store.telemetry.metric(query("size"))).series
    assert series.points[0].value == pytest.approx(0.3)
    assert math.isfinite(series.points[0].p95 or 0.0)


@pytest.mark.parametrize(
    ("bounds", "counts", "p50"),
    [
        ([0.1, float("inf")], [0, 10, 0], 0.15),
        ([0.1, float("nan")], [0, 10, 0], None),
        ([float("-inf"), 0.1], [0, 10, 0], None),
        ([], [10], None),
    ],
)
async def test_percentiles_come_only_from_bounds_that_are_numbers(
    store: Store, bounds: list[float], counts: list[int], p50: float | None
) -> None:
    metric = Metric(name="latency")
    metric.histogram.aggregation_temporality = DELTA
    metric.histogram.data_points.add(
        time_unix_nano=nanos(1), count=10, explicit_bounds=bounds, bucket_counts=counts
    )
    send(store, metric)
    ((point,),) = [one.points for one in (await store.telemetry.metric(query("latency"))).series]
    assert (point.value, point.p50) == (1.0, p50 if p50 is None else pytest.approx(p50))
