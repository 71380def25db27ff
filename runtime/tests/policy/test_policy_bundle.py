"""The bundle file: read whole or not at all, re-read when it changed, the last good one kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runtime.tests.policy.policy_samples import NOON, ORBIT, POLICIES, bundle

from fairway_runtime.policy.bundle import BundleFile, InvalidBundle, PolicyBundle
from fairway_runtime.policy.live import LivePolicies


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_a_bundle_survives_the_file() -> None:
    assert PolicyBundle.from_json(bundle().to_json()) == bundle()


def test_the_digest_covers_everything() -> None:
    document = json.loads(bundle().to_json())
    for key, value in document.items():
        if key == "digest":
            continue
        changed = {**document, key: f"{value}x" if isinstance(value, str) else type(value)()}
        with pytest.raises(InvalidBundle, match="digest"):
            PolicyBundle.from_json(json.dumps(changed))


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"version": "x"}', bundle().to_json()[:-9]]
)
def test_anything_else_is_an_invalid_bundle(text: str) -> None:
    with pytest.raises(InvalidBundle):
        PolicyBundle.from_json(text)


def test_a_changed_file_is_noticed_and_a_bad_one_reported_once(tmp_path: Path) -> None:
    path, problems = tmp_path / "active.json", []
    path.write_text(bundle(version=1).to_json())
    file = BundleFile(path, clock=Clock(), on_problem=problems.append)
    assert file.current().version == 1
    path.write_text(bundle(version=2).to_json() + "\n")
    assert file.current().version == 2
    path.write_text("{broken")
    assert [file.current().version for _ in range(3)] == [2, 2, 2]
    assert len(problems) == 1
    assert str(path) in problems[0]
    path.write_text(bundle(version=4).to_json())
    assert file.current().version == 4
    assert file.problem is None


def test_the_file_is_looked_at_once_per_interval(tmp_path: Path) -> None:
    now = [10.0]
    path = tmp_path / "active.json"
    path.write_text(bundle(version=1).to_json())
    file = BundleFile(path, clock=lambda: now[0])
    file.current()
    path.write_text(bundle(version=22).to_json())
    now[0] += 0.05
    assert file.current().version == 1
    now[0] += 0.06
    assert file.current().version == 22


def test_no_file_is_an_error_until_there_is_one(tmp_path: Path) -> None:
    file = BundleFile(tmp_path / "none.json", clock=Clock())
    with pytest.raises(InvalidBundle, match=r"none\.json"):
        file.current()
    (tmp_path / "none.json").write_text(bundle().to_json())
    assert file.current() == bundle()


def test_live_policies_follow_the_file_and_deny_without_one(tmp_path: Path) -> None:
    path = tmp_path / "active.json"
    live = LivePolicies(BundleFile(path, clock=Clock()))
    refused = live.decide(ORBIT, "axon", "reason", NOON)
    assert not refused.allowed
    assert "no policies to decide by" in refused.reason
    path.write_text(bundle(version=1).to_json())
    assert live.decide(ORBIT, "axon", "reason", NOON).allowed
    path.write_text(bundle(POLICIES + "forbid (principal, action, resource);", 2).to_json())
    denied = live.decide(ORBIT, "axon", "reason", NOON)
    assert (denied.allowed, denied.policy_set) == (False, 2)


def test_policies_that_do_not_parse_leave_the_last_good_ones(tmp_path: Path) -> None:
    path, problems = tmp_path / "active.json", []
    path.write_text(bundle(version=1).to_json())
    live = LivePolicies(BundleFile(path, clock=Clock(), on_problem=problems.append))
    assert live.decide(ORBIT, "axon", "reason", NOON).policy_set == 1
    path.write_text(bundle("permit (", 2).to_json())
    assert live.decide(ORBIT, "axon", "reason", NOON).policy_set == 1
    assert "policy set 2" in problems[0]
