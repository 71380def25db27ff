"""What should be here: every change is a new value, and the file says the same after a crash."""

import json
from dataclasses import replace

import pytest

from fairway.errors import Conflict, InvalidInput
from fairway.model.app import App
from fairway.plan.observed import WORKING_TREE
from fairway.plan.release import Release, ReleaseContent, ServiceRelease
from fairway.targets.contract import Fence, Routing, Split
from fairway.targets.local.desired import DesiredFile, DesiredVersion, SettledVersion, working_tree
from fairway.targets.local.fences import FenceFile
from fairway.targets.local.naming import replica_label, service_of, version_label

APP = App.model_validate(
    {"app": "shop", "services": {"axon": {"run": "axon"}, "sweep": {"kind": "worker", "run": "s"}}}
)
TREE = working_tree(APP, {"axon": "d0", "sweep": "d0"}, None)
AXON = APP.services["axon"].model_dump(mode="json")
SWEEP = APP.services["sweep"].model_dump(mode="json")


def version(name, declared=AXON, digest="d1", **more):
    return DesiredVersion(name, declared, "sha256:a", digest, 1, **more)


def release(number, **digests):
    services = {name: ServiceRelease(AXON, "", {}, digest) for name, digest in digests.items()}
    app = APP.model_dump(mode="json")
    return Release(number, "d", ReleaseContent(app, services, number, "p"), "ada", 0.0)


def test_the_working_tree_gets_everything_and_is_no_release():
    assert [(s, v.name, v.weight) for s, v in TREE.versions] == [
        ("axon", WORKING_TREE, 100),
        ("sweep", WORKING_TREE, 100),
    ]
    assert TREE.from_working_tree
    assert TREE.at_rest


def test_a_new_version_stands_beside_and_is_not_the_main_one():
    both = TREE.with_version("axon", version("r1"))
    assert [v.name for v in both.services["axon"]] == [WORKING_TREE, "r1"]
    assert both.main("axon").name == WORKING_TREE
    assert not both.at_rest
    assert not both.from_working_tree


def test_traffic_moves_only_where_it_is_said():
    both = TREE.with_version("axon", version("r1")).with_version("sweep", version("r1", SWEEP))
    moved = both.routed(Routing({"axon": Split({"r1": 30, WORKING_TREE: 70}, "r1")}, "r1"))
    assert {v.name: v.weight for v in moved.services["axon"]} == {WORKING_TREE: 70, "r1": 30}
    assert {v.name: v.weight for v in moved.services["sweep"]} == {WORKING_TREE: 100, "r1": 0}
    later = moved.routed(Routing({"sweep": Split({"r1": 100})}, "r1"))
    assert later.routing.services.keys() == {"axon", "sweep"}


def test_marks_come_into_force_with_the_traffic_divided_as_it_is():
    both = TREE.with_version("axon", version("r1"))
    routing = Routing({"axon": Split({"r1": 30, WORKING_TREE: 70}, "r1")}, "r1", mirror=50)
    marked = both.routed(both.marking(routing))
    assert {v.name: v.weight for v in marked.services["axon"]} == {WORKING_TREE: 100, "r1": 0}
    split = marked.routing.services["axon"]
    assert (marked.routing.cohort, marked.routing.mirror, split.candidate) == ("r1", 0, "r1")


def test_of_a_worker_only_the_version_with_most_weight_runs():
    both = TREE.with_version("sweep", version("r1", SWEEP)).with_version("axon", version("r1"))
    assert ("sweep", "r1") not in {(s, v.name) for s, v in both.running}
    assert ("axon", "r1") in {(s, v.name) for s, v in both.running}
    moved = both.routed(Routing({"sweep": Split({"r1": 100})}))
    assert [(s, v.name) for s, v in moved.running if s == "sweep"] == [("sweep", "r1")]


def test_what_is_gone_is_no_candidate_any_more():
    both = TREE.with_version("axon", version("r1"))
    routed = both.routed(Routing({"axon": Split({WORKING_TREE: 100}, "r1")}, "r1"))
    left = routed.without([("axon", "r1"), ("sweep", WORKING_TREE)])
    assert left.services.keys() == {"axon"}
    assert left.routing.services["axon"].candidate is None


