"""Deployments that are killed at every boundary: what is deployed, who says what, how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.delivery_world import BLUE_GREEN, CANARY, ROLLING, STOP_FIRST

from fairway.delivery.deployment import Status
from fairway.delivery.store.deployments import OrderKind

HOOKS = {
    phase: [{"name": "smoke", "run": "true"}]
    for phase in ("pre_deploy", "pre_shift", "post_shift", "post_deploy")
}


@dataclass(frozen=True, slots=True)
class Says:
    """An order that `bob` gives when the deployment is about to perform a step of a stage."""

    step: str
    order: OrderKind
    stage: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A second release of the shop, after `one`: the version `two`."""

    name: str
    status: Status
    environment: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    says: tuple[Says, ...] = ()

    @property
    def release(self) -> int:
        """The number of the one that is in force in the end."""
        return 2 if self.status == "succeeded" else 1

    @property
    def serving(self) -> dict[str, str]:
        """The version of each service that has every request in the end; nothing else runs."""
        new = f"r{self.release}"
        if not self.environment.get("wide"):
            return {"axon": new, "orbit": "r1"}
        return {"axon": new, "orbit": new, f"only-{('one', 'two')[self.release - 1]}": new}


def scenario(name: str, status: Status, strategy: Mapping[str, Any], **fields: Any) -> Scenario:
    """With a strategy, and whatever else of the environment is given."""
    own = {key: fields.pop(key) for key in ("fault", "says") if key in fields}
    return Scenario(name, status, {"strategy": strategy, **fields}, **own)


APPROVED = {"approvals": 1, "says": (Says("await_approval", "approve"),)}
ALWAYS_OPEN = [{"from": "00:00", "to": "00:00"}]

SCENARIOS = {
    each.name: each
    for each in (
        scenario("canary", "succeeded", CANARY),
        scenario("canary-bad", "rolled_back", CANARY, fault="errors"),
        scenario("canary-slow", "rolled_back", CANARY, fault="latency"),
        scenario("canary-ill", "rolled_back", CANARY, fault="unhealthy"),
        scenario("canary-aborted", "rolled_back", CANARY, says=(Says("watch", "abort", 1),)),
        scenario("canary-promoted", "succeeded", CANARY, says=(Says("watch", "promote_fully"),)),
        scenario(
            "canary-paused", "succeeded", CANARY,
            says=(Says("watch", "pause", 1), Says("await_resume", "resume", 1)),
        ),
        scenario(
            "canary-gated", "succeeded", CANARY, hooks=HOOKS, windows=ALWAYS_OPEN, **APPROVED
        ),
        scenario(
            "canary-hook-fails", "rolled_back", CANARY,
            hooks={"post_shift": [{"name": "smoke", "run": "false"}]},
        ),
        scenario(
            "canary-rejected", "cancelled", CANARY, approvals=1,
            says=(Says("await_approval", "reject"),),
        ),
        scenario("canary-wide", "succeeded", CANARY, wide=True),
        scenario("canary-wide-bad", "rolled_back", CANARY, fault="errors", wide=True),
        scenario("rolling", "succeeded", ROLLING),
        scenario("rolling-gated", "succeeded", ROLLING, hooks=HOOKS, **APPROVED),
        scenario("rolling-bad", "rolled_back", ROLLING, fault="errors"),
        scenario("rolling-stop-first", "succeeded", STOP_FIRST),
        scenario("rolling-stop-first-bad", "rolled_back", STOP_FIRST, fault="errors"),
        scenario("blue-green", "succeeded", BLUE_GREEN),
        scenario("blue-green-gated", "succeeded", BLUE_GREEN, hooks=HOOKS, **APPROVED),
        scenario("blue-green-bad", "rolled_back", BLUE_GREEN, fault="errors"),
        scenario(
            "blue-green-aborted", "rolled_back", BLUE_GREEN, says=(Says("watch", "abort", 1),)
        ),
    )
}  # fmt: skip
