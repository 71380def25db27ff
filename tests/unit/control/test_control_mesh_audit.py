"""What the mesh refused is in the audit log once, also after a restart of the control plane."""

import json

import pytest

from fairway.control.mesh_audit import MeshAudit
from fairway.targets.local.layout import open_state
from fairway.targets.local.log_files import rotate
from fairway_runtime.intents import IntentRoute
from fairway_runtime.policy.bundle import BundleService, PolicyBundle
from fairway_runtime.policy.engine import PolicyEngine


@pytest.fixture
def state(tmp_path):
    opened = open_state(tmp_path, stamp="now").state
    opened.audit.mkdir()
    return opened


@pytest.fixture
def engine():
    bundle = PolicyBundle(1, "shop", "local", "", {}, ("web",), frozenset())
    return PolicyEngine.from_bundle(bundle)


def refusal(number):
    record = {
        "time": "2026-11-21T03:00:00Z",
        "service": "axon",
        "peer": "spiffe://shop.local/web",
        "method": "POST",
        "path": "/reason",
        "status": 403,
        "details": "rbac_access_denied_matched_policy[none]",
        "request_id": f"r{number}",
    }
    return json.dumps(record) + "\n"


def recorded(state):
    lines = (state.audit / "mesh.jsonl").read_text().splitlines()
    return [json.loads(line)["decision_id"] for line in lines]


def test_each_refusal_is_recorded_once(state, engine):
    log = state.logs / "axon.access.log"
    log.write_text(refusal(1) + json.dumps({"details": "via_upstream"}) + "\n")
    audit = MeshAudit(state)
    assert audit.collect(engine) == 1
    assert audit.collect(engine) == 0
    with log.open("a") as file:
        file.write(refusal(2)[:-5])
    assert audit.collect(engine) == 0, "a line that is still being written has to wait"
    with log.open("a") as file:
        file.write(refusal(2)[-5:])
    assert audit.collect(engine) == 1
    audit.close()
    assert recorded(state) == ["mesh-r1", "mesh-r2"]


def test_what_happened_without_a_control_plane_is_not_lost(state, engine):
    log = state.logs / "axon.access.log"
    log.write_text(refusal(1))
    first = MeshAudit(state)
    first.collect(engine)
    first.close()
    with log.open("a") as file:
        file.write(refusal(2))
    second = MeshAudit(state)
    assert second.collect(engine) == 1
    second.close()
    assert recorded(state) == ["mesh-r1", "mesh-r2"]


def test_a_log_that_was_cut_is_read_from_its_beginning(state, engine):
    log = state.logs / "axon.access.log"
    log.write_text(refusal(1) + refusal(2))
    audit = MeshAudit(state)
    audit.collect(engine)
    log.write_text(refusal(3))
    assert audit.collect(engine) == 1
    audit.close()
    assert recorded(state)[-1] == "mesh-r3"


def test_what_came_between_the_last_look_and_a_rotation_is_recorded(state, engine):
    log = state.logs / "axon.access.log"
    log.write_text(refusal(1))
    audit = MeshAudit(state)
    audit.collect(engine)
    with log.open("a") as file:
        file.write(refusal(2))
    assert rotate(log, max_bytes=1)
    with log.open("a") as file:
        file.write(refusal(3)[:40])
    assert audit.collect(engine) == 1
    with log.open("a") as file:
        file.write(refusal(3)[40:])
    assert audit.collect(engine) == 1
    audit.close()
    assert recorded(state) == ["mesh-r1", "mesh-r2", "mesh-r3"]


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85"])
def test_no_character_of_a_caller_hides_a_refusal(state, engine, character):
    """Envoy writes what is valid UTF-8 as it is, and none of these ends a line of JSON."""
    log = state.logs / "axon.access.log"
    log.write_text(refusal(1).replace("r1", f"r{character}1"), encoding="utf-8")
    audit = MeshAudit(state)
    assert audit.collect(engine) == 1
    audit.close()


class FullDisk(PolicyEngine):
    def decide(self, *asked):
        raise OSError(28, "No space left on device")


def test_what_could_not_be_recorded_is_recorded_later(state):
    intents = {"reason": IntentRoute("reason", "POST", "/reason")}
    services = {"axon": BundleService(intents)}
    bundle = PolicyBundle(1, "shop", "local", "", services, ("web",), frozenset())
    log = state.logs / "axon.access.log"
    log.write_text(refusal(1))
    audit = MeshAudit(state)
    with pytest.raises(OSError, match="No space"):
        audit.collect(FullDisk.from_bundle(bundle))
    assert audit.collect(PolicyEngine.from_bundle(bundle)) == 1
    audit.close()
    assert recorded(state) == ["mesh-r1"]
