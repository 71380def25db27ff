"""A verdict as one sentence that somebody understands at three in the morning."""

from __future__ import annotations

from collections.abc import Sequence

from fairway.delivery.analysis.evidence import Evidence
from fairway.delivery.analysis.verdict import Check, Outcome


def in_words(
    evidence: Evidence,
    outcome: Outcome,
    checks: Sequence[Check],
    suspects: Sequence[str],
    *,
    missing: int,
) -> str:
    """What was seen of which version, over how long, and what that means.

    `missing` requests are as many as the policy wants yet before it concludes anything.
    """
    candidate, stable = evidence.candidate, evidence.stable
    if not any(stratum.candidate.requests for stratum in evidence.strata):
        return f"{candidate} of {evidence.service} has answered no request yet: nothing to judge"
    if outcome == "fail":
        failed = next(check for check in checks if check.outcome == "fail")
        return _failure(evidence, failed)
    if outcome == "need_more_data" and suspects:
        suspect = next(check for check in checks if check.name == suspects[0])
        return f"{_seen(evidence, suspect)}: it looks worse, but that is not certain yet"
    seen = _seen(evidence, checks[0])
    if outcome == "pass":
        return f"{seen}: {candidate} is no worse than {stable}, beyond doubt"
    return f"{seen}: {_undecided(evidence, checks, missing)}"


def _failure(evidence: Evidence, check: Check) -> str:
    if check.limit is None:
        return f"{_seen(evidence, check)}: worse beyond doubt"
    return f"{_seen(evidence, check)}: over the SLO's {_figure(check, check.limit)} beyond doubt"


def _seen(evidence: Evidence, check: Check) -> str:
    """Both versions' figures and where they come from."""
    candidate, stable = _figure(check, check.candidate), _figure(check, check.stable)
    where = (
        f"over the same {evidence.seconds:.0f} s "
        f"({check.candidate_requests} and {check.stable_requests} requests)"
    )
    ours, theirs = f"{evidence.candidate}'s", f"{evidence.stable}'s"
    what = _compared(check, candidate, stable, ours, theirs)
    return f"{evidence.service}: {what} {where}"


def _compared(check: Check, candidate: str, stable: str, ours: str, theirs: str) -> str:
    if check.unit == "seconds":
        level = check.name.removeprefix("slo ")
        return f"{level} of {ours} answers is {candidate} against {stable} of {theirs}"
    if check.name in {"errors", "slo availability"}:
        return f"{candidate} of {ours} answers failed against {stable} of {theirs}"
    return f"{check.name} is {candidate} of {ours} requests against {stable} of {theirs}"


def _undecided(evidence: Evidence, checks: Sequence[Check], missing: int) -> str:
    """Why there is no verdict yet."""
    if all(check.stable_requests == 0 for check in checks):
        return f"{evidence.stable} has answered nothing meanwhile, so there is nothing to compare"
    broken = [check for check in checks if check.limit is not None and _both_break(check)]
    if broken:
        limit = _figure(broken[0], broken[0].limit)
        return f"both versions break the {broken[0].name} of {limit}, look beyond the release"
    open_checks = ", ".join(check.name for check in checks if check.outcome != "pass")
    if missing:
        more = "1 more request is" if missing == 1 else f"{missing} more requests are"
        return f"no sign of harm, but {more} needed to conclude anything"
    return f"no sign of harm; a small one is not excluded yet ({open_checks})"


def _both_break(check: Check) -> bool:
    return (
        check.limit is not None
        and check.candidate is not None
        and check.stable is not None
        and min(check.candidate, check.stable) > check.limit
    )


def _figure(check: Check, value: float | None) -> str:
    if value is None:
        return "nothing"
    if check.unit == "share":
        return f"{_digits(100 * value)} %"
    return f"{_digits(1000 * value)} ms" if value < 1 else f"{value:.2f} s"


def _digits(value: float) -> str:
    """About two digits that say something, and no zeros that only fill up."""
    if value < 1:
        return f"{value:.2g}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")
