"""The checks of an analysis: what is counted for each, and which test decides it.

Every check reduces the strata to counts of requests and of events in them (a failed answer, an
answer slower than a bound, a hit of a user metric), and gives them to `sequential`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fairway.delivery.analysis.evidence import Stratum, shared_quantile
from fairway.delivery.analysis.policy import AnalysisPolicy, Ratio
from fairway.delivery.analysis.sequential import (
    MUCH_WORSE,
    WORSE,
    Counts,
    largest_margin,
    log_above,
    log_fewer,
    log_more,
)
from fairway.delivery.analysis.verdict import Check, Outcome
from fairway.plan.latency import bucket_of, upper_bound

ENOUGH_TO_REFER_TO = 100
"""Stable answers from which on a quantile of them is worth comparing with."""

Strata = Sequence[Stratum]


def all_checks(strata: Strata, policy: AnalysisPolicy) -> tuple[Check, ...]:
    """Every check that the policy asks for, the most telling first."""
    return (
        _errors(strata, policy),
        *(_latency(strata, policy, quantile) for quantile in policy.latency_quantiles),
        *_limits(strata, policy),
        *(_ratio(strata, policy, ratio) for ratio in policy.ratios),
    )


def suspicious(checks: Iterable[Check], policy: AnalysisPolicy) -> tuple[str, ...]:
    """The comparisons by which the candidate looks worse, if not yet for certain.

    A limit is no comparison: where both versions break it, the next release may be the remedy.
    """
    return tuple(
        check.name
        for check in checks
        if check.limit is None and check.outcome != "pass" and check.doubt_worse < policy.suspicion
    )


def _errors(strata: Strata, policy: AnalysisPolicy) -> Check:
    """All strata count, cold ones too: a program may begin slowly, but not by failing."""
    counts = [_failed(stratum) for stratum in strata]
    worse = log_more(counts, policy.error_margin, MUCH_WORSE)
    fine = log_fewer(counts, policy.error_tolerance)
    check = _compared(_of_shares("errors", counts), worse, fine, policy.alpha_errors, policy.beta)
    if check.outcome != "fail":
        return check
    return replace(check, worse_by=largest_margin(counts, MUCH_WORSE, policy.alpha_errors))


def _latency(strata: Strata, policy: AnalysisPolicy, quantile: float) -> Check:
    """Slower is: more of the candidate's answers exceed the stable's quantile with the margin.

    The candidate's answers are counted beyond a later bound than the stable's, so equal shares
    mean "slower by just the margin". Quantiles tested by such counts: S. Howard, A. Ramdas:
    Sequential estimation of quantiles with applications to A/B testing. Bernoulli 28, 2022.
    """
    bounds = _references(strata, quantile)
    margin = [_slow(stratum, bound, policy.latency_margin, policy) for stratum, bound in bounds]
    tolerance = [  # from the bucket before, so that equal latencies on both sides are evidence
        _slow(stratum, bound - 1, policy.latency_tolerance, policy) for stratum, bound in bounds
    ]
    worse, fine = log_more(margin, 0.0, WORSE), log_fewer(tolerance, 0.0)
    check = _of_latency(f"p{quantile * 100:g}", strata, quantile)
    return _compared(check, worse, fine, policy.alpha_other, policy.beta)


def _ratio(strata: Strata, policy: AnalysisPolicy, ratio: Ratio) -> Check:
    counts = [_hits(stratum, ratio.name) for stratum in strata if stratum.warm]
    if ratio.worse == "up":
        worse, fine = log_more(counts, ratio.margin, WORSE), log_fewer(counts, ratio.tolerance)
    else:
        worse = log_fewer(counts, -ratio.margin)
        fine = log_more(counts, -ratio.tolerance, WORSE)
    check = _of_shares(ratio.name, counts)
    return _compared(check, worse, fine, policy.alpha_other, policy.beta)


def _limits(strata: Strata, policy: AnalysisPolicy) -> Iterable[Check]:
    limits = policy.limits
    if limits.availability is not None:
        counts, allowed = [_failed(stratum) for stratum in strata], 1 - limits.availability
        check = replace(_of_shares("slo availability", counts), limit=allowed)
        yield _limited(check, counts, allowed, policy)
    for name, quantile, limit in (("p95", 0.95, limits.p95), ("p99", 0.99, limits.p99)):
        if limit is not None:
            bound = bucket_of(limit * 1e6)
            counts = [_beyond(stratum, bound, bound) for stratum in strata if stratum.warm]
            check = replace(_of_latency(f"slo {name}", strata, quantile), limit=limit)
            yield _limited(check, counts, 1 - quantile, policy)


def _compared(check: Check, worse: float, fine: float, alpha: float, beta: float) -> Check:
    """Decided by the (logarithmic) evidence that it is worse, and that it is fine.

    Nothing is fine that was not measured on both sides.
    """
    doubt_worse, doubt_fine = _doubt(worse), _doubt(fine)
    outcome: Outcome = "need_more_data"
    if doubt_worse <= alpha:
        outcome = "fail"
    elif check.candidate_requests and check.stable_requests and doubt_fine <= beta:
        outcome = "pass"
    return replace(check, outcome=outcome, doubt_worse=doubt_worse, doubt_fine=doubt_fine)


def _limited(
    check: Check, counts: Sequence[Counts], allowed: float, policy: AnalysisPolicy
) -> Check:
    """A limit on the share of events; fails when the candidate breaks it and the stable does not.

    When both break it, the release is not the reason: neither a failure nor a pass. Keeping it is
    decided by what was seen; that the candidate is no worse than the stable is another check.
    """
    requests, events = check.candidate_requests, sum(c.candidate_events for c in counts)
    doubt = _doubt(log_above(events, requests, allowed))
    stable_keeps = sum(c.stable_events for c in counts) <= allowed * check.stable_requests
    outcome: Outcome = "need_more_data"
    if doubt <= policy.alpha_other and stable_keeps:
        outcome = "fail"
    elif requests >= max(1, policy.minimum) and events <= allowed * requests:
        outcome = "pass"
    return replace(check, outcome=outcome, doubt_worse=doubt)


def _references(strata: Strata, quantile: float) -> list[tuple[Stratum, int]]:
    """Each warm stratum with the stable's quantile in the newest earlier one with enough answers.

    A bound from before keeps the test valid however that quantile drifts. A stratum that nothing
    came before refers to itself: better than not to be judged.
    """
    found: list[tuple[Stratum, int]] = []
    reference: int | None = None
    for stratum in strata:
        own = None
        if stratum.stable_latencies.total >= ENOUGH_TO_REFER_TO:
            own = stratum.stable_latencies.quantile(quantile)
        bound = own if reference is None else reference
        if stratum.warm and bound is not None:
            found.append((stratum, bound))
        reference = reference if own is None else own
    return found


def _failed(stratum: Stratum) -> Counts:
    candidate, stable = stratum.candidate, stratum.stable
    return Counts(
        stratum.weight / 100, candidate.requests, candidate.errors, stable.requests, stable.errors
    )


def _slow(stratum: Stratum, bound: int, by: float, policy: AnalysisPolicy) -> Counts:
    """Answers beyond the bound; the candidate's is later by a share, by the floor at least."""
    exact = upper_bound(bound)
    later = bucket_of(max(exact * (1 + by), exact + policy.latency_floor * 1e6))
    return _beyond(stratum, later, bound)


