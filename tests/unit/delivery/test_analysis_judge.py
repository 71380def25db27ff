"""Verdicts: what fails, what passes, what waits, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fairway.delivery.analysis.evidence import Evidence, Stratum
from fairway.delivery.analysis.judge import judge, overall
from fairway.delivery.analysis.policy import AnalysisPolicy, Limits, Ratio
from fairway.delivery.analysis.verdict import Check, Verdict
from fairway.errors import InvalidInput
from fairway.plan.latency import bucket_of
from fairway.targets.contract import Traffic

POLICY = AnalysisPolicy()


def answers(milliseconds: Mapping[float, int]) -> dict[int, int]:
    return {bucket_of(latency * 1000): count for latency, count in milliseconds.items()}


def version(
    requests: int, errors: int = 0, *, tail: float = 100, body: float = 40, **paid: int
) -> Traffic:
    """Nine answers of ten take `body` milliseconds, one `tail`."""
    slow = requests // 10
    ratios = {"paid": (paid["paid"], requests)} if paid else {}
    return Traffic(requests, errors, answers({body: requests - slow, tail: slow}), ratios)


def evidence(candidate: Traffic, stable: Traffic, weight: int = 5) -> Evidence:
    cold = Stratum(weight, False, 0, 5, Traffic(), version(1000))
    warm = Stratum(weight, True, 5, 46, candidate, stable)
    return Evidence("orbit", "r8", "r7", (cold, warm))


def named(verdict: Verdict, name: str) -> Check:
    return next(check for check in verdict.checks if check.name == name)


def test_errors_far_beyond_the_stable_ones_fail_in_words() -> None:
    verdict = judge(evidence(version(312, 16), version(5940, 12)), POLICY)

    assert verdict.outcome == "fail"
    assert not verdict.harmless
    assert verdict.harmed == 16
    assert 0.01 < (named(verdict, "errors").worse_by or 0) < 0.05
    assert verdict.words == (
        "orbit: 5.1 % of r8's answers failed against 0.17 % of r7's over the same 46 s "
        "(312 and 6940 requests): worse beyond doubt"
    )


def test_half_of_a_handful_failing_in_the_warm_up_fails_at_once() -> None:
    first = Stratum(5, False, 0, 2, Traffic(4, 2), Traffic(83, 0))

    verdict = judge(Evidence("orbit", "r8", "r7", (first,)), POLICY)

    assert verdict.outcome == "fail"
    assert verdict.words.startswith("orbit: 50 % of r8's answers failed against 0 % of r7's")


def test_one_failure_alone_proves_nothing() -> None:
    first = Stratum(5, False, 0, 2, Traffic(4, 1), Traffic(83, 0))

    assert judge(Evidence("orbit", "r8", "r7", (first,)), POLICY).outcome == "need_more_data"


def test_a_certain_difference_within_the_margin_does_not_fail() -> None:
    """0.06 % against 0.01 % in a million requests: certain, and tolerable."""
    verdict = judge(evidence(version(250_000, 150), version(750_000, 75), 25), POLICY)

    assert verdict.outcome == "pass"
    assert judge(
        evidence(version(250_000, 150), version(750_000, 75), 25),
        replace(POLICY, error_margin=0.0),
    ).outcome == "fail"  # fmt: skip


def test_as_good_as_the_stable_passes() -> None:
    verdict = judge(evidence(version(2500, 5), version(47_500, 95)), POLICY)

    assert verdict.outcome == "pass"
    assert verdict.harmless
    assert {check.outcome for check in verdict.checks} == {"pass"}
    assert verdict.words.endswith("r8 is no worse than r7, beyond doubt")


def test_too_little_evidence_is_neither_but_may_be_harmless() -> None:
    verdict = judge(evidence(version(60), version(1140)), POLICY)

    assert (verdict.outcome, verdict.harmless) == ("need_more_data", True)
    assert verdict.words.endswith("no sign of harm; a small one is not excluded yet (errors)")


def test_under_suspicion_it_is_not_called_harmless() -> None:
    """Seven failures of 300 against 20 of 5700: chance does that, though seldom."""
    verdict = judge(evidence(version(300, 7), version(5700, 20)), POLICY)

    assert (verdict.outcome, verdict.harmless) == ("need_more_data", False)
    assert verdict.words.endswith("it looks worse, but that is not certain yet")
    assert judge(
        evidence(version(300, 7), version(5700, 20)), replace(POLICY, suspicion=0.0)
    ).harmless


def test_below_the_minimum_nothing_is_called_harmless_nor_passes() -> None:
    few = judge(evidence(version(2500, 5), version(47_500, 95)), replace(POLICY, minimum=2501))

    assert (few.outcome, few.harmless) == ("need_more_data", False)
    assert few.words.endswith("but 1 more request is needed to conclude anything")


@pytest.mark.parametrize("minimum", [0, 50])
def test_no_traffic_is_never_a_pass(minimum: int) -> None:
    silent = evidence(Traffic(), version(100_000))
    limits = Limits(availability=0.999, p95=1.0, p99=2.0)

    verdict = judge(silent, AnalysisPolicy(minimum=minimum, limits=limits, latency_quantiles=()))

    assert (verdict.outcome, verdict.harmless) == ("need_more_data", False)
    assert verdict.words == "r8 of orbit has answered no request yet: nothing to judge"
    assert {check.outcome for check in verdict.checks} == {"need_more_data"}


def test_without_stable_traffic_there_is_nothing_to_compare_with() -> None:
    alone = Evidence("orbit", "r8", "r7", (Stratum(100, True, 0, 60, version(5000), Traffic()),))

    verdict = judge(alone, POLICY)

    assert verdict.outcome == "need_more_data"
    assert "r7 has answered nothing meanwhile" in verdict.words


def test_a_slower_tail_fails_in_words() -> None:
    verdict = judge(evidence(version(400, tail=150), version(7600)), POLICY)

    assert named(verdict, "p95").outcome == "fail"
    assert named(verdict, "p50").outcome != "fail"
    assert verdict.words == (
        "orbit: p95 of r8's answers is 150 ms against 101 ms of r7's over the same 46 s "
        "(400 and 7600 requests): worse beyond doubt"
    )


def test_a_slower_body_fails_by_the_median() -> None:
    verdict = judge(evidence(version(400, body=60), version(7600)), POLICY)

    assert named(verdict, "p50").outcome == "fail"


def test_slower_within_the_margin_does_not_fail_and_within_the_tolerance_passes() -> None:
    verdict = judge(evidence(version(4000, tail=107, body=43), version(76_000)), POLICY)

    assert verdict.outcome == "pass"


def test_slower_than_the_margin_fails_once_it_is_certain() -> None:
    verdict = judge(evidence(version(400, tail=100, body=47), version(7600)), POLICY)

    assert named(verdict, "p50").outcome == "fail"
    assert judge(
        evidence(version(400, tail=100, body=47), version(7600)),
        replace(POLICY, latency_margin=0.2),
    ).outcome != "fail"  # fmt: skip


def test_twice_a_tiny_latency_is_below_the_floor() -> None:
    fast, slower = version(7600, body=0.5, tail=1.0), version(400, body=1.0, tail=2.0)
    cold = Stratum(5, False, 0, 5, Traffic(), fast)
    seen = Evidence("orbit", "r8", "r7", (cold, Stratum(5, True, 5, 46, slower, fast)))

    assert judge(seen, POLICY).outcome == "pass"
    assert judge(seen, replace(POLICY, latency_floor=0.0)).outcome == "fail"


def test_latencies_of_the_warm_up_count_for_nothing() -> None:
    cold = Stratum(5, False, 0, 5, version(400, tail=900, body=400), version(7600))

    verdict = judge(Evidence("orbit", "r8", "r7", (cold,)), POLICY)

    assert verdict.outcome == "need_more_data"
    assert named(verdict, "p95").candidate is None


def test_a_broken_slo_fails_where_the_stable_version_keeps_it() -> None:
    policy = AnalysisPolicy(
        limits=Limits(availability=0.999), error_margin=0.5, error_tolerance=0.5
    )

    verdict = judge(evidence(version(2000, 20), version(38_000, 20)), policy)

    assert named(verdict, "slo availability").outcome == "fail"
    assert verdict.words.endswith("over the SLO's 0.1 % beyond doubt")


def test_an_slo_that_both_versions_break_is_not_the_releases_fault() -> None:
    policy = AnalysisPolicy(limits=Limits(availability=0.999))

    verdict = judge(evidence(version(2000, 20), version(38_000, 380)), policy)

    assert verdict.outcome == "need_more_data"
    assert "both versions break the slo availability of 0.1 %" in verdict.words


def test_a_latency_slo_is_judged_by_the_share_of_answers_beyond_it() -> None:
    policy = AnalysisPolicy(latency_quantiles=(), limits=Limits(p95=0.12, p99=0.5))
    kept = judge(evidence(version(2000, tail=100), version(38_000)), policy)
    broken = judge(evidence(version(2000, tail=200), version(38_000)), policy)

    assert (named(kept, "slo p95").outcome, named(kept, "slo p99").outcome) == ("pass", "pass")
    assert (named(broken, "slo p95").outcome, named(broken, "slo p99").outcome) == ("fail", "pass")
    assert broken.words.endswith("over the SLO's 120 ms beyond doubt")


@pytest.mark.parametrize(
    ("worse", "paid", "outcome"),
    [
        ("down", 1000, "pass"), ("down", 700, "fail"),
        ("up", 1000, "pass"), ("up", 1300, "fail"), ("up", 700, "pass"),
    ],
)  # fmt: skip
def test_a_user_metric_is_judged_in_the_direction_that_is_bad(
    worse: str, paid: int, outcome: str
) -> None:
    ratio = Ratio("paid", "down" if worse == "down" else "up", margin=0.01, tolerance=0.1)
    policy = AnalysisPolicy(ratios=(ratio,))

    verdict = judge(evidence(version(5000, paid=paid), version(95_000, paid=19_000)), policy)

    assert named(verdict, "paid").outcome == outcome
    if outcome == "fail":
        seen = f"orbit: paid is {paid / 50:g} % of r8's requests against 20 %"
        assert verdict.words.startswith(seen)


def test_a_metric_that_nobody_reported_keeps_the_verdict_open() -> None:
    policy = AnalysisPolicy(ratios=(Ratio("paid"),))

    verdict = judge(evidence(version(2500, 5), version(47_500, 95)), policy)

    assert (verdict.outcome, named(verdict, "paid").candidate) == ("need_more_data", None)


@pytest.mark.parametrize(
    "dials",
    [
        {"alpha": 0.0}, {"beta": 1.0}, {"error_margin": 0.02}, {"latency_margin": 0.5},
        {"ratios": (Ratio("paid", margin=0.1),)}, {"latency_quantiles": (1.0,)},
    ],
)  # fmt: skip
def test_dials_that_contradict_each_other_are_refused(dials: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        AnalysisPolicy(**dials)

    assert refused.value.remedy


def test_the_parts_of_alpha_add_up() -> None:
    policy = AnalysisPolicy(limits=Limits(0.999, 0.2, 0.5), ratios=(Ratio("paid"),)).for_one_of(3)

    assert policy.alpha == pytest.approx(0.01 / 3)
    assert policy.alpha_errors + 6 * policy.alpha_other == pytest.approx(policy.alpha)


def test_a_release_is_as_good_as_its_worst_service() -> None:
    good = judge(evidence(version(2500, 5), version(47_500, 95)), POLICY)
    open_ = judge(evidence(version(60), version(1140)), POLICY)
    bad = judge(evidence(version(312, 16), version(5940, 12)), POLICY)

    assert overall([good, good]).outcome == "pass"
    assert (overall([good, open_]).outcome, overall([good, open_]).harmless) == (
        "need_more_data", True,
    )  # fmt: skip
    assert overall([good, open_, bad]).outcome == "fail"
    assert overall([good, bad]).words == bad.words
    assert overall([good, bad]).harmed == 21
    assert (overall([]).outcome, overall([]).harmless) == ("need_more_data", False)
