"""Deployments and releases for tests of the delivery: a shop of `axon` and `orbit`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.target_rig import release, service

from fairway.delivery.course import Course, Stage
from fairway.delivery.deployment import Deployment
from fairway.plan.plan import Change, Move, Plan
from fairway.plan.release import ReleaseContent

NOW = 1_800_000_000.0
CANARY = (Stage(5, 10.0, judged=True), Stage(50, 10.0, judged=True), Stage(100))


def content(**services: str) -> ReleaseContent:
    """The content of a release with these services, each named by what it does."""
    described = {name: service(text) for name, text in (services or {"axon": "one"}).items()}
    return release(1, described, policy_set=0).content


def plan(*moves: Move, **fields: Any) -> Plan:
    """A plan with these moves, from release 1."""
    given = {
        "app": "shop", "environment": "prod", "base": 1, "release_digest": "sha256:1",
        "strategy": {"canary": {}}, "changes": (Change("replace", "axon"),),
        "moves": moves or (Move("axon", "r1", "r2", 2, 2),),
        "policy_set": 1, "base_policy_set": 1, "fingerprint": "sha256:2",
    }  # fmt: skip
    return Plan(**given | fields)


def deployment(name: str, *, release: int = 2, base: int = 1, **fields: Any) -> Deployment:
    """A deployment that has not begun, of a canary if nothing else is said."""
    new = Deployment(name, plan(), Course(CANARY), release, base, "ada", NOW)
    return replace(new, **fields)