def _beyond(stratum: Stratum, candidate_bound: int, stable_bound: int) -> Counts:
    candidate, stable = stratum.candidate_latencies, stratum.stable_latencies
    return Counts(
        stratum.weight / 100,
        candidate.total,
        candidate.slower_than(candidate_bound),
        stable.total,
        stable.slower_than(stable_bound),
    )


def _hits(stratum: Stratum, name: str) -> Counts:
    hits, total = stratum.candidate.ratios.get(name, (0, 0))
    stable_hits, stable_total = stratum.stable.ratios.get(name, (0, 0))
    return Counts(stratum.weight / 100, total, hits, stable_total, stable_hits)


def _of_shares(name: str, counts: Sequence[Counts]) -> Check:
    """An open check of the share of events."""
    requests = sum(count.candidate_requests for count in counts)
    stable_requests = sum(count.stable_requests for count in counts)
    return Check(
        name,
        "share",
        _share(sum(count.candidate_events for count in counts), requests),
        _share(sum(count.stable_events for count in counts), stable_requests),
        requests,
        stable_requests,
    )


def _of_latency(name: str, strata: Strata, quantile: float) -> Check:
    """An open check of a latency quantile since the warm-ups."""
    candidate = [stratum.candidate_latencies for stratum in strata if stratum.warm]
    stable = [stratum.stable_latencies for stratum in strata if stratum.warm]
    return Check(
        name,
        "seconds",
        _seconds(shared_quantile(candidate, quantile)),
        _seconds(shared_quantile(stable, quantile)),
        sum(part.total for part in candidate),
        sum(part.total for part in stable),
    )


def _share(events: int, requests: int) -> float | None:
    return events / requests if requests else None


def _seconds(bucket: int | None) -> float | None:
    return None if bucket is None else upper_bound(bucket) / 1e6


def _doubt(log_evidence: float) -> float:
    """The anytime-valid p-value of an e-value."""
    return math.exp(-log_evidence) if log_evidence > 0 else 1.0
