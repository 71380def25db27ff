"""What findings mean."""

from dataclasses import replace

import pytest

from fairway.targets.local.desired import Desired, DesiredVersion, ReleasedApp, SettledVersion
from fairway.targets.local.drift import Findings, drifts

R1 = DesiredVersion("r1", {}, "sha256:a", "d", 2, 100)
SETTLED = Desired(
    (ReleasedApp(1, {}),), {"axon": (R1,)}, 1, 4, (SettledVersion("axon", "r1", "d", 2),)
)
FINE = Findings(SETTLED, 4, {("axon", "r1"): 2})


def with_versions(*versions):
    return replace(SETTLED, services={"axon": versions} if versions else {})


def test_what_is_as_it_should_be_is_no_drift():
    assert drifts(FINE) == ()


def test_before_anything_was_settled_nothing_can_differ():
    assert drifts(replace(FINE, desired=replace(SETTLED, release=0), strays=(1,))) == ()


@pytest.mark.parametrize(
    ("change", "kind", "subject"),
    [
        ({"healthy": {("axon", "r1"): 1}}, "process", "axon.r1"),
        ({"desired": with_versions(replace(R1, replicas=3))}, "replicas", "axon.r1"),
        ({"desired": with_versions()}, "version", "axon.r1"),
        ({"desired": with_versions(R1, replace(R1, name="r2"))}, "version", "axon.r2"),
        ({"damaged": {("axon", "r1"): "main.py"}}, "version", "axon.r1"),
        ({"edited": {"axon": ("cds.json",)}}, "mesh-file", "axon/cds.json"),
        ({"policy_set": 5}, "policies", "policies"),
        ({"bundle_edited": True}, "policies", "policy bundle"),
        ({"strays": (7,)}, "unknown-process", "process 7"),
        ({"foreign": {9000: "nginx (process 8)"}}, "unknown-process", "port 9000"),
    ],
)
def test_each_difference_is_named_once(change, kind, subject):
    (found,) = drifts(replace(FINE, **change))
    assert (found.kind, found.subject) == (kind, subject)
    assert found.expected != found.found
    assert found.repair