def test_settling_says_what_drift_is_measured_by():
    both = TREE.with_version("axon", replace(version("r3"), replicas=4))
    settled = both.with_app(release(3, axon="d1")).settle(release(3, axon="d1"))
    assert settled.settled == (SettledVersion("axon", "r3", "d1", 4),)
    assert (settled.release, settled.policy_set, settled.routing) == (3, 3, None)
    assert [app.release for app in settled.apps] == [3]


def test_the_newest_app_comes_last_and_once():
    twice = TREE.with_app(release(1)).with_app(release(2)).with_app(release(1))
    assert [app.release for app in twice.apps] == [0, 2, 1]


def test_the_file_says_the_same(tmp_path):
    file = DesiredFile(tmp_path / "desired.json")
    assert file.read() is None
    kept = (
        TREE.with_version("axon", version("r1", otlp="http://collector"))
        .routed(Routing({"axon": Split({WORKING_TREE: 95, "r1": 5}, "r1")}, "r1", "none", 10))
        .settle(release(1, axon="d1"))
        .routed(Routing({"axon": Split({"r1": 100}, None)}, "r1"))
    )
    file.write(kept)
    assert file.read() == kept
    assert (tmp_path / "desired.json").stat().st_mode & 0o777 == 0o600
    file.forget()
    file.forget()
    assert file.read() is None


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"apps": []})])
def test_a_damaged_file_is_never_guessed(tmp_path, content):
    path = tmp_path / "desired.json"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="cannot be read") as caught:
        DesiredFile(path).read()
    assert caught.value.where == str(path)


def test_an_older_lease_is_refused_also_after_a_restart(tmp_path):
    FenceFile(tmp_path / "fence").admit(Fence("d1", 3))
    fence = FenceFile(tmp_path / "fence")
    fence.admit(Fence("d1", 3))
    with pytest.raises(Conflict, match="lease 2"):
        fence.admit(Fence("d0", 2))
    fence.admit(Fence("d2", 4))
    with pytest.raises(Conflict):
        fence.admit(Fence("d1", 3))


def test_replicas_of_versions_have_names_of_their_own():
    assert replica_label("orbit", WORKING_TREE, 0) == "orbit.0"
    assert replica_label("orbit", "r8", 1) == "orbit.r8.1"
    assert version_label("orbit", "r8") == "orbit.r8"
    assert service_of("orbit.r8.1") == service_of("orbit.0") == "orbit"


def flagged(number, **percents):
    flags = {name: {"percent": {"on": percent}} for name, percent in percents.items()}
    kept = release(number)
    return replace(kept, content=replace(kept.content, app={**kept.content.app, "flags": flags}))


def shares(desired):
    return {name: flag["percent"]["on"] for name, flag in desired.flags.items()}


def test_flags_change_with_what_governs_and_nothing_that_runs_loses_one():
    one, two = flagged(1, old=10, both=10), flagged(2, both=50, new=50)
    settled = TREE.governed(one).settle(one)
    applied = settled.with_app(two)
    assert shares(applied) == {"old": 10, "both": 10, "new": 50}
    governed = applied.governed(two)
    assert shares(governed) == {"old": 10, "both": 50, "new": 50}
    assert shares(governed.settle(two)) == {"both": 50, "new": 50}
    back = governed.with_app(one).governed(one)
    assert shares(back) == {"old": 10, "both": 10, "new": 50}
    assert shares(back.settle(one)) == {"old": 10, "both": 10}


def test_flags_survive_a_crash_and_a_file_of_before_there_were_any(tmp_path):
    file = DesiredFile(tmp_path / "desired.json")
    file.write(TREE.governed(flagged(1, new=5)))
    assert shares(file.read()) == {"new": 5}
    content = json.loads((tmp_path / "desired.json").read_text())
    del content["flags"]
    (tmp_path / "desired.json").write_text(json.dumps(content))
    assert file.read().flags == {}
