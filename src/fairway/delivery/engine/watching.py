"""The effect that looks: measures both versions, judges the new one, and says how the stage ends.

Called by `perform.py`. Evidence is kept after every look, so that an engine that takes over goes on
with it, and the baseline is measured before the first request is shifted, so that no answer of the
candidate goes unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairway.delivery.advancing import stage_of
from fairway.delivery.analysis.evidence import Evidence, together
from fairway.delivery.analysis.judge import judge, overall
from fairway.delivery.analysis.policy import AnalysisPolicy
from fairway.delivery.analysis.verdict import Verdict
from fairway.delivery.deployment import Deployment, Effect
from fairway.delivery.engine.place import Place
from fairway.delivery.engine.waiting import PAUSE, heard
from fairway.delivery.happenings import Happening, Judged
from fairway.delivery.port import VersionNumbers, Watching
from fairway.delivery.strategies import analysis_policy
from fairway.delivery.traffic import EVERYTHING, replaced
from fairway.plan.latency import quantile
from fairway.plan.plan import Move
from fairway.plan.releases import app_of
from fairway.targets.contract import Measured, Traffic

SPARKLINE = 40
"""Looks whose rates are kept for the picture."""
NOTHING = Traffic()


async def watch(place: Place, deployment: Deployment, effect: Effect) -> Happening:
    """Look until the stage ends by itself or by an order."""
    policies = await _policies(place, deployment)
    while True:
        verdict = await look(place, deployment, policies)
        order = await heard(place, deployment)
        judged = ended(deployment, effect, verdict, place.clock())
        if judged is not None and judged.outcome == "fail":
            return judged
        if order is not None:
            return order
        if judged is not None:
            return judged
        await place.sleep(PAUSE)


async def await_resume(place: Place, deployment: Deployment) -> Happening:
    """Wait for an order; what serves meanwhile is still looked at, and can still fail."""
    policies = await _policies(place, deployment)
    judging = deployment.serving > 0 and stage_of(deployment).judged
    while True:
        order = await heard(place, deployment)
        if order is not None:
            return order
        if judging:
            verdict = await look(place, deployment, policies)
            if verdict.outcome == "fail":
                return Judged(place.clock(), "fail", verdict.words)
        await place.sleep(PAUSE)


def ended(deployment: Deployment, effect: Effect, verdict: Verdict, now: float) -> Judged | None:
    """Whether a stage ends with this verdict at this moment, and how. Pure."""
    stage, deadline = stage_of(deployment), effect.deadline or effect.since
    if stage.judged and verdict.outcome == "fail":
        return Judged(now, "fail", verdict.words)
    if now < deadline:
        return None
    beside = stage.weight < EVERYTHING  # with all requests there is nothing to compare them with
    if not (stage.judged and beside and _compared(deployment)):
        return Judged(now, "pass", f"it was watched for {now - effect.since:.0f} s")
    if verdict.outcome == "pass" or (verdict.harmless and not stage.evidence):
        return Judged(now, "pass", verdict.words)
    if now >= max(deadline, effect.since + deployment.course.patience):
        return Judged(now, "inconclusive", verdict.words)
    return None


async def look(
    place: Place, deployment: Deployment, policies: Mapping[str, AnalysisPolicy]
) -> Verdict:
    """One look: measure, add to the evidence, judge, and keep what was seen."""
    watched = _watched(deployment)
    measured = await place.target.measure([move.service for move in watched])
    known = {each.service: each for each in await _evidence(place, deployment)}
    now, share = place.clock(), _share(deployment)
    evidence = tuple(
        _with_look(known.get(move.service), move, measured, now, share, policies)
        for move in watched
    )
    compared = {move.service for move in _compared(deployment)}
    verdict = overall(
        [
            judge(each, policies[each.service].for_one_of(len(compared)))
            for each in evidence
            if each.service in compared
        ]
    )
    before = await place.asked(lambda: place.store.looks.watching(deployment.id))
    seen = _seen(deployment, evidence, verdict, before, now)
    await place.asked(lambda: place.store.looks.save(deployment.id, seen, evidence))
    return verdict


async def baseline(place: Place, deployment: Deployment) -> None:
    """The look before the first shift: from here on everything counts."""
    if not await _evidence(place, deployment):
        await look(place, deployment, await _policies(place, deployment))


async def _policies(place: Place, deployment: Deployment) -> dict[str, AnalysisPolicy]:
    app = app_of((await place.release(deployment.release)).content)
    return {
        move.service: analysis_policy(app, deployment.environment, move.service)
        for move in _watched(deployment)
    }


async def _evidence(place: Place, deployment: Deployment) -> tuple[Evidence, ...]:
    return await place.asked(lambda: place.store.looks.evidence(deployment.id))


def _watched(deployment: Deployment) -> tuple[Move, ...]:
    return tuple(move for move in replaced(deployment) if move.after is not None)


def _compared(deployment: Deployment) -> tuple[Move, ...]:
    """A new service has nothing beside it to be compared with, a worker answers no requests."""
    return tuple(move for move in _watched(deployment) if move.before is not None and move.serves)


def _share(deployment: Deployment) -> int:
    """The candidates' percent of what is answered, copies included."""
    mirror = stage_of(deployment).mirror
    return round(100 * (deployment.serving + mirror) / (EVERYTHING + mirror))


