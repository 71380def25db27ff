"""What a target says is there: the other half of every plan. Plain frozen data.

A target's `observe` makes it; the planner compares it with a release, `deploy --plan` with what was
observed when the plan was made, drift with what should be there. Versions are named by the release
that last changed their service (`r7`); what runs straight from the working tree is `working-tree`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

WORKING_TREE = "working-tree"
"""The version that `fairway up` runs before the first deployment: files as they are, reloaded."""


@dataclass(frozen=True, slots=True)
class ObservedVersion:
    """One version of a service that runs.

    `digest` is the `ServiceRelease.digest` that it was started from; `weight` is its percent of new
    requests (0: it serves only its own cohort); `healthy` of `desired` replicas are up.
    """

    name: str
    digest: str
    weight: int
    desired: int
    healthy: int


@dataclass(frozen=True, slots=True)
class Observed:
    """An environment as it is. `release` and `policy_set` are 0 before the first."""

    release: int = 0
    policy_set: int = 0
    services: Mapping[str, tuple[ObservedVersion, ...]] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, str]:
        """Every fact that a plan depends on, by a name that people understand.

        Health is no such fact: a replica that restarts makes no plan stale.
        """
        versions = {
            f"services.{service}.{version.name}": f"{version.digest}, {version.weight} % of "
            f"requests, {version.desired} replicas"
            for service, found in self.services.items()
            for version in found
        }
        return {"release": str(self.release), "policies": str(self.policy_set), **versions}

    @property
    def fingerprint(self) -> str:
        """Changes exactly when a fact does: `sha256:` and 64 hex digits."""
        text = json.dumps(self.facts, sort_keys=True)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
