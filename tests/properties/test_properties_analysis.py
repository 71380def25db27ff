"""Properties of the analysis: it is monotone in failures, silent without traffic, and seldom wrong
about a release that is no worse, however often it is asked.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.delivery.analysis.evidence import Evidence, Stratum, together
from fairway.delivery.analysis.judge import judge
from fairway.delivery.analysis.policy import AnalysisPolicy, Limits, Ratio
from fairway.delivery.analysis.verdict import Verdict
from fairway.plan.latency import bucket_of
from fairway.targets.contract import Traffic

POLICY = AnalysisPolicy(limits=Limits(availability=0.99, p95=0.3), ratios=(Ratio("paid"),))
RANK = {"fail": 0, "need_more_data": 1, "pass": 2}


@st.composite
def traffics(draw: st.DrawFn, most: int = 3000) -> Traffic:
    requests = draw(st.integers(0, most))
    errors = draw(st.one_of(st.integers(0, min(5, requests)), st.integers(0, requests)))
    slow = draw(st.integers(0, requests))
    latency = {300: requests - slow, draw(st.integers(301, 700)): slow}
    total = draw(st.integers(0, requests))
    return Traffic(requests, errors, latency, {"paid": (draw(st.integers(0, total)), total)})


strata = st.builds(
    Stratum, st.sampled_from([0, 5, 25, 50, 100]), st.booleans(), st.just(0.0), st.just(60.0),
    traffics(), traffics(50_000),
)  # fmt: skip
evidences = st.builds(
    lambda some: Evidence("orbit", "r8", "r7", tuple(some)),
    st.lists(strata, min_size=1, max_size=5),
)


def changed(evidence: Evidence, index: int, change: Callable[[Stratum], Stratum]) -> Evidence:
    some = list(evidence.strata)
    some[index] = change(some[index])
    return replace(evidence, strata=tuple(some))


@given(evidences, st.data())
def test_more_failures_of_the_candidate_never_make_a_verdict_better(
    evidence: Evidence, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(evidence.strata) - 1))
    candidate = evidence.strata[index].candidate
    errors = data.draw(st.integers(candidate.errors, candidate.requests))
    worse = changed(
        evidence, index, lambda one: replace(one, candidate=replace(one.candidate, errors=errors))
    )

    assert RANK[judge(worse, POLICY).outcome] <= RANK[judge(evidence, POLICY).outcome]


@given(evidences, st.data())
def test_fewer_failures_of_the_stable_version_never_excuse_the_candidate(
    evidence: Evidence, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(evidence.strata) - 1))
    errors = data.draw(st.integers(0, evidence.strata[index].stable.errors))
    cleaner = changed(
        evidence, index, lambda one: replace(one, stable=replace(one.stable, errors=errors))
    )

    assert RANK[judge(cleaner, POLICY).outcome] <= RANK[judge(evidence, POLICY).outcome]


@given(st.lists(strata, max_size=5), st.integers(0, 100))
def test_no_traffic_is_never_a_pass(some: list[Stratum], minimum: int) -> None:
    silent = tuple(replace(stratum, candidate=Traffic()) for stratum in some)

    for policy in (POLICY, AnalysisPolicy(latency_quantiles=())):
        verdict = judge(Evidence("orbit", "r8", "r7", silent), replace(policy, minimum=minimum))
        assert (verdict.outcome, verdict.harmless) == ("need_more_data", False)


@given(evidences)
def test_a_verdict_is_consistent_with_its_checks(evidence: Evidence) -> None:
    verdict = judge(evidence, POLICY)
    outcomes = {check.outcome for check in verdict.checks}

    assert ("fail" in outcomes) == (verdict.outcome == "fail")
    assert verdict.outcome != "pass" or (outcomes == {"pass"} and verdict.harmless)
    assert not (verdict.harmless and verdict.outcome == "fail")
    assert all(0 <= check.doubt_worse <= 1 and 0 <= check.doubt_fine <= 1
               for check in verdict.checks)  # fmt: skip
    assert verdict.words


looks = st.lists(
    st.tuples(
        st.floats(0, 400), st.sampled_from([0, 5, 25]), traffics(2000), traffics(2000)
    ),
    max_size=12,
)  # fmt: skip


@given(looks)
def test_whatever_the_counters_do_nothing_is_negative_and_json_keeps_all(
    some: list[tuple[float, int, Traffic, Traffic]],
) -> None:
    evidence, now = Evidence("orbit", "r8", "r7"), 0.0
    for later, weight, candidate, stable in some:
        now += later
        evidence = evidence.with_look(now, weight, candidate, stable, 5.0)
        evidence = Evidence.from_json(json.loads(json.dumps(evidence.to_json())))

    for stratum in evidence.strata:
        for traffic in (stratum.candidate, stratum.stable):
            assert 0 <= traffic.errors <= traffic.requests
            assert all(count > 0 for count in traffic.latency.values())
            assert all(0 <= hits <= total for hits, total in traffic.ratios.values())
    judge(evidence, POLICY)


@given(st.lists(st.tuples(traffics(50), traffics(500)), min_size=1, max_size=8), st.data())
def test_it_does_not_matter_how_often_one_looks(
    parts: list[tuple[Traffic, Traffic]], data: st.DataObject
) -> None:
    """Within a step after its warm-up, skipped looks lose nothing."""
    often = seldom = Evidence("orbit", "r8", "r7").with_look(0, 5, Traffic(), Traffic(), 0.0)
    candidate = stable = Traffic()
    for second, (ours, theirs) in enumerate(parts, start=1):
        candidate, stable = together(candidate, ours), together(stable, theirs)
        often = often.with_look(second, 5, candidate, stable, 0.0)
        if second == len(parts) or data.draw(st.booleans()):
            seldom = seldom.with_look(second, 5, candidate, stable, 0.0)

    assert often == seldom
    assert judge(often, POLICY) == judge(seldom, POLICY)


@dataclass(frozen=True)
class Program:
    """How a version answers: the chance of a failure, and how many times as slow."""

    failing: float = 0.02
    slower: float = 1.0

    def answer(self, draw: random.Random, interval: int) -> Traffic:
        """Both versions fail more in the middle, and slow down all the time."""
        bad = draw.random() < self.failing * (4 if 15 <= interval < 22 else 1)
        slow = draw.lognormvariate(10 + interval / 100, 0.6) * self.slower
        return Traffic(1, int(bad), {bucket_of(slow): 1})


def rollout(candidate: Program, stable: Program, seed: int) -> Verdict:
    """At 100 requests a second: 20 s at 5 % and 20 s at 25 %, looked at each second."""
    draw, evidence, totals = random.Random(seed), Evidence("orbit", "r8", "r7"), [Traffic()] * 2
    for interval in range(41):
        weight = 5 if interval < 20 else 25
        evidence = evidence.with_look(interval, weight, totals[0], totals[1], 2.0)
        verdict = judge(evidence, AnalysisPolicy())
        if verdict.outcome == "fail":
            break
        for _ in range(100):
            version = 0 if draw.random() < weight / 100 else 1
            answer = (candidate, stable)[version].answer(draw, interval)
            totals[version] = together(totals[version], answer)
    return verdict


def test_a_release_that_is_no_worse_seldom_fails() -> None:
    """By alpha one in a hundred may."""
    outcomes = [rollout(Program(), Program(), seed).outcome for seed in range(60)]

    assert outcomes.count("fail") <= 2


@pytest.mark.parametrize("worse", [Program(failing=0.12), Program(slower=1.5)])
def test_a_release_that_is_much_worse_fails(worse: Program) -> None:
    assert {rollout(worse, Program(), seed).outcome for seed in range(12)} == {"fail"}


def test_a_release_that_fails_half_of_its_requests_is_found_out_within_seconds() -> None:
    """50 requests a second at 5 %, a look each half second: median 2 s, and 95 % 4 s."""
    took = sorted(_seconds_to_failure(random.Random(seed)) for seed in range(200))

    assert took[100] <= 2.0
    assert took[190] <= 4.0


def _seconds_to_failure(draw: random.Random) -> float:
    """From the first bad answer to the verdict."""
    candidate, stable, began = Traffic(), Traffic(), None
    evidence = Evidence("orbit", "r8", "r7").with_look(0, 5, candidate, stable, 5.0)
    for look in range(1, 200):
        for request in range(25):
            failing = draw.random() < 0.5
            if draw.random() < 0.05:
                candidate = together(candidate, Traffic(1, int(failing)))
                if failing and began is None:
                    began = (look - 1 + request / 25) / 2
            else:
                stable = together(stable, Traffic(1, 0))
        evidence = evidence.with_look(look / 2, 5, candidate, stable, 5.0)
        if judge(evidence, AnalysisPolicy()).outcome == "fail":
            assert began is not None
            return look / 2 - began
    raise AssertionError("never found out")
