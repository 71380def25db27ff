"""The way back: how a deployment gives up what it started. Pure. Called by `transitions.py`."""

from __future__ import annotations

from dataclasses import replace

from fairway.delivery.advancing import Advance, IllegalTransition, end, go
from fairway.delivery.deployment import Deployment, Effect, Status


def roll_back(
    deployment: Deployment, reason: str, at: float, *, otherwise: Status = "failed"
) -> Advance:
    """Turn round; where nothing was started yet there is no way back, and it ends `otherwise`."""
    if not deployment.started:
        return end(deployment, otherwise, reason, at)
    turned = replace(deployment, reason=reason, paused="", interrupted=None, attempts=0)
    first = Effect("apply", back=True) if deployment.stopped else Effect("shift", back=True)
    return go(turned, "rolling_back", first).telling("RollbackStarted", reason, reason=reason)


def done_back(deployment: Deployment, effect: Effect, at: float) -> Advance:
    """What follows an effect of the way back that was carried out."""
    match effect.step:
        case "apply":
            return go(deployment, "rolling_back", Effect("shift", back=True))
        case "shift":
            onward = Effect("govern" if deployment.governed else "retire", back=True)
            back = go(replace(deployment, serving=0), "rolling_back", onward)
            return back.telling("WeightShifted", "no more new requests go to it", weight=0)
        case "govern":
            return go(deployment, "rolling_back", Effect("retire", back=True))
        case "retire":
            return go(deployment, "rolling_back", Effect("settle", back=True))
        case "settle":
            return end(deployment, "rolled_back", deployment.reason, at)
        case _:
            raise IllegalTransition(f"there is no way back from {effect.step}")
