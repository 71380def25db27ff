"""Carries out the one effect of a deployment that is due, and says what came of it.

The loop calls it, within a journalled step. Whatever it does may have been done before, wholly or
in part, by an engine that crashed: every effect is idempotent, and fenced. Errors of the target,
the store or a hook are happenings; only losing the lease is not, because then nothing may be said.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, assert_never

from fairway.delivery import traffic
from fairway.delivery.course import OnFailure, Phase
from fairway.delivery.deployment import Deployment, Effect
from fairway.delivery.engine import waiting, watching
from fairway.delivery.engine.place import Place
from fairway.delivery.happenings import Done, Failed, Happening, PlanStale, Replanned
from fairway.delivery.hooks import run_hook
from fairway.delivery.strategies import course
from fairway.errors import FairwayError, Unavailable, Unhealthy
from fairway.model.hooks import Hook
from fairway.plan.describe import moved
from fairway.plan.observed import Observed
from fairway.plan.planner import plan
from fairway.plan.releases import app_of
from fairway.plan.schemas import schema_conflict
from fairway.targets.contract import Fence

LONGEST_PAUSE = 15.0
"""Seconds between two attempts of what fails, at most."""
_log = logging.getLogger(__name__)


class LeaseLost(BaseException):
    """Another engine has taken over, or this one stops: not an outcome, so not an Exception.

    A journal records outcomes, errors among them; this passes through it and leaves no trace.
    """


async def perform(place: Place, deployment: Deployment, fence: Fence) -> Happening:
    """Carry the effect out; raises LeaseLost only."""
    effect = deployment.effect
    assert effect is not None, "a deployment that is over has nothing to do"
    try:
        if deployment.attempts:
            await place.sleep(min(0.25 * 2**deployment.attempts, LONGEST_PAUSE))
        acting = _perform(place, deployment, effect, fence)
        return await _unless_told(place, deployment, effect, acting)
    except FairwayError as error:
        failed = Failed(place.clock(), str(error), retry=_may_work(error, effect))
    except Exception as error:  # noqa: BLE001 - a defect must not leave a deployment without end
        _log.exception("%s: %s failed by a defect", deployment.id, effect.step)
        failed = Failed(place.clock(), f"a defect: {type(error).__name__}: {error}")
    if not await place.asked(lambda: place.store.leases.holds(place.environment, fence)):
        raise LeaseLost
    return failed


async def _unless_told(
    place: Place, deployment: Deployment, effect: Effect, acting: Coroutine[Any, Any, Happening]
) -> Happening:
    """The outcome, or an abort that comes while a version starts or a hook runs.

    What is interrupted then is in the same state as after a crash: the way back clears it up.
    """
    if effect.back or effect.step in waiting.LISTENING:
        return await acting
    task = asyncio.ensure_future(acting)
    try:
        while not task.done():
            order = await waiting.heard(place, deployment, only=("abort",))
            if order is not None:
                return order
            await asyncio.wait({task}, timeout=waiting.PAUSE)
        return task.result()
    finally:
        task.cancel()
        await asyncio.wait({task})


def _may_work(error: FairwayError, effect: Effect) -> bool:
    """Whether to try again: on the way back also what is ill, since it was well before."""
    return isinstance(error, Unavailable) or (effect.back and isinstance(error, Unhealthy))


async def _perform(  # noqa: C901, PLR0911, PLR0912 - a case per step
    place: Place, deployment: Deployment, effect: Effect, fence: Fence
) -> Happening:
    match effect.step:
        case "begin":
            pass  # whoever has the lease has waited for it
        case "check_plan":
            return await _check_plan(place, deployment)
        case "await_approval":
            return await waiting.await_approval(place, deployment)
        case "await_window":
            return await waiting.await_window(place, deployment)
        case "run_hooks":
            return await _run_hooks(place, deployment, effect)
        case "apply":
            await _apply(place, deployment, effect, fence)
        case "govern":
            await _govern(place, deployment, effect, fence)
        case "shift":
            await _shift(place, deployment, effect, fence)
        case "trim":
            release = await place.release_of(deployment, back=True)
            await place.target.apply(release, traffic.remainder(deployment, effect.stage), fence)
        case "watch":
            return await watching.watch(place, deployment, effect)
        case "await_resume":
            return await watching.await_resume(place, deployment)
        case "retire":
            leaving = traffic.leaving(deployment, back=effect.back)
            await place.target.retire(leaving, fence)
        case "settle":
            await _settle(place, deployment, effect, fence)
        case _:
            assert_never(effect.step)
    return Done(place.clock())


async def _check_plan(place: Place, deployment: Deployment) -> Happening:
    observed = await place.target.observe()
    made, effect = deployment.plan, deployment.effect
    if observed.fingerprint == made.fingerprint:
        return Done(place.clock())
    if effect is not None and effect.stage == 0 and not deployment.agreed:
        return await _replanned(place, deployment, observed)
    return PlanStale(place.clock(), moved(made.facts, observed.facts))


async def _replanned(place: Place, deployment: Deployment, observed: Observed) -> Happening:
    """Before its turn another one ended. Its databases may have been migrated meanwhile."""
    release = await place.release(deployment.release)
    schemas = await place.asked(place.store.schemas)
    conflict = schema_conflict(schemas, release.content, release.name)
    if conflict is not None:
        return Failed(place.clock(), conflict)
    in_force = await place.asked(place.store.releases.in_force)
    fresh = plan(
        release.content,
        observed,
        base=await place.release(in_force) if in_force else None,
        environment=deployment.environment,
        next_number=release.number,
    )
    declared = app_of(release.content).environments[deployment.environment]
    way = course(fresh, declared, emergency=deployment.course.emergency)
    return Replanned(place.clock(), fresh, way)


async def _apply(place: Place, deployment: Deployment, effect: Effect, fence: Fence) -> None:
    """Candidates by the new release; old versions as the release before describes them."""
    release = await place.release_of(deployment, back=effect.back)
    wanted = (
        traffic.restored(deployment)
        if effect.back
        else traffic.candidates(deployment, effect.stage)
    )
    await place.target.apply(release, wanted, fence)


async def _govern(place: Place, deployment: Deployment, effect: Effect, fence: Fence) -> None:
    """Before the first deployment nothing governed, and so there is nothing to go back to."""
    if not effect.back or deployment.base:
        await place.target.govern(await place.release_of(deployment, back=effect.back), fence)


async def _shift(place: Place, deployment: Deployment, effect: Effect, fence: Fence) -> None:
    if not effect.back:
        await watching.baseline(place, deployment)
    routing = traffic.routing(deployment, effect.weight, effect.mirror, back=effect.back)
    await place.target.shift(routing, fence)


async def _settle(place: Place, deployment: Deployment, effect: Effect, fence: Fence) -> None:
    if not effect.back or deployment.base:
        await place.target.settle(await place.release_of(deployment, back=effect.back), fence)


async def _run_hooks(place: Place, deployment: Deployment, effect: Effect) -> Happening:
    """Those of a phase in order; one that has passed is not run again after a crash."""
    phase = effect.phase
    assert phase is not None, "hooks belong to a phase"
    passed = await place.asked(lambda: place.store.looks.hooks(deployment.id, phase))
    ignored: Failed | None = None
    for position, hook in enumerate(await _hooks(place, deployment, phase)):
        before = passed.get(position)
        if before is not None and before.passed:
            continue
        failed = await _run_hook(place, deployment, phase, position, hook)
        if failed is not None and failed.then != "ignore":
            return failed
        ignored = ignored or failed
    return ignored or Done(place.clock())


async def _run_hook(
    place: Place, deployment: Deployment, phase: Phase, position: int, hook: Hook
) -> Failed | None:
    about = {
        "FAIRWAY_APP": deployment.app,
        "FAIRWAY_ENVIRONMENT": deployment.environment,
        "FAIRWAY_DEPLOYMENT": deployment.id,
        "FAIRWAY_RELEASE": deployment.cohort,
        "FAIRWAY_PHASE": phase,
    }
    result = await run_hook(hook, place.surroundings(hook.service), about, place.clock)
    await place.asked(lambda: place.store.looks.keep_hook(deployment.id, phase, position, result))
    then: OnFailure = hook.on_failure
    if result.passed:
        return None
    last = result.output.strip().splitlines()[-1:]
    reason = ": ".join([f"the {phase} hook {hook.name} failed, {result.words}", *last])
    return Failed(result.at, reason, then=then)


async def _hooks(place: Place, deployment: Deployment, phase: Phase) -> tuple[Hook, ...]:
    app = app_of((await place.release(deployment.release)).content)
    hooks = app.environments[deployment.environment].hooks
    match phase:
        case "pre_deploy":
            return hooks.pre_deploy
        case "pre_shift":
            return hooks.pre_shift
        case "post_shift":
            return hooks.post_shift
        case "post_deploy":
            return hooks.post_deploy
        case _:
            assert_never(phase)
