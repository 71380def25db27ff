"""Both versions of a service side by side: what each answered, and what follows from it. Pure.

The page of a deployment shows it, live. Figures are those of the engine's last look; nothing is
computed here that the engine does not decide by, except how large a bar is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairway.console.views.wording import NOTHING, sparkline
from fairway.delivery.deployment import Deployment, Status
from fairway.delivery.port import VersionNumbers, Watching
from fairway.delivery.words import latency, plural, share

BAR = 100.0
"""A full bar."""
SPARK_WIDTH, SPARK_HEIGHT = 160.0, 32.0
_VERDICTS = {
    "pass": ("ok", "no worse, beyond doubt"),
    "fail": ("bad", "worse, beyond doubt"),
}
_LIMITS = {"pass": ("ok", "within the limit"), "fail": ("bad", "over the limit, beyond doubt")}
_UNDECIDED = ("busy", "not certain yet")
_LEFT_OPEN = ("idle", "not decided")
_ENDS: Mapping[Status, tuple[str, str]] = {
    "succeeded": ("ok", "in force"),
    "rolled_back": ("idle", "ended without a verdict"),
    "failed": ("idle", "ended without a verdict"),
    "cancelled": ("idle", "ended without a verdict"),
}
_CHECKS = {"errors": "failed answers", "slo availability": "failed answers (SLO)"}


@dataclass(frozen=True, slots=True)
class Side:
    """One version. `spark` are the points of a line: its rate of requests, lately."""

    version: str
    new: bool
    weight: int
    requests: int
    errors: int
    error_share: str
    rate: float
    p50: str
    p95: str
    spark: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One comparison. `worse` and `fine` say how sure either is, from 0 to 100; None at a limit."""

    name: str
    new: str
    old: str
    tone: str
    words: str
    worse: float | None
    fine: float | None
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One service: its new version, its old one, and the evidence so far."""

    service: str
    new: Side | None
    old: Side | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the engine thinks of the new versions, in words."""

    tone: str
    title: str
    words: str
    harmed: str
    remaining: float | None
    hint: str = ""


def comparisons(deployment: Deployment, watching: Watching | None) -> tuple[Comparison, ...]:
    """Every watched service."""
    if watching is None:
        return ()
    services = dict.fromkeys(each.service for each in watching.versions)
    return tuple(_comparison(name, deployment, watching) for name in services)


def verdict(deployment: Deployment, watching: Watching | None, now: float) -> Verdict | None:
    """The verdict of the last look; None before it, and where nothing is compared."""
    if watching is None or not watching.versions:
        return None
    tone, title = _title(deployment, watching)
    cohort = deployment.cohort
    served = sum(each.requests for each in watching.versions if each.version == cohort)
    harmed = f"{plural(watching.harmed, 'request')} harmed of {served:,} that {cohort} answered"
    watched = deployment.effect is not None and deployment.effect.step == "watch"
    left = watching.deadline - now if watching.deadline is not None and watched else None
    remaining = left if left is not None and left > 0 else None
    return Verdict(tone, title, watching.words, harmed, remaining, _hint(deployment, watching))


def _title(deployment: Deployment, watching: Watching) -> tuple[str, str]:
    """Tone and title; nothing is busy being decided about a deployment that is over or goes back.

    That a release was worse stays what is said of it; that it looked no worse does not when it
    ended otherwise.
    """
    if deployment.status == "succeeded" or (deployment.over and watching.outcome != "fail"):
        return _ENDS[deployment.status]
    if deployment.status == "rolling_back" and watching.outcome != "fail":
        return "idle", "goes back"
    return _VERDICTS.get(watching.outcome, _UNDECIDED)


def _hint(deployment: Deployment, watching: Watching) -> str:
    """What to do while it gets nowhere."""
    effect = deployment.effect
    if effect is None or effect.step != "watch":
        return ""
    answered = any(v.requests for v in watching.versions if v.version == deployment.cohort)
    if answered or not deployment.course.stages[watching.stage].judged:
        return ""
    return "Nobody asks the new version anything: send some requests, or promote without a verdict."


def _comparison(service: str, deployment: Deployment, watching: Watching) -> Comparison:
    mine = [each for each in watching.versions if each.service == service]
    sides = {each.version == deployment.cohort: _side(each, deployment.cohort) for each in mine}
    evidence = tuple(
        _evidence(check, open_still=not deployment.over and deployment.status != "rolling_back")
        for check in watching.checks
        if check.get("service", service) == service
    )
    return Comparison(service, sides.get(True), sides.get(False), evidence)


def _side(numbers: VersionNumbers, cohort: str) -> Side:
    return Side(
        numbers.version,
        numbers.version == cohort,
        numbers.weight,
        numbers.requests,
        numbers.errors,
        share(numbers.errors, numbers.requests),
        numbers.rate,
        latency(numbers.p50),
        latency(numbers.p95),
        sparkline(numbers.recent, SPARK_WIDTH, SPARK_HEIGHT),
    )


def _evidence(check: Mapping[str, Any], *, open_still: bool) -> Evidence:
    limit = check.get("limit")
    known = _VERDICTS if limit is None else _LIMITS
    tone, words = known.get(str(check["outcome"]), _UNDECIDED if open_still else _LEFT_OPEN)
    return Evidence(
        name=_CHECKS.get(check["name"], str(check["name"])),
        new=_figure(check, check.get("candidate")),
        old=_figure(check, check.get("stable")),
        tone=tone,
        words=words,
        worse=_sure(check["doubt_worse"]) if limit is None else None,
        fine=_sure(check["doubt_fine"]) if limit is None else None,
        limit="" if limit is None else _figure(check, limit),
    )


def _figure(check: Mapping[str, Any], value: float | None) -> str:
    if value is None:
        return NOTHING
    return latency(value) if check["unit"] == "seconds" else f"{value * 100:.2f} %"


def _sure(doubt: float) -> float:
    """How sure, in percent, as far as a doubt of `doubt` allows; never quite all."""
    return min(round(BAR * (1 - min(max(doubt, 0.0), 1.0)), 1), 99.9)
