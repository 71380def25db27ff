"""From evidence to a verdict: the one question is whether the candidate is worse than the stable.

The delivery engine asks after each look; the command line and the console show the answer.
Guarantees: over a whole rollout, however often it is asked, a release that is no worse fails with
probability at most `policy.alpha`, and a check passes one that is worse by its tolerance with at
most `policy.beta`; more failed answers of the candidate never turn a fail into anything better;
without requests to the candidate nothing passes. Takes well under a millisecond. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fairway.delivery.analysis.checks import all_checks, suspicious
from fairway.delivery.analysis.evidence import Evidence
from fairway.delivery.analysis.policy import AnalysisPolicy
from fairway.delivery.analysis.verdict import Verdict, worst
from fairway.delivery.analysis.words import in_words


def judge(evidence: Evidence, policy: AnalysisPolicy) -> Verdict:
    """The verdict on one service's candidate by what is known now."""
    checks = tuple(
        replace(check, service=evidence.service) for check in all_checks(evidence.strata, policy)
    )
    warm = sum(stratum.candidate.requests for stratum in evidence.strata if stratum.warm)
    missing = max(0, max(1, policy.minimum) - warm)
    suspects = suspicious(checks, policy)
    outcome = worst([check.outcome for check in checks])
    if outcome == "pass" and missing:
        outcome = "need_more_data"
    return Verdict(
        outcome,
        not missing and outcome != "fail" and not suspects,
        in_words(evidence, outcome, checks, suspects, missing=missing),
        checks,
        sum(stratum.candidate.requests for stratum in evidence.strata),
        sum(stratum.candidate.errors for stratum in evidence.strata),
    )


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict on a release of several services: it is as good as its worst.

    Judge each by `policy.for_one_of(len(verdicts))`, so that `alpha` holds for the whole release.
    """
    outcome = worst([verdict.outcome for verdict in verdicts])
    telling = [verdict.words for verdict in verdicts if verdict.outcome == outcome]
    return Verdict(
        outcome,
        bool(verdicts) and all(verdict.harmless for verdict in verdicts),
        "; ".join(telling) or "nothing was measured yet",
        tuple(check for verdict in verdicts for check in verdict.checks),
        sum(verdict.requests for verdict in verdicts),
        sum(verdict.harmed for verdict in verdicts),
    )
