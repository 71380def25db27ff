"""Who answers for a version whose replicas have all died, and which requests are sent again."""

from __future__ import annotations

from fairway.targets.contract import Routing, Split
from fairway.targets.mesh.render.replies import REPEATABLE, local_replies, retried
from fairway.targets.mesh.trials import covered, on_trial
from fairway.targets.mesh.view import Version


def weights(versions: tuple[Version, ...]) -> dict[str, int]:
    return {version.name: version.weight for version in versions}


def test_the_other_version_answers_for_one_without_replicas() -> None:
    split = Split({"r2": 30, "r1": 70}, candidate="r2")
    versions = (Version("r1", 0, ()), Version("r2", 0, (4001,)))
    found, trial = on_trial("axon", versions, Routing({"axon": split}, cohort="r2"))
    assert weights(found) == {"r1": 0, "r2": 100}
    assert trial is not None


def test_a_version_that_has_no_share_does_not_stand_in() -> None:
    """Nobody asks the candidate before its first share, or a version that is leaving."""
    versions = (Version("r1", 100, ()), Version("r2", 0, (4001,)))
    assert covered(versions) == versions


def test_shares_stay_while_everyone_has_replicas() -> None:
    versions = (Version("r1", 70, (4000,)), Version("r2", 30, (4001,)))
    assert covered(versions) == versions


def test_only_the_sidecar_of_the_callee_says_what_may_be_sent_again() -> None:
    told = [m for m in local_replies("inbound", "axon")["mappers"] if "headers_to_add" in m]
    assert {m["headers_to_add"][0]["header"]["key"] for m in told} == {REPEATABLE}
    assert retried("reset")["retriable_headers"][0]["name"] == REPEATABLE
    for direction in ("egress", "gateway"):
        assert REPEATABLE not in str(local_replies(direction, "axon"))
