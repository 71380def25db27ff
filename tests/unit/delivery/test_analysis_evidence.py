"""Evidence: looks become strata, whatever the counters do, and survive storage."""

from __future__ import annotations

import json

from fairway.delivery.analysis.evidence import (
    LONGEST,
    Evidence,
    Latencies,
    shared_quantile,
    since_baseline,
)
from fairway.plan.latency import quantile, upper_bound
from fairway.targets.contract import Traffic

WARM_UP = 5.0


def traffic(requests: int, errors: int = 0, bucket: int = 300) -> Traffic:
    return Traffic(requests, errors, {bucket: requests}, {"paid": (requests // 2, requests)})


def looked(*looks: tuple[float, int, int, int]) -> Evidence:
    """Looks as (time, weight, candidate's and stable's running totals)."""
    evidence = Evidence("orbit", "r8", "r7")
    for at, weight, candidate, stable in looks:
        evidence = evidence.with_look(at, weight, traffic(candidate), traffic(stable), WARM_UP)
    return evidence


def shape(evidence: Evidence) -> list[tuple[int, bool, int, int]]:
    return [
        (stratum.weight, stratum.warm, stratum.candidate.requests, stratum.stable.requests)
        for stratum in evidence.strata
    ]


def test_the_first_look_is_only_the_baseline() -> None:
    assert looked((100.0, 5, 70, 900)).strata == ()


def test_a_step_is_cold_for_its_warm_up_and_then_warm() -> None:
    evidence = looked((0, 5, 0, 0), (3, 5, 1, 30), (6, 5, 3, 60), (7, 5, 4, 70), (8, 5, 6, 80))

    assert shape(evidence) == [(5, False, 3, 60), (5, True, 3, 20)]
    assert evidence.seconds == 8


def test_a_new_weight_opens_a_stratum_and_the_moment_between_counts_with_the_larger_one() -> None:
    evidence = looked((0, 5, 0, 0), (10, 5, 5, 95), (11, 25, 9, 99), (12, 25, 19, 129))

    assert shape(evidence) == [(5, False, 5, 95), (25, False, 14, 34)]


def test_a_smaller_weight_keeps_the_larger_one_for_the_moment_between() -> None:
    evidence = looked((0, 25, 0, 0), (1, 5, 9, 30), (2, 5, 10, 50))

    assert shape(evidence) == [(25, False, 9, 30), (5, False, 1, 20)]


def test_a_look_that_is_not_later_changes_nothing() -> None:
    evidence = looked((0, 5, 0, 0), (2, 5, 5, 95))

    assert evidence.with_look(2, 5, traffic(9), traffic(99), WARM_UP) is evidence


def test_a_long_step_is_cut_and_the_number_of_its_strata_grows_slowly() -> None:
    evidence = Evidence("orbit", "r8", "r7")
    for minute in range(24 * 60):
        total = traffic(minute * 10)
        evidence = evidence.with_look(minute * 60.0, 5, total, total, WARM_UP)

    lengths = [stratum.until - stratum.since for stratum in evidence.strata]
    assert LONGEST - 60 <= lengths[1] <= LONGEST
    assert len(lengths) < 45
    assert sum(stratum.stable.requests for stratum in evidence.strata) == (24 * 60 - 1) * 10


def test_totals_that_fall_count_as_nothing_new() -> None:
    before = Traffic(100, 10, {300: 80, 400: 20}, {"paid": (50, 100)})
    now = Traffic(40, 12, {300: 90, 400: 2, 500: 1}, {"paid": (40, 120), "new": (1, 2)})

    assert since_baseline(now, before) == Traffic(
        0, 0, {300: 10, 500: 1}, {"paid": (0, 20), "new": (1, 2)}
    )


def test_after_a_reset_the_smaller_total_is_the_baseline() -> None:
    evidence = looked((0, 5, 100, 1000), (1, 5, 110, 20), (2, 5, 112, 50))

    assert shape(evidence) == [(5, False, 12, 30)]


def test_it_survives_json_and_goes_on_as_if_nothing_had_happened() -> None:
    looks = [(0, 5, 0, 0), (6, 5, 5, 95), (7, 5, 6, 99), (8, 25, 9, 120)]
    whole = looked(*looks, (9, 25, 19, 150))
    kept = Evidence.from_json(json.loads(json.dumps(looked(*looks).to_json())))

    assert kept == looked(*looks)
    assert kept.with_look(9, 25, traffic(19), traffic(150), WARM_UP) == whole


def test_empty_evidence_survives_json() -> None:
    empty = Evidence("orbit", "r8", "r7")

    assert Evidence.from_json(json.loads(json.dumps(empty.to_json()))) == empty


def test_sorted_latencies_agree_with_the_histogram() -> None:
    histogram = {300: 50, 320: 30, 400: 15, 500: 5}
    latencies = Latencies(histogram)

    assert latencies.total == 100
    assert [latencies.slower_than(bucket) for bucket in (299, 300, 350, 500)] == [100, 50, 20, 0]
    for share in (0.5, 0.51, 0.8, 0.95, 0.99, 1.0):
        bucket = latencies.quantile(share)
        assert bucket is not None
        assert upper_bound(bucket) == quantile(histogram, share)


def test_a_quantile_of_several_histograms_is_that_of_their_sum() -> None:
    parts = [Latencies({300: 90, 500: 10}), Latencies({}), Latencies({310: 100})]

    assert [shared_quantile(parts, share) for share in (0.4, 0.5, 0.95, 0.96)] == [
        300, 310, 310, 500,
    ]  # fmt: skip
    assert shared_quantile([Latencies({})], 0.5) is None
