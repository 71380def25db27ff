"""Running totals: they take what was added, never fall, and go on where another process left."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fairway.plan.latency import bucket_of, quantile
from fairway.targets.contract import Traffic
from fairway.targets.local.mesh.sources import (
    Source,
    counter_sum,
    counters,
    logged,
    statistics_filter,
)
from fairway.targets.local.mesh.totals import (
    Counters,
    Logged,
    Look,
    ServiceTotals,
    Totals,
    advanced,
    is_fine,
)

SOURCE = Source("inbound", {"r1": "replicas.r1", "r8": "replicas.r8"})
STATISTICS: dict[str, Any] = {
    "stats": [
        {"name": "cluster.replicas.r1.upstream_rq_5xx", "value": 2},
        {"name": "cluster.replicas.r1.upstream_rq_completed", "value": 10},
        {"name": "cluster.replicas.r1.external.upstream_rq_completed", "value": 9},
        {
            "histograms": {
                "supported_percentiles": [50],
                "details": [
                    {
                        "name": "cluster.replicas.r1.upstream_rq_time",
                        "totals": [
                            {"lower_bound": 0, "width": 0, "count": 4},
                            {"lower_bound": 7, "width": 0.1, "count": 5},
                            {"lower_bound": 200, "width": 10, "count": 1},
                        ],
                    }
                ],
            }
        },
    ]
}


def test_counters_are_read_by_version() -> None:
    found = counters(STATISTICS, SOURCE)
    assert found["r8"] == Counters()
    latency = {bucket_of(500): 4, bucket_of(7_500): 5, bucket_of(205_000): 1}
    assert found["r1"] == Counters(10, 2, latency)


def test_the_filter_names_only_these_versions() -> None:
    pattern = re.compile(
        statistics_filter(Source("inbound", {"r1.2": "replicas.r1.2", "r8": "replicas.r8"}))
    )
    assert pattern.search("cluster.replicas.r1.2.upstream_rq_completed")
    assert pattern.search("cluster.replicas.r8.upstream_rq_time")
    assert not pattern.search("cluster.replicas.r1x2.upstream_rq_completed")
    assert not pattern.search("cluster.replicas.r8.external.upstream_rq_completed")
    assert not pattern.search("cluster.replicas.r8.upstream_rq_completed_more")


def line(**fields: Any) -> bytes:
    whole = {
        "direction": "inbound",
        "status": 200,
        "upstream_us": 100,
        "cluster": "replicas.r1",
        **fields,
    }
    return json.dumps(whole, separators=(",", ":")).encode() + b"\n"


def test_the_log_gives_microseconds_and_who_got_no_answer() -> None:
    lines = b"".join(
        [
            line(upstream_us=700),
            line(status=0, upstream_us=None),
            line(upstream_us=900, cluster="replicas.r8", status=500),
            line(status=403, upstream_us=None, cluster=None),
            line(direction="egress"),
            b'{"direction":"inbound","status":0,"clus\n',
        ]
    )
    fast = {"r1": Logged({bucket_of(700): 1}, 1), "r8": Logged({bucket_of(900): 1}, 0)}
    assert logged(lines, SOURCE, latencies=True) == fast
    assert logged(lines, SOURCE, latencies=False) == {"r1": Logged({}, 1), "r8": Logged()}


EXPOSITION = """# HELP orders_total Orders.
# TYPE orders_total counter
orders_total{status="ok",shop="a"} 7
orders_total{status="bad",shop="a, \\"b\\" }"} 2.0 1700000000000
orders_total{status="bad"} 1
orders_total_more 50
orders 9
broken_total NaN
negative_total -4
"""


def test_series_of_a_counter_add_up() -> None:
    assert counter_sum(EXPOSITION, "orders_total") == 10
    assert counter_sum(EXPOSITION, 'orders_total{status="bad"}') == 3
    assert counter_sum(EXPOSITION, 'orders_total{status="bad", shop="a"}') == 0
    assert counter_sum(EXPOSITION, "orders") == 9
    for nothing in ("absent", "broken_total", "negative_total"):
        assert counter_sum(EXPOSITION, nothing) == 0


def look(requests: int, errors: int = 0, epoch: str = "1", **more: Any) -> Look:
    latency = {5: requests} if requests else {}
    return Look(epoch, {"r1": Counters(requests, errors, latency)}, **{"fine": False, **more})


def totals(*looks: Look) -> Traffic:
    found = ServiceTotals()
    for each in looks:
        found = advanced(found, each)
    return found.traffic["r1"]


def test_what_was_added_is_taken() -> None:
    assert totals(look(10, 1), look(25, 2)) == Traffic(25, 2, {5: 25})


def test_an_envoy_that_started_over_adds_all_that_it_has_counted() -> None:
    """Also when it has counted more than before by the time of the next look."""
    assert totals(look(10, 1), look(30, 3, epoch="2")) == Traffic(40, 4, {5: 40})
    assert totals(look(10, 1), look(3), look(4)) == Traffic(14, 1, {5: 14})


def test_latencies_come_from_one_source_and_are_told_once() -> None:
    mine = {"r1": Logged({9: 4}, unanswered=2)}
    assert totals(look(4, fine=True, logged=mine)) == Traffic(6, 2, {9: 4})
    assert totals(look(10), look(14, logged=mine)) == Traffic(16, 2, {5: 14})
    # The log is there first, then the histogram, which says that it is the better source.
    before = look(0, fine=None, logged=mine)
    assert totals(before, look(4), look(7)) == Traffic(9, 2, {9: 4, 5: 3})
    # Or the other way round, or both at once.
    nothing = look(0, fine=None)
    assert totals(nothing, look(4, fine=True), look(4, fine=True, logged=mine)).latency == {9: 4}
    assert totals(nothing, look(4, logged=mine)).latency == {5: 4}
    assert totals(look(4), look(8, fine=True, logged=mine)).latency == {5: 4}


def test_the_log_is_read_where_milliseconds_are_too_coarse() -> None:
    slow, fast = {bucket_of(9_000): 3}, {bucket_of(800): 3}
    assert is_fine([slow, fast]) is True
    assert is_fine([slow, {}]) is False
    assert is_fine([{}]) is None


def test_ratios_add_up_over_replicas_that_start_over() -> None:
    def scraped(**counts: tuple[int, int]) -> Look:
        return look(0, scraped={"r1": {f"bad@{port[1:]}": c for port, c in counts.items()}})

    found = totals(
        scraped(p1=(1, 10), p2=(2, 20)), scraped(p2=(3, 30)), scraped(p1=(0, 5), p2=(3, 30))
    )
    assert found.ratios == {"bad": (4, 45)}


def test_versions_that_are_gone_are_forgotten() -> None:
    found = advanced(advanced(ServiceTotals(), look(3)), Look("1", {"r8": Counters()}))
    assert set(found.traffic) == {"r8"}


Looks = st.lists(
    st.builds(
        lambda n, e, epoch: look(n + e, e, epoch, scraped={"r1": {"m@1": (e, n)}}),
        st.integers(0, 50),
        st.integers(0, 50),
        st.sampled_from(["1", "2"]),
    ),
    min_size=1,
    max_size=8,
)


@given(Looks)
def test_totals_never_fall_and_survive_being_kept(looks: list[Look]) -> None:
    found, kept = ServiceTotals(), Totals()
    before = Traffic()
    for each in looks:
        found = advanced(found, each)
        now = found.traffic["r1"]
        assert now.requests >= before.requests
        assert now.errors >= before.errors
        assert all(now.latency.get(b, 0) >= n for b, n in before.latency.items())
        assert sum(now.latency.values()) == now.requests
        assert (now.ratios["m"] >= before.ratios.get("m", (0, 0))) or now.ratios == {}
        before = now
        kept = Totals.from_json(json.loads(json.dumps(kept.to_json())))
        kept = kept.with_service("a", advanced(kept.of("a"), each))
    assert kept.of("a") == found
    assert quantile(before.latency, 0.5) is None or before.requests