def _with_look(  # noqa: PLR0913, PLR0917 - one look
    known: Evidence | None,
    move: Move,
    measured: Measured,
    now: float,
    share: int,
    policies: Mapping[str, AnalysisPolicy],
) -> Evidence:
    evidence = known or Evidence(move.service, move.after or "", move.before or "")
    versions = measured.get(move.service, {})
    candidate = versions.get(evidence.candidate, NOTHING)
    stable = versions.get(evidence.stable, NOTHING)
    return evidence.with_look(now, share, candidate, stable, policies[move.service].warm_up)


def _seen(
    deployment: Deployment,
    evidence: Sequence[Evidence],
    verdict: Verdict,
    before: Watching | None,
    now: float,
) -> Watching:
    effect, course = deployment.effect, deployment.course
    assert effect is not None, "a deployment that is over is not looked at"
    earlier = {(each.service, each.version): each for each in before.versions} if before else {}
    seconds = now - before.at if before else 0.0
    versions = tuple(
        _numbers(*version, earlier.get(version[:2]), seconds)
        for each in evidence
        for version in _versions(deployment, each)
    )
    return Watching(
        at=now, stage=deployment.stage, stages=len(course.stages), weight=deployment.serving,
        since=effect.since, deadline=effect.deadline, outcome=verdict.outcome, words=verdict.words,
        versions=versions, checks=tuple(verdict.to_json()["checks"]),
        harmed=_harmed(deployment, versions, before),
    )  # fmt: skip


def _harmed(
    deployment: Deployment, versions: Sequence[VersionNumbers], before: Watching | None
) -> int:
    """Failed answers of candidates that users got: those to copies are dropped, and harm nobody."""
    if before is None:
        return 0
    if stage_of(deployment).mirror:
        return before.harmed
    fresh = _failed(versions, deployment.cohort) - _failed(before.versions, deployment.cohort)
    return before.harmed + max(0, fresh)


def _failed(versions: Sequence[VersionNumbers], version: str) -> int:
    return sum(each.errors for each in versions if each.version == version)


def _versions(deployment: Deployment, evidence: Evidence) -> list[tuple[str, str, int, Traffic]]:
    weight, candidate, stable = deployment.serving, NOTHING, NOTHING
    for stratum in evidence.strata:
        candidate = together(candidate, stratum.candidate)
        stable = together(stable, stratum.stable)
    found = [(evidence.service, evidence.candidate, weight, candidate)]
    if evidence.stable:
        found.append((evidence.service, evidence.stable, EVERYTHING - weight, stable))
    return found


def _numbers(  # noqa: PLR0913, PLR0917 - one row of the table
    service: str,
    version: str,
    weight: int,
    traffic: Traffic,
    before: VersionNumbers | None,
    seconds: float,
) -> VersionNumbers:
    grown = traffic.requests - (before.requests if before else 0)
    rate = grown / seconds if seconds > 0 else 0.0
    recent = (*(before.recent if before else ()), rate)[-SPARKLINE:]
    return VersionNumbers(
        service, version, weight, traffic.requests, traffic.errors, rate,
        _seconds(traffic, 0.5), _seconds(traffic, 0.95), recent,
    )  # fmt: skip


def _seconds(traffic: Traffic, share: float) -> float | None:
    microseconds = quantile(traffic.latency, share)
    return None if microseconds is None else microseconds / 1e6
