"""Plans and stale plans in words; the lines themselves are in the golden scenarios."""

from __future__ import annotations

from fairway.plan.describe import moved
from fairway.plan.observed import Observed, ObservedVersion

DIGEST = "sha256:" + "4f" * 32
THEN = Observed(7, 3, {"axon": (ObservedVersion("r7", DIGEST, 100, 2, 2),)})


def test_nothing_moved() -> None:
    assert moved(THEN.facts, THEN.facts) == ""


def test_another_deployment_came_between() -> None:
    now = Observed(8, 4, {"axon": (ObservedVersion("r8", DIGEST, 100, 2, 2),)})
    assert moved(THEN.facts, now.facts) == (
        "the policy set was 3 and is 4; the release was 7 and is 8; version r7 of axon runs no "
        "longer; version r8 of axon runs now (sha256:4f4f4f4f, 100 % of requests, 2 replicas)"
    )


def test_weights_and_replicas_moved() -> None:
    now = Observed(7, 3, {"axon": (ObservedVersion("r7", DIGEST, 95, 3, 3),)})
    assert moved(THEN.facts, now.facts) == (
        "version r7 of axon was sha256:4f4f4f4f, 100 % of requests, 2 replicas and is "
        "sha256:4f4f4f4f, 95 % of requests, 3 replicas"
    )


def test_a_restart_is_no_fact() -> None:
    now = Observed(7, 3, {"axon": (ObservedVersion("r7", DIGEST, 100, 2, 1),)})
    assert now.fingerprint == THEN.fingerprint
    assert moved(THEN.facts, now.facts) == ""
